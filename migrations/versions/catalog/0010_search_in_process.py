"""Counts changes of the catalogue, by which processes know that their search index is old.

Search reads the services into memory; the index in the database is no longer written.
"""

from alembic import op

revision = "catalog_0010_search_in_process"
down_revision = "catalog_0009_places"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE catalog.revision (
        region text   NOT NULL PRIMARY KEY,
        number bigint NOT NULL
    )
    """,
    "COMMENT ON TABLE catalog.revision IS "
    "'How many transactions changed the services, agencies or life events of a region'",
    """
    CREATE FUNCTION catalog.count_revision() RETURNS trigger
    LANGUAGE plpgsql AS $$
    DECLARE
        changed text := CASE TG_OP WHEN 'DELETE' THEN OLD.region ELSE NEW.region END;
        counted text := coalesce(current_setting('emall.revised_regions', true), '');
    BEGIN
        -- Once in a transaction and at its end, so that the row is locked for a moment only, and
        -- after every other lock. The setting ends with the transaction.
        IF position(' ' || changed || ' ' IN counted) = 0 THEN
            INSERT INTO catalog.revision (region, number) VALUES (changed, 1)
            ON CONFLICT (region) DO UPDATE SET number = revision.number + 1;
            PERFORM set_config('emall.revised_regions', counted || ' ' || changed || ' ', true);
        END IF;
        RETURN NULL;
    END $$
    """,
    *(
        f"""
        CREATE CONSTRAINT TRIGGER count_revision
        AFTER INSERT OR UPDATE OR DELETE ON catalog.{table}
        DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION catalog.count_revision()
        """
        for table in ("service", "agency", "life_event")
    ),
    # Processes of the version before still search by these columns.
    "ALTER TABLE catalog.service ALTER COLUMN search SET DEFAULT '', "
    "ALTER COLUMN names SET DEFAULT '{}'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
