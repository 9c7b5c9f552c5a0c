"""Fingerprints of the keys that the service uses."""

from alembic import op

revision = "catalog_0007_key_fingerprints"
down_revision = "catalog_0006"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE catalog.key_fingerprint (
        region      text        NOT NULL,
        key_name    text        NOT NULL,
        fingerprint text        NOT NULL,
        accepted_at timestamptz NOT NULL,
        PRIMARY KEY (region, key_name)
    )
    """,
    "COMMENT ON TABLE catalog.key_fingerprint IS "
    "'The keys of the installation with which the data of this schema was written'",
    "COMMENT ON COLUMN catalog.key_fingerprint.fingerprint IS 'SHA-256 of the raw public key'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
