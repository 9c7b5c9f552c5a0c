"""Notify changes of the services that clicks may name, which gateways keep in memory."""

from alembic import op

revision = "gateway_0018_service_notices"
down_revision = "gateway_0017_keys_and_backups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TRIGGER notify_published AFTER INSERT OR UPDATE OR DELETE ON gateway.service "
        "FOR EACH STATEMENT EXECUTE FUNCTION gateway.notify_published()"
    )
