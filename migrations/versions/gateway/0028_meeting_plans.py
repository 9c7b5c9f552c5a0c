"""Planned meetings, and calendar files in mails."""

from alembic import op

revision = "gateway_0028_meeting_plans"
down_revision = "gateway_0027_passkeys"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE gateway.meeting_plan (
        region         text        NOT NULL,
        id             uuid        NOT NULL,
        organiser      text        NOT NULL,
        version        bigint      NOT NULL CHECK (version > 0),
        recorded_at    timestamptz NOT NULL,
        ends_at        timestamptz NOT NULL,
        content        jsonb       NOT NULL,
        invited        jsonb       NOT NULL,
        mailed_at      timestamptz,
        mailed_version bigint,
        mailed_people  bigint,
        PRIMARY KEY (region, id),
        CHECK ((mailed_at IS NULL) = (mailed_version IS NULL)
            AND (mailed_at IS NULL) = (mailed_people IS NULL))
    )
    """,
    "COMMENT ON TABLE gateway.meeting_plan IS "
    "'Meetings that are planned; deleted when they are recorded as evidence or called off'",
    "COMMENT ON COLUMN gateway.meeting_plan.organiser IS "
    "'Agency that plans the meeting; the id of a key or person without one'",
    "COMMENT ON COLUMN gateway.meeting_plan.invited IS "
    "'Stakeholders that are invited, by the names they had when the plan was saved'",
    "COMMENT ON COLUMN gateway.meeting_plan.mailed_version IS "
    "'Version whose invitation was mailed last; null: none was'",
    "ALTER TABLE gateway.mail_outbox ADD COLUMN calendar bytea",
    "COMMENT ON COLUMN gateway.mail_outbox.calendar IS "
    "'Calendar file that is attached, encrypted; null: none, or the mail was sent'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
