"""Sources of announcements and statistics, announcements, and which messages of OSS are counted."""

from alembic import op

revision = "gateway_0008_sources"
down_revision = "gateway_0007_publishing"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE gateway.connected_source (
        region     text        NOT NULL,
        slug       text        NOT NULL,
        kind       text        NOT NULL CHECK (kind IN ('feed', 'statistics')),
        content    jsonb       NOT NULL,
        due_at     timestamptz NOT NULL,
        claim      uuid,
        validators jsonb       NOT NULL DEFAULT '{}',
        asked_at   timestamptz,
        known_at   timestamptz,
        failures   integer     NOT NULL DEFAULT 0,
        reason     text,
        detail     text        NOT NULL DEFAULT '',
        PRIMARY KEY (region, slug)
    )
    """,
    """
    CREATE TABLE gateway.announcement (
        region        text        NOT NULL,
        id            uuid        NOT NULL,
        source        text        NOT NULL,
        key           text        NOT NULL,
        digest        text        NOT NULL,
        title         text        NOT NULL,
        summary       text        NOT NULL,
        content       text        NOT NULL,
        url           text,
        published_at  timestamptz NOT NULL,
        first_seen_at timestamptz NOT NULL,
        changed_at    timestamptz NOT NULL,
        services      jsonb       NOT NULL,
        PRIMARY KEY (region, id),
        UNIQUE (region, key)
    )
    """,
    """
    CREATE INDEX announcement_newest
    ON gateway.announcement (region, published_at DESC, id DESC)
    """,
    """
    CREATE TABLE gateway.oss_counting (
        region  text  NOT NULL,
        content jsonb NOT NULL,
        PRIMARY KEY (region)
    )
    """,
    "COMMENT ON TABLE gateway.oss_counting IS "
    "'How messages of OSS become usage statistics: the rules of the pack'",
    "ALTER TABLE gateway.oss_message ADD COLUMN counted_by text",
    "COMMENT ON COLUMN gateway.oss_message.counted_by IS "
    "'Version of the rules by which the statistics count this message; null: not yet'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
