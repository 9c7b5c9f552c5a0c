"""Drafts of an agency's monthly statistics: entered, submitted, approved by a second person."""

from alembic import op

revision = "feedback_0024_statistic_drafts"
down_revision = "feedback_0023_owed_months"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE feedback.statistic_draft (
        region          text        NOT NULL,
        agency          text        NOT NULL,
        period          date        NOT NULL,
        revision        bigint      NOT NULL,
        content         jsonb       NOT NULL,
        authors         text[]      NOT NULL,
        saved_at        timestamptz NOT NULL,
        saved_by        text        NOT NULL,
        submitted_at    timestamptz,
        submitted_by    text,
        approved_at     timestamptz,
        approved_by     text,
        reopened_at     timestamptz,
        reopened_by     text,
        reopened_reason text,
        PRIMARY KEY (region, agency, period),
        CHECK (approved_at IS NULL OR submitted_at IS NOT NULL)
    )
    """,
    "COMMENT ON TABLE feedback.statistic_draft IS "
    "'Monthly statistics as they are entered; the figures count from their approval on'",
    "COMMENT ON COLUMN feedback.statistic_draft.revision IS 'Counts every change of the row'",
    "COMMENT ON COLUMN feedback.statistic_draft.authors IS "
    "'Who saved or submitted it since it was last approved; none of them approves it'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
