"""The regency, links, clicks waiting for delivery, API keys."""

from alembic import op

from services.platform.roles import create_schema

revision = "gateway_0001"
down_revision = None
branch_labels = ("gateway",)
depends_on = None


def upgrade() -> None:
    create_schema("gateway")
    op.execute(
        """
        CREATE TABLE gateway.regency (
            region  text  NOT NULL,
            content jsonb NOT NULL,
            PRIMARY KEY (region)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE gateway.link (
            region  text  NOT NULL,
            slug    text  NOT NULL,
            url     text  NOT NULL,
            content jsonb NOT NULL,
            PRIMARY KEY (region, slug)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE gateway.pending_event (
            region text  NOT NULL,
            id     uuid  NOT NULL,
            event  jsonb NOT NULL,
            PRIMARY KEY (region, id)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE gateway.pending_event IS "
        "'Usage events seen at the door that feedback has not confirmed yet'"
    )
    op.execute(
        """
        CREATE TABLE gateway.api_key (
            region       text        NOT NULL,
            id           text        NOT NULL,
            agency       text        NOT NULL,
            scopes       text[]      NOT NULL,
            secret_hash  bytea       NOT NULL,
            created_at   timestamptz NOT NULL,
            expires_at   timestamptz NOT NULL,
            revoked_at   timestamptz,
            last_used_at timestamptz,
            PRIMARY KEY (region, id)
        )
        """
    )
    op.execute("CREATE INDEX api_key_agency ON gateway.api_key (region, agency)")
