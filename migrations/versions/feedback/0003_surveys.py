"""Results in bundles of five or more, and ways in which a survey is answered."""

from alembic import op

revision = "feedback_0003"
down_revision = "feedback_0002_usage_events"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE feedback.bundle (
            region    text  NOT NULL,
            survey    text  NOT NULL,
            id        uuid  NOT NULL,
            sealed_on date  NOT NULL,
            n         int   NOT NULL CHECK (n >= 5),
            first_day date  NOT NULL,
            last_day  date  NOT NULL CHECK (last_day > first_day),
            service   text,
            agency    text,
            channel   text,
            district  text,
            versions  int[] NOT NULL,
            tally     jsonb NOT NULL,
            PRIMARY KEY (region, survey, id)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE feedback.bundle IS "
        "'Five or more responses with the sums of their answers: all that results are made of. "
        "A label that is null was not the same in all of them; an empty one was not said'"
    )
    op.execute("CREATE INDEX bundle_day ON feedback.bundle (region, survey, first_day)")
    op.execute(
        """
        ALTER TABLE feedback.response
            ADD COLUMN mode text NOT NULL DEFAULT 'api',
            ADD COLUMN bundle uuid,
            ADD FOREIGN KEY (region, survey, bundle)
                REFERENCES feedback.bundle (region, survey, id)
        """
    )
    op.execute(
        """
        CREATE INDEX response_waiting ON feedback.response (region, survey) WHERE bundle IS NULL
        """
    )
