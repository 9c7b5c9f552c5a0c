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
    "UPDATE gateway.connected_source SET reason = 'rejected' WHERE reason = 'not_taken'",
    # Kinds of sources are registered in code.
    "ALTER TABLE gateway.connected_source DROP CONSTRAINT connected_source_kind_check",
    # One table for the configuration of every connector to a single system.
    "ALTER TABLE gateway.oss_counting RENAME TO connector_config",
    "ALTER TABLE gateway.connector_config ADD COLUMN connector text NOT NULL DEFAULT 'oss'",
    "ALTER TABLE gateway.connector_config ALTER COLUMN connector DROP DEFAULT",
    "ALTER TABLE gateway.connector_config DROP CONSTRAINT oss_counting_pkey",
    "ALTER TABLE gateway.connector_config "
    "ADD CONSTRAINT connector_config_pkey PRIMARY KEY (region, connector)",
    "COMMENT ON TABLE gateway.connector_config IS "
    "'Configuration of connectors from the pack, such as how messages of OSS count'",
)

LINK_MONITORING = (
    "ALTER TABLE gateway.link_health RENAME TO link_status",
    "ALTER INDEX gateway.link_health_pkey RENAME TO link_status_pkey",
    "ALTER INDEX gateway.link_health_due RENAME TO link_status_due",
    "ALTER TABLE gateway.link_status RENAME COLUMN failing TO consecutive_failures",
    "ALTER TABLE gateway.link_status RENAME COLUMN good TO consecutive_successes",
    "ALTER TABLE gateway.link_status RENAME COLUMN broken_since TO down_since",
    "ALTER TABLE gateway.link_status RENAME COLUMN reached TO reachable",
    "COMMENT ON COLUMN gateway.link_status.consecutive_failures IS "
    "'Consecutive checks with state down'",
    "COMMENT ON COLUMN gateway.link_status.consecutive_successes IS "
    "'Consecutive checks with state up or degraded'",
    "ALTER TABLE gateway.link_host RENAME COLUMN free_at TO available_at",
    "ALTER TABLE gateway.link_host RENAME COLUMN claim TO lease_id",
    "ALTER TABLE gateway.link_host RENAME COLUMN domain_known_at TO domain_checked_at",
    "COMMENT ON COLUMN gateway.link_host.lease_id IS "
    "'Lease of the running check, valid until available_at; one check at a time per host'",
    "COMMENT ON COLUMN gateway.link_host.domain IS "
    "'Registered domain of the host according to its registry; null: unknown'",
    "COMMENT ON COLUMN gateway.link_host.domain_checked_at IS "
    "'Time of the last successful RDAP query'",
    "COMMENT ON COLUMN gateway.link_host.domain_due_at IS "
    "'Time of the next RDAP query; during a query, end of its lease'",
    "ALTER TABLE gateway.link_day RENAME TO link_uptime_day",
    "ALTER INDEX gateway.link_day_pkey RENAME TO link_uptime_day_pkey",
    "COMMENT ON COLUMN gateway.api_key.monthly_quota IS "
    "'Requests in a month of the region''s time zone; null: as many as the limits allow'",
    "COMMENT ON TABLE gateway.link_uptime_day IS "
    "'Seconds in each state per local day, for the time covered by checks'",
    "ALTER TABLE gateway.incident RENAME COLUMN by_rule TO automatic",
    "ALTER INDEX gateway.incident_open_by_rule RENAME TO incident_open_automatic",
    "UPDATE gateway.incident SET opened_by = 'monitoring' WHERE automatic",
    "UPDATE gateway.link_status SET reason = CASE reason WHEN 'refused' THEN 'connection_refused' "
    "WHEN 'cut' THEN 'connection_reset' ELSE 'not_found' END "
    "WHERE reason IN ('refused', 'cut', 'gone')",
    "UPDATE gateway.link_check SET reason = CASE reason WHEN 'refused' THEN 'connection_refused' "
    "WHEN 'cut' THEN 'connection_reset' ELSE 'not_found' END "
    "WHERE reason IN ('refused', 'cut', 'gone')",
    "UPDATE gateway.incident SET reason = CASE reason WHEN 'refused' THEN 'connection_refused' "
    "WHEN 'cut' THEN 'connection_reset' ELSE 'not_found' END "
    "WHERE reason IN ('refused', 'cut', 'gone')",
)

WEBHOOKS = (
    "ALTER TABLE gateway.link_change RENAME TO webhook_event",
    "ALTER INDEX gateway.link_change_pkey RENAME TO webhook_event_pkey",
    "ALTER TABLE gateway.webhook_event RENAME COLUMN at TO occurred_at",
    "ALTER TABLE gateway.webhook_event RENAME COLUMN slug TO subject",
    "ALTER TABLE gateway.webhook_event RENAME COLUMN kind TO event_type",
    "ALTER TABLE gateway.webhook_event RENAME COLUMN content TO data",
    "COMMENT ON COLUMN gateway.webhook_event.subject IS "
    "'Slug of the link or of the agency that the event is about'",
    "ALTER TABLE gateway.webhook_delivery RENAME COLUMN change TO event",
    "COMMENT ON COLUMN gateway.webhook_delivery.due_at IS "
    "'Time of the next attempt; null: delivered or given up'",
    "ALTER TABLE gateway.webhook RENAME COLUMN made_by TO created_by",
    "ALTER TABLE gateway.webhook RENAME COLUMN ended_at TO disabled_at",
    # The Atom feed reads stored events.
    "UPDATE gateway.webhook_event SET data = data || jsonb_build_object('reason', "
    "CASE data ->> 'reason' WHEN 'refused' THEN 'connection_refused' "
    "WHEN 'cut' THEN 'connection_reset' ELSE 'not_found' END) "
    "WHERE data ->> 'reason' IN ('refused', 'cut', 'gone')",
)

OUTBOUND = (
    "ALTER TABLE gateway.connector_answer RENAME COLUMN question TO request_key",
    "ALTER TABLE gateway.connector_answer RENAME COLUMN at TO fetched_at",
    "ALTER TABLE gateway.connector_switch RENAME TO breaker_override",
    "ALTER INDEX gateway.connector_switch_pkey RENAME TO breaker_override_pkey",
    "ALTER TABLE gateway.breaker_override RENAME COLUMN switched_by TO set_by",
    "ALTER TABLE gateway.breaker_override RENAME COLUMN switched_at TO set_at",
    "UPDATE gateway.connected_source SET reason = CASE reason "
    "WHEN 'refused' THEN 'connection_refused' WHEN 'cut' THEN 'connection_reset' "
    "WHEN 'not_taken' THEN 'rejected' ELSE 'invalid_response' END "
    "WHERE reason IN ('refused', 'cut', 'nonsense', 'not_taken')",
)


API_KEYS = (
    "ALTER TABLE gateway.api_key RENAME COLUMN pace TO rate_multiplier",
    "COMMENT ON COLUMN gateway.api_key.rate_multiplier IS 'Factor applied to the usual limits'",
    "ALTER FUNCTION gateway.tell_of_key() RENAME TO notify_key_change",
    "ALTER TRIGGER tell_of_key ON gateway.api_key RENAME TO notify_key_change",
)

RATE_LIMITS = (
    "ALTER TABLE gateway.rate RENAME TO rate_limit_bucket",
    "ALTER TABLE gateway.rate_limit_bucket RENAME CONSTRAINT rate_pkey TO rate_limit_bucket_pkey",
    "ALTER INDEX gateway.rate_full RENAME TO rate_limit_bucket_full_at",
    "DROP FUNCTION gateway.take_requests(text, text[], float8[], float8[], float8[], float8[])",
    # Many buckets in one round trip. The lock orders concurrent replicas, so that they do not
    # deadlock; the arithmetic is that of `services/gateway/rate_limits/gcra.py`.
    """
    CREATE FUNCTION gateway.take_requests(
        of_region text, buckets text[], bursts float8[], intervals float8[], requested float8[],
        debts float8[]
    ) RETURNS TABLE (bucket text, granted integer, seconds_to_full float8) LANGUAGE plpgsql AS $$
    DECLARE
        at timestamptz;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('emall rate ' || of_region, 0));
        at := clock_timestamp();
        RETURN QUERY
        WITH request AS (
            SELECT * FROM unnest(buckets, bursts, intervals, requested, debts)
                AS r (name, burst, gain, requested, debt)
        ), state AS (
            SELECT r.*, r.debt * r.gain
                + greatest(coalesce(extract(epoch FROM b.full_at - at), 0), 0)::float8 AS missing
            FROM request r
            LEFT JOIN gateway.rate_limit_bucket b ON b.region = of_region AND b.bucket = r.name
        ), result AS (
            SELECT s.name, s.gain, s.missing, greatest(0,
                least(s.requested, floor(s.burst - s.missing / s.gain + 1e-9))) AS granted
            FROM state s
        ), stored AS (
            INSERT INTO gateway.rate_limit_bucket AS b (region, bucket, full_at)
            SELECT of_region, r.name, at + make_interval(secs => r.missing + r.granted * r.gain)
            FROM result r
            ON CONFLICT ON CONSTRAINT rate_limit_bucket_pkey
            DO UPDATE SET full_at = excluded.full_at
        )
        SELECT r.name, r.granted::integer, r.missing + r.granted * r.gain FROM result r;
    END $$
    """,
)

CLICKS = (
    "ALTER TABLE gateway.pending_event RENAME TO click_outbox",
    "ALTER TABLE gateway.click_outbox RENAME CONSTRAINT pending_event_pkey TO click_outbox_pkey",
    "COMMENT ON TABLE gateway.click_outbox IS "
    "'Clicks on redirects that the feedback service has not confirmed yet'",
)

AUDIT = (
    "ALTER FUNCTION gateway.keep_audit() RENAME TO reject_audit_change",
    "ALTER TRIGGER keep_audit ON gateway.audit_line RENAME TO reject_audit_change",
    "ALTER TRIGGER keep_audit_whole ON gateway.audit_line RENAME TO reject_audit_truncate",
    """
    CREATE OR REPLACE FUNCTION gateway.reject_audit_change() RETURNS trigger
    LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'audit lines cannot be changed or deleted';
    END $$
    """,
)

PUBLISHING = (
    "ALTER FUNCTION gateway.tell_of_publishing() RENAME TO notify_published",
    *(
        f"ALTER TRIGGER tell_of_publishing ON gateway.{table} RENAME TO notify_published"
        for table in ("regency", "link", "incident", "incident_update", "maintenance")
    ),
    "ALTER TRIGGER tell_of_publishing ON gateway.link_status RENAME TO notify_published",
)

IDEMPOTENCY = (
    "ALTER TABLE gateway.creation RENAME TO idempotency_key",
    "ALTER INDEX gateway.creation_pkey RENAME TO idempotency_key_pkey",
    "COMMENT ON TABLE gateway.idempotency_key IS "
    "'What each Idempotency-Key created, so that a retry creates nothing'",
)


def upgrade() -> None:
    for statement in (
        *CONNECTORS,
        *LINK_MONITORING,
        *WEBHOOKS,
        *OUTBOUND,
        *API_KEYS,
        *RATE_LIMITS,
        *CLICKS,
        *AUDIT,
        *PUBLISHING,
        *IDEMPOTENCY,
    ):
        op.execute(statement)
