"""Fingerprints of the keys that the service uses, backups, and the loaded pack."""

from alembic import op

revision = "gateway_0017_keys_and_backups"
down_revision = "gateway_0016_audit_months"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE gateway.key_fingerprint (
        region      text        NOT NULL,
        key_name    text        NOT NULL,
        fingerprint text        NOT NULL,
        accepted_at timestamptz NOT NULL,
        PRIMARY KEY (region, key_name)
    )
    """,
    "COMMENT ON TABLE gateway.key_fingerprint IS "
    "'The keys of the installation with which the data of this schema was written'",
    "COMMENT ON COLUMN gateway.key_fingerprint.fingerprint IS 'SHA-256 of the raw public key'",
    """
    CREATE TABLE gateway.backup (
        region    text        NOT NULL,
        made_at   timestamptz NOT NULL,
        size      bigint      NOT NULL,
        encrypted boolean     NOT NULL,
        PRIMARY KEY (region, made_at)
    )
    """,
    "COMMENT ON TABLE gateway.backup IS 'When `emall backup` wrote a complete archive'",
    "COMMENT ON COLUMN gateway.backup.size IS 'Bytes of the archive'",
    """
    CREATE TABLE gateway.loaded_pack (
        region  text  NOT NULL,
        name    text  NOT NULL,
        archive bytea NOT NULL,
        PRIMARY KEY (region)
    )
    """,
    "COMMENT ON TABLE gateway.loaded_pack IS 'The files of the pack that was loaded last (tar)'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
