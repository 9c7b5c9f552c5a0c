"""Files that are attached to evidence."""

from alembic import op

revision = "assessment_0014_attachments"
down_revision = "assessment_0013_drafts"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE assessment.evidence_attachment (
        region     text        NOT NULL,
        id         uuid        NOT NULL,
        kind       text        NOT NULL,
        record     uuid        NOT NULL,
        sha256     bytea       NOT NULL,
        media_type text        NOT NULL,
        size       bigint      NOT NULL,
        name       text,
        content    bytea,
        added_at   timestamptz NOT NULL,
        added_by   text        NOT NULL,
        removed_at timestamptz,
        removed_by text,
        PRIMARY KEY (region, id),
        CHECK ((removed_at IS NULL) = (content IS NOT NULL)),
        CHECK ((removed_at IS NULL) = (name IS NOT NULL))
    )
    """,
    "COMMENT ON TABLE assessment.evidence_attachment IS "
    "'Files attached to a record of evidence; of a deleted one its hash and its dates remain'",
    "COMMENT ON COLUMN assessment.evidence_attachment.sha256 IS "
    "'SHA-256 of the content as stored: images are encoded anew'",
    # Images and documents are compressed already.
    "ALTER TABLE assessment.evidence_attachment ALTER COLUMN content SET STORAGE EXTERNAL",
    """
    CREATE UNIQUE INDEX evidence_attachment_content
        ON assessment.evidence_attachment (region, kind, record, sha256)
        WHERE removed_at IS NULL
    """,
    """
    CREATE INDEX evidence_attachment_agency
        ON assessment.evidence_attachment (region, added_by)
        WHERE removed_at IS NULL
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
