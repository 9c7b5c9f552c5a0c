"""Services on which nobody asks for reports."""

from alembic import op

revision = "feedback_0022_unowed_reports"
down_revision = "feedback_0021_key_fingerprints"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE feedback.reporting_obligation ADD COLUMN is_owed boolean NOT NULL DEFAULT true"
    )
    op.execute(
        "COMMENT ON COLUMN feedback.reporting_obligation.is_owed IS "
        "'Whether reports are asked for: of active services of the regency''s own agencies'"
    )
