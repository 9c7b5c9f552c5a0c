"""Passkeys of people, and the challenge that a session waits to be answered."""

from alembic import op

revision = "gateway_0027_passkeys"
down_revision = "gateway_0026_digests"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE gateway.passkey (
        region        text        NOT NULL,
        id            uuid        NOT NULL,
        person        uuid        NOT NULL,
        name          text        NOT NULL,
        credential_id bytea       NOT NULL,
        credential    bytea       NOT NULL,
        sign_count    bigint      NOT NULL,
        created_at    timestamptz NOT NULL,
        last_used_at  timestamptz,
        PRIMARY KEY (region, id),
        UNIQUE (region, credential_id),
        FOREIGN KEY (region, person) REFERENCES gateway.person (region, id) ON DELETE CASCADE
    )
    """,
    "COMMENT ON COLUMN gateway.passkey.credential IS "
    "'Attested credential data (WebAuthn 6.5.2): model, id and public key of the passkey'",
    "COMMENT ON COLUMN gateway.passkey.sign_count IS "
    "'Signature counter of the last answer; 0 if the authenticator counts none'",
    "CREATE INDEX passkey_person ON gateway.passkey (region, person)",
    "ALTER TABLE gateway.person_session ADD COLUMN challenge bytea",
    "ALTER TABLE gateway.person_session ADD COLUMN challenged_at timestamptz",
    "COMMENT ON COLUMN gateway.person_session.challenge IS "
    "'What a passkey has to sign next, once; null if nothing was asked'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
