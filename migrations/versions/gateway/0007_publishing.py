"""Says on the channel `emall_published` that what pages tell of links changed, once committed."""

from alembic import op

revision = "gateway_0007_publishing"
down_revision = "gateway_0006_access"
branch_labels = None
depends_on = None

TABLES = ("regency", "link", "incident", "incident_update", "maintenance")


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION gateway.tell_of_publishing() RETURNS trigger
        LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_notify('emall_published', '* gateway');
            RETURN NULL;
        END $$
        """
    )
    for table in TABLES:
        op.execute(
            f"""
            CREATE TRIGGER tell_of_publishing
            AFTER INSERT OR UPDATE OR DELETE ON gateway.{table}
            FOR EACH STATEMENT EXECUTE FUNCTION gateway.tell_of_publishing()
            """
        )
    # A check that finds what the last one found tells nothing new.
    op.execute(
        """
        CREATE TRIGGER tell_of_publishing AFTER UPDATE ON gateway.link_health
        FOR EACH ROW WHEN ((OLD.state, OLD.in_maintenance) IS DISTINCT FROM
                           (NEW.state, NEW.in_maintenance))
        EXECUTE FUNCTION gateway.tell_of_publishing()
        """
    )
