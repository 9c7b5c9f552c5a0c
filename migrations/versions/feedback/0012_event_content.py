"""The content of an event beside its id, so that an id that comes again can be compared."""

from alembic import op

revision = "feedback_0012_event_content"
down_revision = "feedback_0010_reference_codes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE feedback.event_id ADD COLUMN dimensions int")
    op.execute(
        "COMMENT ON COLUMN feedback.event_id.dimensions IS "
        "'As in event; null of events stored before this column'"
    )
