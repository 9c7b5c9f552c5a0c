"""Methods that were published over the API or came with a pack, each version for good."""

from alembic import op

revision = "assessment_0009_methods"
down_revision = "assessment_0008_publishers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE assessment.method (
            region       text        NOT NULL,
            id           text        NOT NULL,
            version      bigint      NOT NULL,
            hash         text        NOT NULL,
            definition   jsonb       NOT NULL,
            origin       text        NOT NULL CHECK (origin IN ('pack', 'api')),
            published_at timestamptz NOT NULL,
            published_by text        NOT NULL,
            PRIMARY KEY (region, id, version)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE assessment.method IS "
        "'Methods beside those of the distribution; a published version never changes'"
    )
