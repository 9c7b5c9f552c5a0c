"""Counts changes of places too, which search knows by name, district and hours."""

from alembic import op

revision = "catalog_0013_search_places"
down_revision = "catalog_0012_agencies"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE CONSTRAINT TRIGGER count_revision
    AFTER INSERT OR UPDATE OR DELETE ON catalog.place
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION catalog.count_revision()
    """,
    "COMMENT ON TABLE catalog.revision IS "
    "'How many transactions changed the services, agencies, life events or places of a region'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
