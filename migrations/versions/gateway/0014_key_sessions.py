"""Sessions of survey devices beside those of the upload page."""

from alembic import op

revision = "gateway_0014_key_sessions"
down_revision = "gateway_0013_upload_sessions"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE gateway.upload_session RENAME TO key_session",
    "ALTER TABLE gateway.key_session RENAME CONSTRAINT upload_session_pkey TO key_session_pkey",
    "ALTER INDEX gateway.upload_session_key RENAME TO key_session_key",
    "ALTER TABLE gateway.key_session ADD COLUMN purpose text NOT NULL DEFAULT 'upload'",
    "COMMENT ON TABLE gateway.key_session IS "
    "'Browsers that showed a key: signed in at /unggah, or a device that collects responses'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
