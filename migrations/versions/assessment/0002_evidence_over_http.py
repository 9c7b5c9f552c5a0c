"""Evidence and sources that agencies record themselves, and creations that are not repeated."""

from alembic import op

revision = "assessment_0002"
down_revision = "assessment_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE assessment.evidence
            ADD COLUMN origin      text NOT NULL DEFAULT 'pack' CHECK (origin IN ('pack', 'api')),
            ADD COLUMN recorded_by text NOT NULL DEFAULT 'pack'
        """
    )
    op.execute(
        "COMMENT ON COLUMN assessment.evidence.origin IS "
        "'What was written over the API stays as it is when a pack is loaded'"
    )
    op.execute(
        """
        ALTER TABLE assessment.source
            ADD COLUMN origin text NOT NULL DEFAULT 'pack' CHECK (origin IN ('pack', 'api'))
        """
    )
    op.execute(
        """
        CREATE TABLE assessment.creation (
            region      text        NOT NULL,
            caller      text        NOT NULL,
            key         text        NOT NULL,
            fingerprint text        NOT NULL,
            created_id  text        NOT NULL,
            recorded_at timestamptz NOT NULL,
            PRIMARY KEY (region, caller, key)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE assessment.creation IS "
        "'What a request with an Idempotency-Key made, so that a repeated one makes nothing more'"
    )
