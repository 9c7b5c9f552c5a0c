"""Add retractions of what a key sent, and who sent the events of dropped months."""

from alembic import op

revision = "feedback_0013_retractions"
down_revision = "feedback_0012_event_content"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE feedback.retraction (
    region          text        NOT NULL,
    id              uuid        NOT NULL,
    reported_by     text        NOT NULL,
    sent_from       timestamptz NOT NULL,
    sent_until      timestamptz NOT NULL,
    kinds           text[]      NOT NULL,
    reason          text        NOT NULL,
    zone            text        NOT NULL,
    events          bigint      NOT NULL,
    statistics      bigint      NOT NULL,
    retracted_at    timestamptz NOT NULL,
    retracted_by    text        NOT NULL,
    reversed_at     timestamptz,
    reversed_by     text,
    reversal_reason text,
    PRIMARY KEY (region, id),
    CHECK (sent_from < sent_until)
);
COMMENT ON TABLE feedback.retraction IS
    'What an administrator struck out: all that a key sent in a span, from the first moment to '
    'before the second';
COMMENT ON COLUMN feedback.retraction.zone IS
    'The time zone by whose months the events were subtracted from the monthly counts';

CREATE TABLE feedback.retracted_usage (
    region     text        NOT NULL,
    retraction uuid        NOT NULL,
    hour       timestamptz NOT NULL,
    dimensions bigint      NOT NULL,
    events     bigint      NOT NULL CHECK (events > 0),
    PRIMARY KEY (region, retraction, hour, dimensions)
);
COMMENT ON TABLE feedback.retracted_usage IS
    'Events per hour that a retraction in force subtracted from the counts';

CREATE TABLE feedback.dropped_events (
    region            text        NOT NULL,
    month             date        NOT NULL CHECK (extract(day FROM month) = 1),
    reported_by       text        NOT NULL,
    first_received_at timestamptz NOT NULL,
    last_received_at  timestamptz NOT NULL,
    events            bigint      NOT NULL CHECK (events > 0),
    PRIMARY KEY (region, month, reported_by)
);
COMMENT ON TABLE feedback.dropped_events IS
    'When the events of dropped months were received from each key: they are counted, but can no '
    'longer be retracted';

ALTER TABLE feedback.statistic ADD COLUMN retraction uuid;
COMMENT ON COLUMN feedback.statistic.retraction IS
    'The retraction in force that struck the figure out; current is the newest figure without one';
CREATE INDEX statistic_retraction ON feedback.statistic (region, retraction)
    WHERE retraction IS NOT NULL
"""

DROP_PARTITIONS = """
-- Drops the partitions that no region retains, and returns their names; records who sent their
-- events. A drop blocks writers of events and waits for running ones: at most 3 seconds, then it
-- fails.
CREATE OR REPLACE FUNCTION feedback.drop_event_partitions() RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s'
AS $$
DECLARE
    partition text;
    retained_from date;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('partitions of feedback.event', 0));
    SELECT CASE WHEN bool_and(r.oldest_month IS NOT NULL) THEN min(r.oldest_month) END
    INTO retained_from
    FROM (SELECT DISTINCT region FROM feedback.event_dimensions) d
    LEFT JOIN feedback.event_retention r USING (region);
    FOR partition IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'feedback.event'::regclass
          AND c.relname < 'event_' || to_char(retained_from, 'YYYY_MM')
        ORDER BY c.relname
    LOOP
        EXECUTE format('LOCK TABLE feedback.%I IN SHARE MODE', partition);
        EXECUTE format(
            'INSERT INTO feedback.dropped_events AS known '
            'SELECT region, %L::date, reported_by, min(received_at), max(received_at), count(*) '
            'FROM feedback.%I GROUP BY region, reported_by '
            'ON CONFLICT (region, month, reported_by) DO UPDATE SET '
            'first_received_at = least(known.first_received_at, excluded.first_received_at), '
            'last_received_at = greatest(known.last_received_at, excluded.last_received_at), '
            'events = known.events + excluded.events',
            to_date(partition, '"event_"YYYY_MM'), partition);
        EXECUTE format('DROP TABLE feedback.%I', partition);
        RETURN NEXT partition;
    END LOOP;
END $$
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.execute(DROP_PARTITIONS)
