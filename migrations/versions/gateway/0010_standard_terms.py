"""Name tables and columns by the standard terms of the field."""

from alembic import op

revision = "gateway_0010_standard_terms"
down_revision = "gateway_0009_domains"
branch_labels = None
depends_on = None

CONNECTORS = (
    "ALTER TABLE gateway.connected_source RENAME COLUMN claim TO lease_id",
    "ALTER TABLE gateway.connected_source RENAME COLUMN asked_at TO polled_at",
    "ALTER TABLE gateway.connected_source RENAME COLUMN known_at TO fetched_at",
    # Kinds of sources are registered in code.
    "ALTER TABLE gateway.connected_source DROP CONSTRAINT connected_source_kind_check",
    "ALTER TABLE gateway.oss_counting RENAME TO oss_counting_rules",
    "ALTER TABLE gateway.oss_counting_rules RENAME CONSTRAINT oss_counting_pkey "
    "TO oss_counting_rules_pkey",
)


def upgrade() -> None:
    for statement in CONNECTORS:
        op.execute(statement)
