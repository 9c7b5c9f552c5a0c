"""Add places and document types; keep versions of them and of sources."""

from alembic import op

revision = "catalog_0009_places"
down_revision = "catalog_0008_changes"
branch_labels = None
depends_on = None

_KEPT = """
    agency      text,
    origin      text        NOT NULL DEFAULT 'pack' CHECK (origin IN ('pack', 'api')),
    version     bigint         NOT NULL DEFAULT 1 CHECK (version > 0),
    modified_at timestamptz NOT NULL DEFAULT now(),
    content     jsonb       NOT NULL,
    PRIMARY KEY (region, slug)
"""

TABLES = f"""
CREATE TABLE catalog.place (
    region      text        NOT NULL,
    slug        text        NOT NULL,
    {_KEPT}
);
CREATE TABLE catalog.document_type (
    region      text        NOT NULL,
    slug        text        NOT NULL,
    {_KEPT}
);
ALTER TABLE catalog.source
    ADD COLUMN agency text,
    ADD COLUMN origin text NOT NULL DEFAULT 'pack' CHECK (origin IN ('pack', 'api')),
    ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    ADD COLUMN modified_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN catalog.place.agency IS 'The agency that may change it';
COMMENT ON COLUMN catalog.document_type.agency IS
    'The agency that may change it; null if only an administrator may';
COMMENT ON COLUMN catalog.source.agency IS
    'The agency that may change it; null if only an administrator may';
COMMENT ON COLUMN catalog.source.origin IS
    'What was recorded or changed over the API stays as it is when a pack is loaded';
CREATE TABLE catalog.record_version (
    region      text        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('source', 'place', 'document_type')),
    key         text        NOT NULL,
    number      bigint         NOT NULL CHECK (number > 0),
    recorded_at timestamptz NOT NULL,
    recorded_by text        NOT NULL,
    content     jsonb,
    PRIMARY KEY (region, kind, key, number)
);
COMMENT ON TABLE catalog.record_version IS
    'Sources, places and document types as published; content is null where one was withdrawn';
ALTER TABLE catalog.service ADD COLUMN places text[] NOT NULL DEFAULT '{{}}';
COMMENT ON COLUMN catalog.service.places IS 'Slugs of the places that give it'
"""

TRIGGER = """
CREATE TRIGGER tell_of_publishing
AFTER INSERT OR UPDATE OR DELETE ON catalog.{table}
FOR EACH STATEMENT EXECUTE FUNCTION catalog.tell_of_publishing()
"""

# Sources recorded over the API were the assessment's alone. A new database has none, and perhaps
# not yet their column.
ADOPT_SOURCES = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM information_schema.columns
               WHERE table_schema = 'assessment' AND table_name = 'source'
                 AND column_name = 'origin') THEN
        INSERT INTO catalog.source (region, id, origin, content)
        SELECT region, id, 'api', content FROM assessment.source WHERE origin = 'api'
        ON CONFLICT (region, id) DO NOTHING;
    END IF;
END $$
"""

FIRST_VERSIONS = """
INSERT INTO catalog.record_version (region, kind, key, number, recorded_at, recorded_by, content)
SELECT region, 'source', id, version, modified_at, origin, content FROM catalog.source
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    for table in ("place", "document_type"):
        op.execute(TRIGGER.format(table=table))
    op.execute(ADOPT_SOURCES)
    op.execute(FIRST_VERSIONS)
