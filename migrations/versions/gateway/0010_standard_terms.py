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
    "ALTER TABLE gateway.link_uptime_day RENAME COLUMN ok_seconds TO up_seconds",
    "ALTER TABLE gateway.link_uptime_day RENAME COLUMN caution_seconds TO degraded_seconds",
    "ALTER TABLE gateway.link_uptime_day RENAME COLUMN broken_seconds TO down_seconds",
    "COMMENT ON TABLE gateway.link_uptime_day IS "
    "'Seconds in each state per local day, for the time covered by checks'",
    "ALTER TABLE gateway.incident RENAME COLUMN by_rule TO automatic",
    "ALTER INDEX gateway.incident_open_by_rule RENAME TO incident_open_automatic",
    "UPDATE gateway.incident SET opened_by = 'monitoring' WHERE automatic",
    "UPDATE gateway.link_status SET state = CASE state WHEN 'ok' THEN 'up' "
    "WHEN 'caution' THEN 'degraded' WHEN 'broken' THEN 'down' ELSE 'unknown' END",
    "UPDATE gateway.link_check SET state = CASE state WHEN 'ok' THEN 'up' "
    "WHEN 'caution' THEN 'degraded' WHEN 'broken' THEN 'down' ELSE 'unknown' END",
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
    "UPDATE gateway.webhook_event SET data = data || jsonb_build_object('state', "
    "CASE data ->> 'state' WHEN 'ok' THEN 'up' WHEN 'caution' THEN 'degraded' "
    "WHEN 'broken' THEN 'down' ELSE 'unknown' END) WHERE event_type = 'link.state'",
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
    "ELSE 'invalid_response' END WHERE reason IN ('refused', 'cut', 'nonsense')",
)


def upgrade() -> None:
    for statement in (*CONNECTORS, *LINK_MONITORING, *WEBHOOKS, *OUTBOUND):
        op.execute(statement)
