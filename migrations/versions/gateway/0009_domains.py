"""Until when the domains of links are registered."""

from alembic import op

revision = "gateway_0009_domains"
down_revision = "gateway_0008_sources"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE gateway.link_host
        ADD COLUMN domain            text,
        ADD COLUMN domain_expires_at timestamptz,
        ADD COLUMN domain_known_at   timestamptz,
        ADD COLUMN domain_due_at     timestamptz NOT NULL DEFAULT now()
    """,
    "COMMENT ON COLUMN gateway.link_host.domain IS "
    "'The registered domain that the host lies in, as its registry calls it; null: not known'",
    "COMMENT ON COLUMN gateway.link_host.domain_known_at IS 'When the registry said so last'",
    "COMMENT ON COLUMN gateway.link_host.domain_due_at IS "
    "'When the registry is asked next; while it is asked, when somebody else may ask'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
