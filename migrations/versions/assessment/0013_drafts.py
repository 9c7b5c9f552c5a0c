"""Drafts of assessments, and who published which one."""

from alembic import op

revision = "assessment_0013_drafts"
down_revision = "assessment_0012_recording_person"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE assessment.assessment_draft (
        region         text        NOT NULL,
        id             uuid        NOT NULL,
        method         text        NOT NULL,
        method_version bigint      NOT NULL,
        method_hash    text        NOT NULL,
        period         bigint      NOT NULL,
        seed           bigint      NOT NULL,
        draws          bigint      NOT NULL,
        evidence_hash  text        NOT NULL,
        recorded_at    timestamptz NOT NULL,
        recorded_by    text        NOT NULL,
        drafted_by     text        NOT NULL,
        definition     jsonb       NOT NULL,
        evidence       jsonb       NOT NULL,
        scores         jsonb       NOT NULL,
        PRIMARY KEY (region, id)
    )
    """,
    "COMMENT ON TABLE assessment.assessment_draft IS "
    "'Assessments that nobody has published; a second person moves them to assessment'",
    "COMMENT ON COLUMN assessment.assessment_draft.drafted_by IS "
    "'The person, or the first of the keys that were made from each other; does not publish it'",
    """
    CREATE TABLE assessment.publication (
        region       text        NOT NULL,
        id           uuid        NOT NULL,
        drafted_by   text        NOT NULL,
        published_by text        NOT NULL,
        published_at timestamptz NOT NULL,
        PRIMARY KEY (region, id),
        CHECK (published_by <> drafted_by)
    )
    """,
    "COMMENT ON TABLE assessment.publication IS "
    "'Assessments that were drafts first; others were stored at once by a program'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
