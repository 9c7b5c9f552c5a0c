"""Set items aside that their receiver refused, until an operator retries or discards them."""

from alembic import op

revision = "gateway_0015_refused_items"
down_revision = "gateway_0014_key_sessions"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE gateway.click_outbox ADD COLUMN refused_at timestamptz, ADD COLUMN reason text",
    "CREATE INDEX click_outbox_refused ON gateway.click_outbox (region, refused_at) "
    "WHERE refused_at IS NOT NULL",
    "COMMENT ON COLUMN gateway.click_outbox.refused_at IS "
    "'When feedback refused the event, which is then not sent again by itself'",
    "ALTER TABLE gateway.webhook_delivery ADD COLUMN given_up_at timestamptz",
    "CREATE INDEX webhook_delivery_given_up ON gateway.webhook_delivery (region, given_up_at) "
    "WHERE given_up_at IS NOT NULL",
    "COMMENT ON COLUMN gateway.webhook_delivery.given_up_at IS "
    "'When the last attempt failed; null for a webhook that was disabled'",
    """
    CREATE TABLE gateway.oss_refused_month (
        region        text        NOT NULL,
        month         text        NOT NULL,
        rules_version text        NOT NULL,
        zone          text        NOT NULL,
        refused_at    timestamptz NOT NULL,
        reason        text        NOT NULL,
        PRIMARY KEY (region, month)
    )
    """,
    "COMMENT ON TABLE gateway.oss_refused_month IS "
    "'Months whose figures from messages of OSS feedback refused'",
    "COMMENT ON COLUMN gateway.oss_refused_month.zone IS 'The time zone of the month'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
