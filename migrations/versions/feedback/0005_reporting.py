"""What a monthly report is made of for each service, and doubts about figures."""

from alembic import op

revision = "feedback_0005_reporting"
down_revision = "feedback_0004_followup"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE feedback.expected_report
            ADD COLUMN name text NOT NULL DEFAULT '',
            ADD COLUMN channels text[] NOT NULL DEFAULT '{}'
        """
    )
    op.execute(
        """
        CREATE TABLE feedback.statistic_flag (
            region       text             NOT NULL,
            id           uuid             NOT NULL,
            agency       text             NOT NULL,
            service      text             NOT NULL,
            channel      text             NOT NULL,
            period       date             NOT NULL CHECK (extract(day FROM period) = 1),
            measure      text             NOT NULL,
            kind         text             NOT NULL,
            about        text             NOT NULL,
            certainty    text             NOT NULL,
            facts        jsonb            NOT NULL,
            raised_at    timestamptz      NOT NULL,
            resolved_at  timestamptz,
            explanation  text,
            explained_at timestamptz,
            explained_by text,
            PRIMARY KEY (region, id),
            UNIQUE (region, agency, service, channel, period, measure, kind, about)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE feedback.statistic_flag IS "
        "'Doubts about figures, kept when they are resolved or explained. An empty text stands "
        "for all services, channels or counters of the agency'"
    )
    op.execute(
        "COMMENT ON COLUMN feedback.statistic_flag.about IS "
        "'The figures that the doubt is about: other figures are another doubt'"
    )
