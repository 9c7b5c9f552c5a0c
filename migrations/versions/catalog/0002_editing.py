"""Services that agencies edit themselves, who published each version, and the links there are."""

from alembic import op

revision = "catalog_0002"
down_revision = "catalog_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE catalog.service
            ADD COLUMN origin text NOT NULL DEFAULT 'pack' CHECK (origin IN ('pack', 'api'))
        """
    )
    op.execute(
        "COMMENT ON COLUMN catalog.service.origin IS "
        "'What an agency edited over the API stays as it is when a pack is loaded'"
    )
    op.execute(
        "ALTER TABLE catalog.service_version ADD COLUMN recorded_by text NOT NULL DEFAULT 'pack'"
    )
    op.execute(
        """
        CREATE TABLE catalog.link (
            region text NOT NULL,
            slug   text NOT NULL,
            PRIMARY KEY (region, slug)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE catalog.link IS "
        "'Names of the links that a channel may lead to; what they are is the gateway''s to know'"
    )
