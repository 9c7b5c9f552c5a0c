"""People who keep the hub: accounts, roles, invitations, sessions and what they sign in with."""

from alembic import op

revision = "gateway_0020_people"
down_revision = "gateway_0019_undated"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE gateway.person (
        region       text        NOT NULL,
        id           uuid        NOT NULL,
        email        text,
        name         text        NOT NULL,
        invited_by   text        NOT NULL,
        created_at   timestamptz NOT NULL,
        activated_at timestamptz,
        disabled_at  timestamptz,
        PRIMARY KEY (region, id),
        UNIQUE (region, email)
    )
    """,
    "COMMENT ON COLUMN gateway.person.email IS "
    "'In small letters; null for a first administrator who has not opened the link yet'",
    """
    CREATE TABLE gateway.person_role (
        region     text        NOT NULL,
        person     uuid        NOT NULL,
        role       text        NOT NULL,
        agency     text        NOT NULL,
        granted_by text        NOT NULL,
        granted_at timestamptz NOT NULL,
        PRIMARY KEY (region, person, role, agency),
        FOREIGN KEY (region, person) REFERENCES gateway.person (region, id) ON DELETE CASCADE
    )
    """,
    "COMMENT ON COLUMN gateway.person_role.agency IS "
    "'For which agency; of a role for the whole hub the agency where the person works, or empty'",
    """
    CREATE TABLE gateway.person_invitation (
        region        text        NOT NULL,
        id            uuid        NOT NULL,
        person        uuid        NOT NULL,
        token_hash    bytea       NOT NULL,
        password_hash text,
        created_by    text        NOT NULL,
        created_at    timestamptz NOT NULL,
        expires_at    timestamptz NOT NULL,
        used_at       timestamptz,
        PRIMARY KEY (region, id),
        UNIQUE (region, token_hash),
        FOREIGN KEY (region, person) REFERENCES gateway.person (region, id) ON DELETE CASCADE
    )
    """,
    "COMMENT ON COLUMN gateway.person_invitation.password_hash IS "
    "'The password that was chosen, until the second factor is confirmed'",
    """
    CREATE TABLE gateway.person_credential (
        region              text        NOT NULL,
        person              uuid        NOT NULL,
        password_hash       text        NOT NULL,
        password_changed_at timestamptz NOT NULL,
        totp_secret         bytea       NOT NULL,
        totp_step           bigint      NOT NULL,
        PRIMARY KEY (region, person),
        FOREIGN KEY (region, person) REFERENCES gateway.person (region, id) ON DELETE CASCADE
    )
    """,
    "COMMENT ON COLUMN gateway.person_credential.totp_secret IS "
    "'Encrypted (AES-256-GCM) with a key derived from the key for secrets'",
    "COMMENT ON COLUMN gateway.person_credential.totp_step IS "
    "'Time step (RFC 6238) of the last accepted code, so that none is accepted twice'",
    """
    CREATE TABLE gateway.recovery_code (
        region    text  NOT NULL,
        person    uuid  NOT NULL,
        code_hash bytea NOT NULL,
        used_at   timestamptz,
        PRIMARY KEY (region, person, code_hash),
        FOREIGN KEY (region, person) REFERENCES gateway.person (region, id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE gateway.person_session (
        region       text        NOT NULL,
        id           uuid        NOT NULL,
        id_hash      bytea       NOT NULL,
        person       uuid        NOT NULL,
        agency       text,
        user_agent   text        NOT NULL,
        created_at   timestamptz NOT NULL,
        last_seen_at timestamptz NOT NULL,
        verified_at  timestamptz,
        expires_at   timestamptz NOT NULL,
        ended_at     timestamptz,
        PRIMARY KEY (region, id),
        UNIQUE (region, id_hash),
        FOREIGN KEY (region, person) REFERENCES gateway.person (region, id) ON DELETE CASCADE
    )
    """,
    "COMMENT ON COLUMN gateway.person_session.verified_at IS "
    "'When password or code was last given; null until the second factor is'",
    "CREATE INDEX person_session_person ON gateway.person_session (region, person)",
    """
    CREATE TABLE gateway.sign_in_attempt (
        region       text        NOT NULL,
        id           uuid        NOT NULL,
        account_hash bytea       NOT NULL,
        address_hash bytea       NOT NULL,
        at           timestamptz NOT NULL,
        PRIMARY KEY (region, id)
    )
    """,
    "COMMENT ON TABLE gateway.sign_in_attempt IS "
    "'Attempts to sign in that did not succeed, by keyed hashes of account and address'",
    "CREATE INDEX sign_in_attempt_account ON gateway.sign_in_attempt (region, account_hash, at)",
    "CREATE INDEX sign_in_attempt_address ON gateway.sign_in_attempt (region, address_hash, at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
