"""Daily digests by e-mail: who wants them, and the day that was last looked at."""

from alembic import op

revision = "gateway_0026_digests"
down_revision = "gateway_0025_announcements"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE gateway.person ADD COLUMN wants_digest boolean NOT NULL DEFAULT true",
    "ALTER TABLE gateway.person ADD COLUMN digest_day date",
    "COMMENT ON COLUMN gateway.person.digest_day IS "
    "'Local day of the last digest, also of one that had nothing to say and was not sent'",
    "ALTER TABLE gateway.mail_outbox ADD COLUMN is_digest boolean NOT NULL DEFAULT false",
    "COMMENT ON COLUMN gateway.mail_outbox.is_digest IS "
    "'Whether it is a daily digest, which its header lets the person unsubscribe from'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
