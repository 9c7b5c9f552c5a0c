"""Add the regency, whose time zone days and months follow; cut partitions for all of the zones."""

from alembic import op

revision = "feedback_0009_regency"
down_revision = "feedback_0008_jobs"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE feedback.regency (
    region  text  NOT NULL,
    content jsonb NOT NULL,
    PRIMARY KEY (region)
);
COMMENT ON TABLE feedback.regency IS
    'The regency as its pack describes it; days and months follow its time zone';
COMMENT ON TABLE feedback.event IS
    'Single events during the retention, unique by event_id; partitioned by month, from midnight '
    'in Asia/Jayapura, the easternmost zone, as regions with different zones share the partitions';
COMMENT ON TABLE feedback.monthly_usage IS
    'Events per month of the region''s time zone, updated in the transaction that stores them'
"""

CREATE_PARTITION = """
-- Creates the partition of a month; returns false if the month was dropped. The partition is
-- created first and then attached, which blocks neither readers nor writers of events. A partition
-- ends at midnight in the easternmost zone, no later than the month ends in any region.
CREATE OR REPLACE FUNCTION feedback.create_event_partition(of_region text, of_month date)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    partition text := 'event_' || to_char(of_month, 'YYYY_MM');
    first_moment timestamptz := of_month::timestamp AT TIME ZONE 'Asia/Jayapura';
    end_moment timestamptz := (of_month + interval '1 month') AT TIME ZONE 'Asia/Jayapura';
BEGIN
    IF extract(day FROM of_month) <> 1 OR of_month NOT BETWEEN '2020-01-01' AND '2199-12-01' THEN
        RAISE EXCEPTION '% is not the first day of a month from 2020 to 2199', of_month;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('partitions of feedback.event', 0));
    IF EXISTS (SELECT FROM feedback.event_retention
               WHERE region = of_region AND oldest_month > of_month) THEN
        RETURN false;
    END IF;
    IF to_regclass('feedback.' || partition) IS NULL THEN
        EXECUTE format('CREATE TABLE feedback.%I (LIKE feedback.event INCLUDING ALL)', partition);
        EXECUTE format(
            'ALTER TABLE feedback.event ATTACH PARTITION feedback.%I FOR VALUES FROM (%L) TO (%L)',
            partition, first_moment, end_moment);
    END IF;
    RETURN true;
END $$
"""

MOVE_BOUNDS = """
-- Moves the bounds of the existing partitions from midnight in Asia/Jakarta to midnight in
-- Asia/Jayapura, and the events of the two hours between them to the next partition.
DO $$
DECLARE
    months date[];
    of_month date;
    next_month date;
    partition text;
    next_partition text;
    end_moment timestamptz;
    crosses boolean;
    position int := 1;
BEGIN
    SELECT coalesce(array_agg(to_date(c.relname, '"event_"YYYY_MM') ORDER BY c.relname), '{}')
    INTO months
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'feedback.event'::regclass;
    FOREACH of_month IN ARRAY months LOOP
        EXECUTE format('ALTER TABLE feedback.event DETACH PARTITION feedback.%I',
                       'event_' || to_char(of_month, 'YYYY_MM'));
    END LOOP;
    WHILE position <= cardinality(months) LOOP
        of_month := months[position];
        next_month := of_month + interval '1 month';
        partition := 'event_' || to_char(of_month, 'YYYY_MM');
        next_partition := 'event_' || to_char(next_month, 'YYYY_MM');
        end_moment := next_month::timestamp AT TIME ZONE 'Asia/Jayapura';
        EXECUTE format('SELECT EXISTS (SELECT FROM feedback.%I WHERE occurred_at >= %L)',
                       partition, end_moment) INTO crosses;
        IF crosses THEN
            IF next_month <> ALL (months) THEN
                EXECUTE format('CREATE TABLE feedback.%I (LIKE feedback.event INCLUDING ALL)',
                               next_partition);
                months := months[1 : position] || next_month
                          || months[position + 1 : cardinality(months)];
            END IF;
            EXECUTE format('INSERT INTO feedback.%I SELECT * FROM feedback.%I '
                           'WHERE occurred_at >= %L', next_partition, partition, end_moment);
            EXECUTE format('DELETE FROM feedback.%I WHERE occurred_at >= %L',
                           partition, end_moment);
        END IF;
        EXECUTE format(
            'ALTER TABLE feedback.event ATTACH PARTITION feedback.%I FOR VALUES FROM (%L) TO (%L)',
            partition, of_month::timestamp AT TIME ZONE 'Asia/Jayapura', end_moment);
        position := position + 1;
    END LOOP;
END $$
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    op.execute(CREATE_PARTITION)
    op.execute(MOVE_BOUNDS)
