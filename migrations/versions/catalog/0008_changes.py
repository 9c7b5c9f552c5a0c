"""Add the regency, whom exports name, and the order in which services changed."""

from alembic import op

revision = "catalog_0008_changes"
down_revision = "catalog_0007_key_fingerprints"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE catalog.regency (
    region  text  NOT NULL,
    content jsonb NOT NULL,
    PRIMARY KEY (region)
);
COMMENT ON TABLE catalog.regency IS
    'The regency as its pack describes it; exports name it as their publisher';
CREATE FUNCTION catalog.service_id(of_region text, of_slug text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (
    overlay(
        overlay(md5('emall/' || of_region || '/service/' || of_slug) PLACING '8' FROM 13 FOR 1)
        PLACING translate(
            substr(md5('emall/' || of_region || '/service/' || of_slug), 17, 1),
            '0123456789abcdef', '89ab89ab89ab89ab'
        ) FROM 17 FOR 1
    )::uuid
);
COMMENT ON FUNCTION catalog.service_id IS
    'Identifier of a service in exports, a UUID of version 8 (RFC 9562)';
CREATE INDEX service_version_by_id
    ON catalog.service_version (region, catalog.service_id(region, slug)) WHERE number = 1;
CREATE INDEX service_version_by_time ON catalog.service_version (region, recorded_at, slug);
COMMENT ON COLUMN catalog.service_version.recorded_at IS
    'When it was published; in each region later for what was committed later'
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement)
