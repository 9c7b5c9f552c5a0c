"""Sessions of the upload page, so that signing out ends them."""

from alembic import op

revision = "gateway_0013_upload_sessions"
down_revision = "gateway_0012_services"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE gateway.upload_session (
        region     text        NOT NULL,
        id_hash    bytea       NOT NULL,
        key_id     text        NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (region, id_hash),
        FOREIGN KEY (region, key_id) REFERENCES gateway.api_key (region, id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX upload_session_key ON gateway.upload_session (region, key_id)",
    "COMMENT ON TABLE gateway.upload_session IS 'Browsers that are signed in at /unggah'",
    "COMMENT ON COLUMN gateway.upload_session.id_hash IS 'SHA-256 of the cookie'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
