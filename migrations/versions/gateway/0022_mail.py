"""E-mail to people: outbox, cases that somebody was told of, and the language of a person."""

from alembic import op

revision = "gateway_0022_mail"
down_revision = "gateway_0021_person_subject"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE gateway.person ADD COLUMN language text",
    "COMMENT ON COLUMN gateway.person.language IS 'Of mails to the person; null: Indonesian'",
    """
    CREATE TABLE gateway.mail_outbox (
        region      text        NOT NULL,
        id          uuid        NOT NULL,
        person      uuid        NOT NULL,
        subject     text        NOT NULL,
        body        bytea,
        created_at  timestamptz NOT NULL,
        due_at      timestamptz,
        attempts    bigint      NOT NULL,
        sent_at     timestamptz,
        given_up_at timestamptz,
        last_error  text,
        PRIMARY KEY (region, id),
        FOREIGN KEY (region, person) REFERENCES gateway.person (region, id) ON DELETE CASCADE
    )
    """,
    "COMMENT ON COLUMN gateway.mail_outbox.body IS "
    "'Encrypted (AES-256-GCM) with a key derived from the key for secrets; null once it was sent'",
    "COMMENT ON COLUMN gateway.mail_outbox.due_at IS "
    "'When it is sent next; while a process sends it, the end of its lease; null at the end'",
    "CREATE INDEX mail_outbox_due ON gateway.mail_outbox (region, due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX mail_outbox_person ON gateway.mail_outbox (region, person)",
    """
    CREATE TABLE gateway.case_notice (
        region     text        NOT NULL,
        kind       text        NOT NULL,
        ticket     text        NOT NULL,
        agency     text        NOT NULL,
        noticed_at timestamptz NOT NULL,
        PRIMARY KEY (region, kind, ticket)
    )
    """,
    "COMMENT ON TABLE gateway.case_notice IS "
    "'Comments of which the people of the agency in charge were told'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
