"""Attendance lists of planned meetings, filled in by those present."""

from alembic import op

revision = "gateway_0029_attendance"
down_revision = "gateway_0028_meeting_plans"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE gateway.meeting_plan ADD COLUMN attendance_round bigint NOT NULL DEFAULT 0",
    "ALTER TABLE gateway.meeting_plan ADD COLUMN attendance_hash bytea",
    "COMMENT ON COLUMN gateway.meeting_plan.attendance_round IS "
    "'How often the attendance list was opened with a new token'",
    "COMMENT ON COLUMN gateway.meeting_plan.attendance_hash IS "
    "'SHA-256 of the token of the attendance list; null: it is closed'",
    "CREATE UNIQUE INDEX meeting_plan_attendance ON gateway.meeting_plan (region, attendance_hash)",
    """
    CREATE TABLE gateway.meeting_attendance (
        region       text        NOT NULL,
        meeting      uuid        NOT NULL,
        id           uuid        NOT NULL,
        stakeholder  text,
        organisation text,
        name         text        NOT NULL,
        entered_at   timestamptz NOT NULL,
        PRIMARY KEY (region, meeting, id),
        FOREIGN KEY (region, meeting) REFERENCES gateway.meeting_plan (region, id)
            ON DELETE CASCADE,
        CHECK ((stakeholder IS NULL) <> (organisation IS NULL))
    )
    """,
    "COMMENT ON TABLE gateway.meeting_attendance IS "
    "'Names that people present at a meeting entered; deleted with the plan'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
