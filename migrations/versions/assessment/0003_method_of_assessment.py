"""An assessment keeps the method it followed, so that it can be computed again for good."""

from alembic import op

revision = "assessment_0003"
down_revision = "assessment_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE assessment.assessment ADD COLUMN definition jsonb")
    op.execute(
        "COMMENT ON COLUMN assessment.assessment.definition IS "
        "'The method in full; null in assessments from before it was kept'"
    )
