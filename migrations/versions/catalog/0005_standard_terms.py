"""Names columns and functions by the standard terms that code and API use."""

from alembic import op

revision = "catalog_0005"
down_revision = "catalog_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The generated column refers to its function by identity, not by name.
    op.execute("ALTER FUNCTION catalog.card_of RENAME TO list_item_json")
    op.execute("ALTER TABLE catalog.service RENAME COLUMN card TO list_item_json")
    op.execute(
        "COMMENT ON COLUMN catalog.service.list_item_json IS "
        "'The service as a list item: JSON in two parts, its agency between them'"
    )
