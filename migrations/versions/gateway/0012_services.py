"""Add the services of the pack, which click-outs may name."""

from alembic import op

revision = "gateway_0012_services"
down_revision = "gateway_0012_key_families"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE gateway.service (
            region text NOT NULL,
            slug   text NOT NULL,
            PRIMARY KEY (region, slug)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE gateway.service IS "
        "'The services of the pack, which click-outs may name while the catalogue is away'"
    )
    # Until the pack is loaded again, the services that have a poster.
    op.execute(
        "INSERT INTO gateway.service (region, slug) "
        "SELECT DISTINCT region, slug FROM gateway.poster WHERE kind = 'layanan'"
    )
