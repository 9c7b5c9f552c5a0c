"""Handovers: what a person who left gave to a successor."""

from alembic import op

revision = "gateway_0024_handovers"
down_revision = "gateway_0023_link_versions"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE gateway.handover (
        region        text        NOT NULL,
        id            uuid        NOT NULL,
        from_person   uuid        NOT NULL,
        to_person     uuid        NOT NULL,
        agency        text        NOT NULL,
        recorded_at   timestamptz NOT NULL,
        recorded_by   text        NOT NULL,
        is_disabled   boolean     NOT NULL,
        roles         text[]      NOT NULL,
        work          jsonb       NOT NULL,
        PRIMARY KEY (region, id),
        FOREIGN KEY (region, from_person) REFERENCES gateway.person (region, id),
        FOREIGN KEY (region, to_person) REFERENCES gateway.person (region, id)
    )
    """,
    "COMMENT ON TABLE gateway.handover IS "
    "'What a person gave to a successor in an agency, as it was then; never changed'",
    "COMMENT ON COLUMN gateway.handover.is_disabled IS "
    "'Whether the account of the person who left was disabled with it'",
    "COMMENT ON COLUMN gateway.handover.roles IS 'Roles that passed from one to the other'",
    "COMMENT ON COLUMN gateway.handover.work IS "
    "'Open work of the agency, which belongs to nobody: the successor continues it'",
    "CREATE INDEX handover_from ON gateway.handover (region, from_person)",
    "CREATE INDEX handover_to ON gateway.handover (region, to_person)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
