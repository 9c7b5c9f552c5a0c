"""Keep versions of agencies and life events, and what was changed over the API."""

from alembic import op

revision = "catalog_0012_agencies"
down_revision = "catalog_0011_search_demand"
branch_labels = None
depends_on = None

KEPT = """
ALTER TABLE catalog.{table}
    ADD COLUMN agency text,
    ADD COLUMN origin text NOT NULL DEFAULT 'pack' CHECK (origin IN ('pack', 'api')),
    ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    ADD COLUMN modified_at timestamptz NOT NULL DEFAULT now()
"""

STATEMENTS = (
    *(KEPT.format(table=table) for table in ("agency", "life_event")),
    "COMMENT ON COLUMN catalog.agency.agency IS "
    "'Null: the lead agency and administrators change it'",
    "COMMENT ON COLUMN catalog.life_event.agency IS "
    "'Null: the lead agency and administrators change it'",
    # Those of a pack are numbered from 0; others come after them.
    "ALTER TABLE catalog.life_event ALTER COLUMN position SET DEFAULT 1000000",
    """
    -- A wider one takes its place at once.
    -- squawk-ignore ban-drop-constraint
    ALTER TABLE catalog.record_version DROP CONSTRAINT record_version_kind_check
    """,
    """
    ALTER TABLE catalog.record_version ADD CONSTRAINT record_version_kind_check
        CHECK (kind IN ('source', 'place', 'document_type', 'agency', 'life_event'))
    """,
    *(
        f"""
        INSERT INTO catalog.record_version
            (region, kind, key, number, recorded_at, recorded_by, content)
        SELECT region, '{table}', slug, 1, modified_at, 'pack', content FROM catalog.{table}
        """  # noqa: S608 - the table is a constant
        for table in ("agency", "life_event")
    ),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
