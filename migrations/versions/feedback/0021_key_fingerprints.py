"""Fingerprints of the keys that the service uses."""

from alembic import op

revision = "feedback_0021_key_fingerprints"
down_revision = "feedback_0020_reported_relations"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE feedback.key_fingerprint (
        region      text        NOT NULL,
        key_name    text        NOT NULL,
        fingerprint text        NOT NULL,
        accepted_at timestamptz NOT NULL,
        PRIMARY KEY (region, key_name)
    )
    """,
    "COMMENT ON TABLE feedback.key_fingerprint IS "
    "'The keys of the installation with which the data of this schema was written'",
    "COMMENT ON COLUMN feedback.key_fingerprint.fingerprint IS 'SHA-256 of the raw public key'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
