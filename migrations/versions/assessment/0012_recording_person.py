"""Who recorded a version of evidence, besides the organisation."""

from alembic import op

revision = "assessment_0012_recording_person"
down_revision = "assessment_0011_key_fingerprints"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE assessment.evidence ADD COLUMN person text",
    "COMMENT ON COLUMN assessment.evidence.person IS "
    "'Who recorded it: the person, or the first of the keys that were made from each other; null: "
    "a pack, or recorded before this was stored'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
