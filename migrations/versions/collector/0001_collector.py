"""What a collector has read of the hubs of many regencies."""

from alembic import op

from services.platform.roles import create_schema
from services.platform.settings import Standalone

revision = "collector_0001"
down_revision = None
branch_labels = ("collector",)
depends_on = None


def upgrade() -> None:
    create_schema(Standalone.collector)
    op.execute(
        """
        CREATE TABLE collector.collection (
            region     text        NOT NULL,
            number     bigint      NOT NULL,
            name       text        NOT NULL,
            name_en    text        NOT NULL,
            timezone   text        NOT NULL,
            started_at timestamptz NOT NULL,
            ended_at   timestamptz NOT NULL,
            hubs       int         NOT NULL,
            answered   int         NOT NULL,
            PRIMARY KEY (region, number)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE collector.collection IS "
        "'Rounds through all hubs; region is that of the collector, of all other tables the hub''s'"
    )
    op.execute(
        """
        CREATE TABLE collector.hub (
            region         text        NOT NULL,
            name           text        NOT NULL,
            address        text,
            fingerprints   text[]      NOT NULL,
            is_listed      boolean     NOT NULL,
            attempted_at   timestamptz,
            answered_at    timestamptz,
            silent_since   timestamptz,
            failure        text,
            version        text,
            reporting      jsonb,
            catalog_cursor timestamptz,
            entity_tags    jsonb       NOT NULL DEFAULT '{}',
            PRIMARY KEY (region)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE collector.bundle (
            region      text             NOT NULL,
            id          uuid             NOT NULL,
            period      int              NOT NULL,
            method      text             NOT NULL,
            method_hash text             NOT NULL,
            fingerprint text             NOT NULL,
            source      text             NOT NULL CHECK (source IN ('network', 'folder')),
            sha256      text             NOT NULL,
            recorded_at timestamptz      NOT NULL,
            received_at timestamptz      NOT NULL,
            archive     bytea            NOT NULL,
            nodes       jsonb            NOT NULL,
            proven      double precision,
            possible    double precision,
            value       double precision,
            low         double precision,
            high        double precision,
            coverage    double precision NOT NULL,
            draws       bytea,
            PRIMARY KEY (region, id)
        )
        """
    )
    op.execute(
        "COMMENT ON COLUMN collector.bundle.draws IS "
        "'Draws of the index, float64 in little-endian order; null without an estimate'"
    )
    op.execute("CREATE INDEX bundle_period ON collector.bundle (region, method, period)")
    op.execute(
        """
        CREATE TABLE collector.finding (
            region    text        NOT NULL,
            kind      text        NOT NULL,
            subject   text        NOT NULL,
            opened_at timestamptz NOT NULL,
            seen_at   timestamptz NOT NULL,
            closed_at timestamptz,
            expected  text        NOT NULL,
            received  text        NOT NULL,
            PRIMARY KEY (region, kind, subject, opened_at)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE collector.finding IS "
        "'What a hub sent that cannot be believed; open until a round no longer finds it'"
    )
    op.execute(
        """
        CREATE TABLE collector.link (
            region         text        NOT NULL,
            slug           text        NOT NULL,
            title          text        NOT NULL,
            title_en       text        NOT NULL,
            url            text        NOT NULL,
            national       boolean     NOT NULL,
            state          text        NOT NULL,
            since          timestamptz,
            incident_since timestamptz,
            checked_at     timestamptz,
            PRIMARY KEY (region, slug)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE collector.service (
            region      text        NOT NULL,
            slug        text        NOT NULL,
            modified_at timestamptz NOT NULL,
            content     jsonb       NOT NULL,
            PRIMARY KEY (region, slug)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE collector.job_run (
            region       text        NOT NULL,
            job          text        NOT NULL,
            ran_at       timestamptz NOT NULL,
            succeeded_at timestamptz,
            failed_at    timestamptz,
            failure      text,
            failures     bigint      NOT NULL,
            next_at      timestamptz,
            host         text        NOT NULL,
            PRIMARY KEY (region, job)
        )
        """
    )
