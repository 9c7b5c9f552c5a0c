"""The agencies to which the invitation to a planned meeting was mailed."""

from alembic import op

revision = "gateway_0030_mailed_agencies"
down_revision = "gateway_0029_attendance"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE gateway.meeting_plan ADD COLUMN mailed_agencies text[]",
    "COMMENT ON COLUMN gateway.meeting_plan.mailed_agencies IS "
    "'Agencies whose people hold a mailed invitation, and are told of changes'",
    """
    UPDATE gateway.meeting_plan SET mailed_agencies = ARRAY(
        SELECT DISTINCT one ->> 'agency' FROM jsonb_array_elements(invited) AS one
        WHERE one ->> 'agency' IS NOT NULL)
    WHERE mailed_at IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
