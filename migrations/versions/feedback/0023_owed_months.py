"""The months in which reports on a service are asked for, beyond the end of its obligation."""

from alembic import op

revision = "feedback_0023_owed_months"
down_revision = "feedback_0022_unowed_reports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE feedback.reporting_obligation ADD COLUMN owed_in datemultirange")
    op.execute(
        "COMMENT ON COLUMN feedback.reporting_obligation.owed_in IS "
        "'Months of which reports are or were asked for; null: from since on, if is_owed'"
    )
