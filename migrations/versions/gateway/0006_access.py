"""Shares of limits, consumption, the audit log, keys that rotate, and old checks by the day."""

from alembic import op

from services.platform.roles import role_of

revision = "gateway_0006_access"
down_revision = "gateway_0005_reporting"
branch_labels = None
depends_on = None

KEYS = (
    """
    ALTER TABLE gateway.api_key
        ADD COLUMN is_link boolean NOT NULL DEFAULT false,
        ADD COLUMN pace integer NOT NULL DEFAULT 1,
        ADD COLUMN monthly_quota bigint
    """,
    "COMMENT ON COLUMN gateway.api_key.is_link IS 'It has no secret: a signed link stands for it'",
    "COMMENT ON COLUMN gateway.api_key.pace IS 'So many times the usual limits hold for this key'",
    "COMMENT ON COLUMN gateway.api_key.monthly_quota IS "
    "'Requests in a month of Asia/Jakarta; null: as many as the limits let through'",
    # Every replica hears of a key that changes, whoever changes it and by what means.
    """
    CREATE FUNCTION gateway.tell_of_key() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR to_jsonb(OLD) - 'last_used_at' <> to_jsonb(NEW) - 'last_used_at' THEN
            PERFORM pg_notify('emall_keys', OLD.region || ' ' || OLD.id);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER tell_of_key AFTER UPDATE OR DELETE ON gateway.api_key
    FOR EACH ROW EXECUTE FUNCTION gateway.tell_of_key()
    """,
    """
    CREATE TABLE gateway.creation (
        region      text        NOT NULL,
        caller      text        NOT NULL,
        key         text        NOT NULL,
        fingerprint text        NOT NULL,
        created_id  text        NOT NULL,
        recorded_at timestamptz NOT NULL,
        PRIMARY KEY (region, caller, key)
    )
    """,
    "COMMENT ON TABLE gateway.creation IS "
    "'What an Idempotency-Key made, so that it makes nothing twice'",
)

LIMITS = (
    # Lost in a crash, and kept out of every backup: after a minute it says nothing any more.
    """
    CREATE UNLOGGED TABLE gateway.rate (
        region    text        NOT NULL,
        bucket    text        NOT NULL,
        full_at   timestamptz NOT NULL,
        PRIMARY KEY (region, bucket)
    )
    """,
    "COMMENT ON TABLE gateway.rate IS "
    "'When a bucket of requests is full again; buckets of addresses are keyed hashes'",
    "CREATE INDEX rate_full ON gateway.rate (region, full_at)",
    # Many buckets in one round trip. The lock gives replicas an order, so that they never jam; the
    # arithmetic is that of `services/gateway/rate_limits/gcra.py`.
    """
    CREATE FUNCTION gateway.take_requests(
        of_region text, buckets text[], bursts float8[], everies float8[], wanted float8[],
        owed float8[]
    ) RETURNS TABLE (bucket text, granted integer, missing float8) LANGUAGE plpgsql AS $$
    DECLARE
        at timestamptz;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('emall rate ' || of_region, 0));
        at := clock_timestamp();
        RETURN QUERY
        WITH wish AS (
            SELECT * FROM unnest(buckets, bursts, everies, wanted, owed)
                AS w (name, burst, every, wanted, owed)
        ), seen AS (
            SELECT w.*, w.owed * w.every
                + greatest(coalesce(extract(epoch FROM r.full_at - at), 0), 0)::float8 AS lacking
            FROM wish w
            LEFT JOIN gateway.rate r ON r.region = of_region AND r.bucket = w.name
        ), given AS (
            SELECT s.name, s.every, s.lacking, greatest(0,
                least(s.wanted, floor(s.burst - s.lacking / s.every + 1e-9))) AS granted
            FROM seen s
        ), stored AS (
            INSERT INTO gateway.rate AS r (region, bucket, full_at)
            SELECT of_region, g.name, at + make_interval(secs => g.lacking + g.granted * g.every)
            FROM given g
            ON CONFLICT ON CONSTRAINT rate_pkey DO UPDATE SET full_at = excluded.full_at
        )
        SELECT g.name, g.granted::integer, g.lacking + g.granted * g.every FROM given g;
    END $$
    """,
)

CONSUMPTION = (
    """
    CREATE TABLE gateway.consumption (
        region   text        NOT NULL,
        key_id   text        NOT NULL,
        hour     timestamptz NOT NULL,
        area     text        NOT NULL,
        status   smallint    NOT NULL,
        agency   text        NOT NULL,
        requests bigint      NOT NULL,
        PRIMARY KEY (region, key_id, hour, area, status)
    )
    """,
    "COMMENT ON TABLE gateway.consumption IS "
    "'Answers by key, hour, area of the API and class of status; those without a key together'",
    "CREATE INDEX consumption_agency ON gateway.consumption (region, agency, hour)",
)

AUDIT = (
    """
    CREATE TABLE gateway.audit_line (
        region     text        NOT NULL,
        number     bigint      NOT NULL,
        at         timestamptz NOT NULL,
        key_id     text        NOT NULL,
        agency     text,
        action     text        NOT NULL,
        target     text        NOT NULL,
        status     integer,
        problem    text,
        request_id text        NOT NULL,
        body_hash  text,
        previous   text        NOT NULL,
        hash       text        NOT NULL,
        PRIMARY KEY (region, number)
    )
    """,
    "COMMENT ON TABLE gateway.audit_line IS "
    "'Who wrote what and when; each line carries the hash of the one before it'",
    "CREATE INDEX audit_line_agency ON gateway.audit_line (region, agency, number)",
    """
    CREATE FUNCTION gateway.keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit log is only added to';
    END $$
    """,
    """
    CREATE TRIGGER keep_audit BEFORE UPDATE OR DELETE ON gateway.audit_line
    FOR EACH ROW EXECUTE FUNCTION gateway.keep_audit()
    """,
    """
    CREATE TRIGGER keep_audit_whole BEFORE TRUNCATE ON gateway.audit_line
    FOR EACH STATEMENT EXECUTE FUNCTION gateway.keep_audit()
    """,
)

CHECKS = (
    """
    CREATE TABLE gateway.link_response_day (
        region  text             NOT NULL,
        slug    text             NOT NULL,
        day     date             NOT NULL,
        checks  bigint           NOT NULL,
        p50     double precision,
        p95     double precision,
        p99     double precision,
        PRIMARY KEY (region, slug, day)
    )
    """,
    "COMMENT ON TABLE gateway.link_response_day IS "
    "'Checks of a day and how fast the link answered, of days whose single checks are gone'",
)


def upgrade() -> None:
    for statement in (*KEYS, *LIMITS, *CONSUMPTION, *AUDIT, *CHECKS):
        op.execute(statement)
    op.execute(f"REVOKE UPDATE, DELETE ON gateway.audit_line FROM {role_of('gateway')}")
