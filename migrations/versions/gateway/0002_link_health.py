"""Links that know their state: checks, incidents, maintenance, changes and who is told of them."""

from alembic import op

revision = "gateway_0002"
down_revision = "gateway_0001"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE gateway.link_host (
        region  text        NOT NULL,
        host    text        NOT NULL,
        free_at timestamptz NOT NULL,
        claim   uuid,
        PRIMARY KEY (region, host)
    )
    """,
    """
    CREATE TABLE gateway.link_health (
        region                 text        NOT NULL,
        slug                   text        NOT NULL,
        host                   text        NOT NULL,
        state                  text        NOT NULL,
        reason                 text,
        detail                 text        NOT NULL,
        since                  timestamptz NOT NULL,
        checked_at             timestamptz,
        reached                boolean     NOT NULL DEFAULT false,
        in_maintenance         boolean     NOT NULL DEFAULT false,
        failing                integer     NOT NULL DEFAULT 0,
        good                   integer     NOT NULL DEFAULT 0,
        broken_since           timestamptz,
        response_ms            integer,
        certificate_expires_at timestamptz,
        due_at                 timestamptz NOT NULL,
        PRIMARY KEY (region, slug)
    )
    """,
    "CREATE INDEX link_health_due ON gateway.link_health (region, host, due_at)",
    """
    CREATE TABLE gateway.link_check (
        region         text        NOT NULL,
        slug           text        NOT NULL,
        id             uuid        NOT NULL,
        checked_at     timestamptz NOT NULL,
        state          text        NOT NULL,
        reason         text,
        detail         text        NOT NULL,
        status         integer,
        response_ms    integer,
        final_url      text        NOT NULL,
        in_maintenance boolean     NOT NULL,
        PRIMARY KEY (region, slug, id)
    )
    """,
    "CREATE INDEX link_check_time ON gateway.link_check (region, slug, checked_at)",
    """
    CREATE TABLE gateway.link_day (
        region              text   NOT NULL,
        slug                text   NOT NULL,
        day                 date   NOT NULL,
        ok_seconds          bigint NOT NULL DEFAULT 0,
        caution_seconds     bigint NOT NULL DEFAULT 0,
        broken_seconds      bigint NOT NULL DEFAULT 0,
        maintenance_seconds bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (region, slug, day)
    )
    """,
    """
    CREATE TABLE gateway.incident (
        region    text        NOT NULL,
        id        uuid        NOT NULL,
        slug      text        NOT NULL,
        title     text        NOT NULL,
        title_en  text        NOT NULL,
        reason    text,
        by_rule   boolean     NOT NULL,
        opened_by text        NOT NULL,
        opened_at timestamptz NOT NULL,
        closed_at timestamptz,
        PRIMARY KEY (region, id)
    )
    """,
    """
    CREATE UNIQUE INDEX incident_open_by_rule ON gateway.incident (region, slug)
    WHERE by_rule AND closed_at IS NULL
    """,
    "CREATE INDEX incident_link ON gateway.incident (region, slug, opened_at)",
    """
    CREATE TABLE gateway.incident_update (
        region   text        NOT NULL,
        incident uuid        NOT NULL,
        id       uuid        NOT NULL,
        at       timestamptz NOT NULL,
        text     text        NOT NULL,
        text_en  text,
        written_by text      NOT NULL,
        PRIMARY KEY (region, incident, id),
        FOREIGN KEY (region, incident) REFERENCES gateway.incident (region, id)
    )
    """,
    """
    CREATE TABLE gateway.maintenance (
        region     text        NOT NULL,
        id         uuid        NOT NULL,
        slug       text        NOT NULL,
        starts_at  timestamptz NOT NULL,
        ends_at    timestamptz NOT NULL,
        text       text        NOT NULL,
        text_en    text,
        planned_by text        NOT NULL,
        PRIMARY KEY (region, id),
        CHECK (starts_at < ends_at)
    )
    """,
    "CREATE INDEX maintenance_link ON gateway.maintenance (region, slug, ends_at)",
    """
    CREATE TABLE gateway.link_change (
        region  text        NOT NULL,
        id      uuid        NOT NULL,
        at      timestamptz NOT NULL,
        slug    text        NOT NULL,
        kind    text        NOT NULL,
        content jsonb       NOT NULL,
        PRIMARY KEY (region, id)
    )
    """,
    """
    CREATE TABLE gateway.webhook (
        region     text        NOT NULL,
        id         uuid        NOT NULL,
        url        text        NOT NULL,
        made_by    text        NOT NULL,
        created_at timestamptz NOT NULL,
        ended_at   timestamptz,
        PRIMARY KEY (region, id)
    )
    """,
    """
    CREATE TABLE gateway.webhook_delivery (
        region       text        NOT NULL,
        webhook      uuid        NOT NULL,
        change       uuid        NOT NULL,
        attempts     integer     NOT NULL DEFAULT 0,
        due_at       timestamptz,
        delivered_at timestamptz,
        last_error   text,
        PRIMARY KEY (region, webhook, change),
        FOREIGN KEY (region, webhook) REFERENCES gateway.webhook (region, id),
        FOREIGN KEY (region, change) REFERENCES gateway.link_change (region, id)
    )
    """,
    """
    CREATE INDEX webhook_delivery_due ON gateway.webhook_delivery (region, due_at)
    WHERE due_at IS NOT NULL
    """,
)

COMMENTS = (
    "COMMENT ON COLUMN gateway.link_host.claim IS "
    "'Whoever checks a link of this host until free_at; one check at a time per host'",
    "COMMENT ON COLUMN gateway.link_health.failing IS 'Checks in a row that found it broken'",
    "COMMENT ON COLUMN gateway.link_health.good IS 'Checks in a row that did not'",
    "COMMENT ON TABLE gateway.link_day IS "
    "'Seconds in each state on a day of Asia/Jakarta, as far as checks cover it'",
    "COMMENT ON COLUMN gateway.webhook_delivery.due_at IS "
    "'When it is tried next; null once delivered or given up'",
)


def upgrade() -> None:
    for statement in (*TABLES, *COMMENTS):
        op.execute(statement)
