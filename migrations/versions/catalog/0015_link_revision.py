"""Counts changes of the links too, by which portals of the regency are told from national ones."""

from alembic import op

revision = "catalog_0015_link_revision"
down_revision = "catalog_0014_drafts"
branch_labels = None
depends_on = None

STATEMENTS = (
    "COMMENT ON TABLE catalog.revision IS "
    "'How many transactions changed the services, agencies, life events or links of a region'",
    """
    CREATE CONSTRAINT TRIGGER count_revision
    AFTER INSERT OR UPDATE OR DELETE ON catalog.link
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION catalog.count_revision()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
