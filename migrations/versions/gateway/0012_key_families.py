"""The key that made a key, and the family that shares a quota."""

from alembic import op

revision = "gateway_0012_key_families"
down_revision = "gateway_0011_jobs"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE gateway.api_key ADD COLUMN parent text, ADD COLUMN family text",
    # Who made the keys before is not recorded: each is a family of its own.
    "UPDATE gateway.api_key SET family = id",
    "ALTER TABLE gateway.api_key ALTER COLUMN family SET NOT NULL",
    """
    ALTER TABLE gateway.api_key ADD CONSTRAINT api_key_parent_fkey
        FOREIGN KEY (region, parent) REFERENCES gateway.api_key (region, id) ON DELETE CASCADE
    """,
    "CREATE INDEX api_key_parent ON gateway.api_key (region, parent)",
    "CREATE INDEX api_key_family ON gateway.api_key (region, family)",
    "COMMENT ON COLUMN gateway.api_key.parent IS "
    "'The key that it ends with; null: issued by the administrator'",
    "COMMENT ON COLUMN gateway.api_key.family IS "
    "'Keys that share a quota and rate limits: the id of the first of them'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
