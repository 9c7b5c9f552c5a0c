"""Drafts of services: every step of each, and who approved a published version."""

from alembic import op

revision = "catalog_0014_drafts"
down_revision = "catalog_0013_search_places"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE catalog.service_draft (
        region       text        NOT NULL,
        slug         text        NOT NULL,
        revision     bigint      NOT NULL CHECK (revision > 0),
        state        text        NOT NULL
                     CHECK (state IN ('draft', 'in_review', 'refused', 'published', 'discarded')),
        base_version bigint,
        agency       text        NOT NULL,
        recorded_at  timestamptz NOT NULL,
        recorded_by  text        NOT NULL,
        person       text        NOT NULL,
        reason       text,
        content      jsonb       NOT NULL,
        PRIMARY KEY (region, slug, revision)
    )
    """,
    "COMMENT ON TABLE catalog.service_draft IS "
    "'Steps of drafts, never overwritten: the last one of a service is its draft, unless it was "
    "published or discarded'",
    "COMMENT ON COLUMN catalog.service_draft.base_version IS "
    "'The published version that it changes; null: a new service'",
    "COMMENT ON COLUMN catalog.service_draft.person IS "
    "'Who took the step: the person, or the first of the keys that were made from each other'",
    "ALTER TABLE catalog.service_version ADD COLUMN approved_by text",
    "COMMENT ON COLUMN catalog.service_version.approved_by IS "
    "'Who published it as the draft of another; null: published by its author'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
