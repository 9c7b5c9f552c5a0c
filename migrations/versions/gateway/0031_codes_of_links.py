"""Codes of links as a second factor; sessions of links that their users see and end."""

from alembic import op

revision = "gateway_0031_codes_of_links"
down_revision = "gateway_0030_mailed_agencies"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE gateway.api_key ADD COLUMN code_hash text, "
    "ADD COLUMN wrong_codes bigint NOT NULL DEFAULT 0",
    "COMMENT ON COLUMN gateway.api_key.code_hash IS "
    "'argon2id of the keyed hash of the code that opens a link; null for keys'",
    "COMMENT ON COLUMN gateway.api_key.wrong_codes IS "
    "'Wrong codes in a row that were typed for a link'",
    # A link without a code lets nobody in any more; its issuer sees that it has to be made anew.
    "UPDATE gateway.api_key SET revoked_at = now() WHERE is_link AND revoked_at IS NULL",
    "ALTER TABLE gateway.key_session ADD COLUMN id uuid, "
    "ADD COLUMN user_agent text NOT NULL DEFAULT '', "
    "ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(), "
    "ADD COLUMN last_used_at timestamptz NOT NULL DEFAULT now()",
    # They began with a key, which no longer signs in to a page.
    "DELETE FROM gateway.key_session",
    "COMMENT ON COLUMN gateway.key_session.id IS "
    "'By which its user ends it; null in a session of a key, which counts no longer'",
    "COMMENT ON TABLE gateway.key_session IS "
    "'Browsers in which somebody opened a link and typed its code: signed in at /unggah, or a "
    "device that collects responses'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
