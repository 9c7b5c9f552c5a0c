"""Says on the channel `emall_published` that the catalogue changed, when a change is committed."""

from alembic import op

revision = "catalog_0003"
down_revision = "catalog_0002"
branch_labels = None
depends_on = None

TABLES = ("source", "agency", "life_event", "service", "service_version")


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION catalog.tell_of_publishing() RETURNS trigger
        LANGUAGE plpgsql AS $$ BEGIN
            -- One statement may write for several regions; hearing of one too many costs a read.
            PERFORM pg_notify('emall_published', '* catalog');
            RETURN NULL;
        END $$
        """
    )
    for table in TABLES:
        op.execute(
            f"""
            CREATE TRIGGER tell_of_publishing
            AFTER INSERT OR UPDATE OR DELETE ON catalog.{table}
            FOR EACH STATEMENT EXECUTE FUNCTION catalog.tell_of_publishing()
            """
        )
