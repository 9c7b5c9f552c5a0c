"""Links that people change over HTTP: their versions, and where the present one is from."""

from alembic import op

revision = "gateway_0023_link_versions"
down_revision = "gateway_0022_mail"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE gateway.link ADD COLUMN origin text NOT NULL DEFAULT 'pack' "
    "CHECK (origin IN ('pack', 'api'))",
    "ALTER TABLE gateway.link ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version > 0)",
    "COMMENT ON COLUMN gateway.link.origin IS "
    "'Whether its present version is from the pack, or was recorded over the API'",
    """
    CREATE TABLE gateway.link_version (
        region      text        NOT NULL,
        slug        text        NOT NULL,
        number      bigint      NOT NULL CHECK (number > 0),
        recorded_at timestamptz NOT NULL,
        recorded_by text        NOT NULL,
        content     jsonb,
        PRIMARY KEY (region, slug, number)
    )
    """,
    "COMMENT ON TABLE gateway.link_version IS "
    "'Versions of links, never overwritten; without content: withdrawn'",
    """
    INSERT INTO gateway.link_version (region, slug, number, recorded_at, recorded_by, content)
    SELECT region, slug, 1, now(), 'pack', content FROM gateway.link
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
