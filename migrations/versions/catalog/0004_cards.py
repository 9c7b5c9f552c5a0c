"""Keeps of each service what a list shows of it as JSON, so that lists are put together of text."""

from alembic import op

revision = "catalog_0004"
down_revision = "catalog_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Written so that a list's bytes are those that the schema ServiceSummary would give. The
    # moment is formatted in UTC by a fixed pattern, which is why this may be called immutable.
    # A colon before a letter or a digit is escaped from SQLAlchemy, which would take it for a name.
    op.execute(
        r"""
        CREATE FUNCTION catalog.card_of(
            slug text, life_events text[], channels text[], version int, modified_at timestamptz,
            content jsonb
        ) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
            SELECT ARRAY[
                '{"slug":' || to_json(slug) || ',"name":' || (content -> 'name')::text
                || ',"name_en":' || (content -> 'name_en')::text
                || ',"summary":' || (content -> 'summary')::text
                || ',"summary_en":' || (content -> 'summary_en')::text
                || ',"agency":',
                ',"status":' || (content -> 'status')::text
                || ',"digital":' || (content -> 'digital')::text
                || ',"channels":' || array_to_json(channels)
                || ',"life_events":' || array_to_json(life_events)
                || ',"completeness":{"published":'
                || (SELECT count(*) FROM jsonb_object_keys(content -> 'components'))
                || ',"of"\:14},"version":' || version
                || ',"modified_at":"'
                || replace(to_char(modified_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24\:MI\:SS.US'),
                           '.000000', '')
                || 'Z","href":' || to_json('/api/v1/services/' || slug) || '}'
            ]
        $$
        """
    )
    op.execute(
        """
        ALTER TABLE catalog.service ADD COLUMN card text[] GENERATED ALWAYS AS
            (catalog.card_of(slug, life_events, channels, version, modified_at, content)) STORED
        """
    )
    op.execute(
        "COMMENT ON COLUMN catalog.service.card IS "
        "'What a list shows of the service: JSON in two parts, its agency between them'"
    )
