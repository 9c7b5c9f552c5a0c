"""Connectors: answers known last, breakers that an operator switched, messages from OSS."""

from alembic import op

revision = "gateway_0003"
down_revision = "gateway_0002"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE gateway.connector_answer (
        region    text        NOT NULL,
        connector text        NOT NULL,
        question  text        NOT NULL,
        content   jsonb       NOT NULL,
        at        timestamptz NOT NULL,
        PRIMARY KEY (region, connector, question)
    )
    """,
    """
    CREATE TABLE gateway.connector_switch (
        region      text        NOT NULL,
        connector   text        NOT NULL,
        state       text        NOT NULL,
        switched_by text        NOT NULL,
        switched_at timestamptz NOT NULL,
        PRIMARY KEY (region, connector)
    )
    """,
    """
    CREATE TABLE gateway.oss_message (
        region      text        NOT NULL,
        id          uuid        NOT NULL,
        message     text        NOT NULL,
        digest      bytea       NOT NULL,
        received_at timestamptz NOT NULL,
        version     text        NOT NULL,
        facts       jsonb       NOT NULL,
        PRIMARY KEY (region, id),
        UNIQUE (region, message, digest)
    )
    """,
    "COMMENT ON TABLE gateway.oss_message IS "
    "'Messages from OSS, of each what statistics need and nothing about a person'",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
