"""Usage events in monthly partitions, their ids apart, and counts per hour and per month."""

from alembic import op

from services.platform.roles import role_of

revision = "feedback_0002_usage_events"
down_revision = "feedback_0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE feedback.facet (
    region   text NOT NULL,
    id       int  NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind     text NOT NULL,
    source   text NOT NULL,
    agency   text NOT NULL,
    service  text NOT NULL,
    link     text NOT NULL,
    channel  text NOT NULL,
    district text NOT NULL,
    PRIMARY KEY (region, id),
    UNIQUE (region, kind, source, agency, service, link, channel, district)
);
COMMENT ON TABLE feedback.facet IS
    'Everything that events say beside their time, once for all events that say the same; '
    'an empty text stands for a dimension that they did not name';

CREATE TABLE feedback.event_id (
    region      text        NOT NULL,
    id          uuid        NOT NULL,
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (region, id)
);
COMMENT ON TABLE feedback.event_id IS
    'The ids of the events that are kept: an id that stands here is never counted again';

CREATE TABLE feedback.event (
    region      text        NOT NULL,
    id          uuid        NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    facet       int         NOT NULL,
    reported_by text        NOT NULL
) PARTITION BY RANGE (occurred_at);
COMMENT ON TABLE feedback.event IS
    'Single events by month (Asia/Jakarta), for as long as they are kept; unique by event_id';

CREATE TABLE feedback.event_horizon (
    region text NOT NULL,
    month  date NOT NULL CHECK (extract(day FROM month) = 1),
    ids_from date NOT NULL DEFAULT '2020-01-01',
    PRIMARY KEY (region)
);
COMMENT ON TABLE feedback.event_horizon IS
    'The oldest month whose events are kept; those of older months are dropped for good, and the '
    'ids of months before ids_from forgotten';

-- Counts are updated in place again and again: room for that on every page.
CREATE TABLE feedback.hourly_usage (
    region text        NOT NULL,
    hour   timestamptz NOT NULL,
    facet  int         NOT NULL,
    events bigint      NOT NULL CHECK (events > 0),
    PRIMARY KEY (region, hour, facet)
) WITH (fillfactor = 70);
COMMENT ON TABLE feedback.hourly_usage IS
    'Events per hour, kept in the transaction that stores them';

CREATE TABLE feedback.monthly_usage (
    region text   NOT NULL,
    month  date   NOT NULL,
    facet  int    NOT NULL,
    events bigint NOT NULL CHECK (events > 0),
    PRIMARY KEY (region, month, facet)
) WITH (fillfactor = 70);
COMMENT ON TABLE feedback.monthly_usage IS
    'Events per month (Asia/Jakarta), kept in the transaction that stores them';
"""

OPEN_MONTH = """
-- Makes the partition of a month; false where the month's events were dropped for good. The
-- partition is made by itself and then attached: that waits for no one who reads or writes events.
CREATE FUNCTION feedback.open_event_month(of_region text, of_month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    partition text := 'event_' || to_char(of_month, 'YYYY_MM');
    beginning timestamptz := of_month::timestamp AT TIME ZONE 'Asia/Jakarta';
    ending timestamptz := (of_month + interval '1 month') AT TIME ZONE 'Asia/Jakarta';
BEGIN
    IF extract(day FROM of_month) <> 1 OR of_month NOT BETWEEN '2020-01-01' AND '2199-12-01' THEN
        RAISE EXCEPTION '% is no month of events', of_month;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('months of feedback.event', 0));
    IF EXISTS (SELECT FROM feedback.event_horizon
               WHERE region = of_region AND month > of_month) THEN
        RETURN false;
    END IF;
    IF to_regclass('feedback.' || partition) IS NULL THEN
        EXECUTE format('CREATE TABLE feedback.%I (LIKE feedback.event INCLUDING ALL)', partition);
        EXECUTE format(
            'ALTER TABLE feedback.event ATTACH PARTITION feedback.%I FOR VALUES FROM (%L) TO (%L)',
            partition, beginning, ending);
    END IF;
    RETURN true;
END $$
"""

DROP_MONTHS = """
-- Drops the partitions that no region keeps any more, and says which. Whoever writes events
-- waits for the drop, so the drop waits for writers a few seconds at most and fails rather.
CREATE FUNCTION feedback.drop_event_months() RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s'
AS $$
DECLARE
    partition text;
    kept_from date;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('months of feedback.event', 0));
    SELECT CASE WHEN bool_and(h.month IS NOT NULL) THEN min(h.month) END INTO kept_from
    FROM (SELECT DISTINCT region FROM feedback.facet) r
    LEFT JOIN feedback.event_horizon h USING (region);
    FOR partition IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'feedback.event'::regclass
          AND c.relname < 'event_' || to_char(kept_from, 'YYYY_MM')
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE feedback.%I', partition);
        RETURN NEXT partition;
    END LOOP;
END $$
"""

MOVE_EVENTS = """
INSERT INTO feedback.facet (region, kind, source, agency, service, link, channel, district)
SELECT DISTINCT region, kind, source, agency, service, link, channel, district
FROM feedback.event_before;

DO $$ BEGIN
    PERFORM feedback.open_event_month(region, month)
    FROM (SELECT region, date_trunc('month', occurred_at AT TIME ZONE 'Asia/Jakarta')::date AS month
          FROM feedback.event_before GROUP BY 1, 2 ORDER BY 1, 2) months;
END $$;

INSERT INTO feedback.event_id (region, id, occurred_at)
SELECT region, id, occurred_at FROM feedback.event_before;

INSERT INTO feedback.event (region, id, occurred_at, received_at, facet, reported_by)
SELECT e.region, e.id, e.occurred_at, e.received_at, f.id, e.reported_by
FROM feedback.event_before e
JOIN feedback.facet f USING (region, kind, source, agency, service, link, channel, district);

INSERT INTO feedback.hourly_usage (region, hour, facet, events)
SELECT region, date_trunc('hour', occurred_at, 'UTC'), facet, count(*)
FROM feedback.event GROUP BY 1, 2, 3;

INSERT INTO feedback.monthly_usage (region, month, facet, events)
SELECT region, date_trunc('month', hour AT TIME ZONE 'Asia/Jakarta')::date, facet, sum(events)
FROM feedback.hourly_usage GROUP BY 1, 2, 3;

DROP TABLE feedback.event_before, feedback.daily_usage;
"""


def upgrade() -> None:
    op.execute("ALTER TABLE feedback.event RENAME TO event_before")
    op.execute("ALTER INDEX feedback.event_pkey RENAME TO event_before_pkey")
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for function, signature in (
        (OPEN_MONTH, "feedback.open_event_month(text, date)"),
        (DROP_MONTHS, "feedback.drop_event_months()"),
    ):
        op.execute(function)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {role_of('feedback')}")
    for statement in MOVE_EVENTS.split(";\n\n"):
        op.execute(statement)
