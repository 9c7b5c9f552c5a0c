"""Counts answers to whether the page of a service helped, as sums without anything of a person."""

from alembic import op

revision = "feedback_0026_helpfulness"
down_revision = "feedback_0025_revision"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE feedback.helpfulness (
        region  text    NOT NULL,
        service text    NOT NULL,
        day     date    NOT NULL,
        helpful boolean NOT NULL,
        answers bigint  NOT NULL CHECK (answers > 0),
        PRIMARY KEY (region, service, day, helpful)
    )
    """,
    "COMMENT ON TABLE feedback.helpfulness IS "
    "'How many people a day found that the page of a service helped them, or did not'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
