"""The text of a comment that an agency published."""

from alembic import op

revision = "feedback_0014_publication"
down_revision = "feedback_0013_retractions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE feedback.comment ADD COLUMN published_text text, "
        "ADD COLUMN published_at timestamptz"
    )
    op.execute(
        "COMMENT ON COLUMN feedback.comment.published_text IS "
        "'As everybody may read it; null: not published'"
    )
