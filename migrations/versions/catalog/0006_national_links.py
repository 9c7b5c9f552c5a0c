"""Marks links to portals of national bodies, which are not the regency's own services."""

from alembic import op

revision = "catalog_0006"
down_revision = "catalog_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE catalog.link ADD COLUMN national boolean NOT NULL DEFAULT false")
    op.execute(
        "COMMENT ON COLUMN catalog.link.national IS 'Whether a national body operates the portal'"
    )
