"""Rename tables, columns and functions to the standard terms of the field."""

from alembic import op

from services.platform.roles import role_of

revision = "feedback_0007_standard_terms"
down_revision = "feedback_0006_comments"
branch_labels = None
depends_on = None

EVENTS = """
ALTER TABLE feedback.facet RENAME TO event_dimensions;
ALTER TABLE feedback.event RENAME COLUMN facet TO dimensions;
ALTER TABLE feedback.hourly_usage RENAME COLUMN facet TO dimensions;
ALTER TABLE feedback.monthly_usage RENAME COLUMN facet TO dimensions;
ALTER TABLE feedback.event_horizon RENAME TO event_retention;
ALTER TABLE feedback.event_retention RENAME COLUMN month TO oldest_month;
ALTER TABLE feedback.event_retention RENAME COLUMN ids_from TO ids_deleted_before;
COMMENT ON TABLE feedback.event_dimensions IS
    'Distinct combinations of the dimensions of events, each stored once and referenced by its id; '
    'an empty text stands for a dimension that the event did not name';
COMMENT ON TABLE feedback.event_id IS
    'Ids of the retained events: an id in this table is never counted again';
COMMENT ON TABLE feedback.event IS
    'Single events, partitioned by month (Asia/Jakarta), during the retention; unique by event_id';
COMMENT ON TABLE feedback.event_retention IS
    'The oldest retained month of events, and the month before which ids are deleted. Older months '
    'are dropped for good';
COMMENT ON TABLE feedback.hourly_usage IS
    'Events per hour, updated in the transaction that stores them';
COMMENT ON TABLE feedback.monthly_usage IS
    'Events per month (Asia/Jakarta), updated in the transaction that stores them';
DROP FUNCTION feedback.open_event_month(text, date);
DROP FUNCTION feedback.drop_event_months();
"""

STATISTICS = """
ALTER TABLE feedback.expected_report RENAME TO reporting_obligation;
ALTER TABLE feedback.statistic_flag RENAME COLUMN about TO fingerprint;
COMMENT ON TABLE feedback.reporting_obligation IS
    'The services for which an agency must report monthly statistics';
COMMENT ON TABLE feedback.statistic_flag IS
    'Implausible figures, stored beyond their correction or explanation. An empty text stands for '
    'all services, channels or counters of the agency';
COMMENT ON COLUMN feedback.statistic_flag.fingerprint IS
    'The flagged figures as text: other figures raise another flag';
"""

CREATE_PARTITION = """
-- Creates the partition of a month; returns false if the month was dropped. The partition is
-- created first and then attached, which blocks neither readers nor writers of events.
CREATE FUNCTION feedback.create_event_partition(of_region text, of_month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    partition text := 'event_' || to_char(of_month, 'YYYY_MM');
    first_moment timestamptz := of_month::timestamp AT TIME ZONE 'Asia/Jakarta';
    end_moment timestamptz := (of_month + interval '1 month') AT TIME ZONE 'Asia/Jakarta';
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

DROP_PARTITIONS = """
-- Drops the partitions that no region retains, and returns their names. A drop blocks writers of
-- events and waits for running ones: at most 3 seconds, then it fails.
CREATE FUNCTION feedback.drop_event_partitions() RETURNS SETOF text
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
        EXECUTE format('DROP TABLE feedback.%I', partition);
        RETURN NEXT partition;
    END LOOP;
END $$
"""


RENAMED_TABLES = {
    "facet": "event_dimensions",
    "event_horizon": "event_retention",
    "expected_report": "reporting_obligation",
}

RENAME_CONSTRAINTS = """
-- Constraints (with their indexes) are named after their table; so are sequences of identities.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT conrelid::regclass AS of_table, conname AS name,
               '{new}' || substr(conname, length('{old}') + 1) AS renamed
        FROM pg_constraint
        WHERE conrelid = 'feedback.{new}'::regclass AND conname LIKE '{old}\\_%'
    LOOP
        EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', found.of_table, found.name,
                       left(found.renamed, 63));
    END LOOP;
    IF to_regclass('feedback.{old}_id_seq') IS NOT NULL THEN
        ALTER SEQUENCE feedback.{old}_id_seq RENAME TO {new}_id_seq;
    END IF;
END $$
"""

REVIEW_REASONS = {
    "trap": "honeypot",
    "no_form": "missing_form_token",
    "old_form": "expired_form_token",
    "too_many": "too_many_from_sender",
    "repeated": "duplicate",
    "addresses": "too_many_links",
}

SURVEYS_AND_COMMENTS = """
ALTER TABLE feedback.creation RENAME TO idempotency_key;
ALTER INDEX feedback.creation_pkey RENAME TO idempotency_key_pkey;
COMMENT ON TABLE feedback.idempotency_key IS
    'What each Idempotency-Key created, so that a retry creates nothing';
ALTER TABLE feedback.bundle RENAME TO survey_bundle;
ALTER TABLE feedback.survey_bundle RENAME COLUMN sealed_on TO formed_on;
ALTER INDEX feedback.bundle_pkey RENAME TO survey_bundle_pkey;
ALTER INDEX feedback.bundle_day RENAME TO survey_bundle_day;
ALTER TABLE feedback.survey_bundle RENAME CONSTRAINT bundle_n_check TO survey_bundle_n_check;
ALTER INDEX feedback.response_waiting RENAME TO response_pending;
UPDATE feedback.survey_bundle SET tally = jsonb_set(
    tally, '{skm}',
    (tally -> 'skm') - 'own' - 'squares' || jsonb_build_object(
        'sum_of_scores', tally -> 'skm' -> 'own', 'sum_of_squares', tally -> 'skm' -> 'squares'))
WHERE jsonb_typeof(tally -> 'skm') = 'object' AND tally -> 'skm' ? 'own';

ALTER TABLE feedback.comment_bundle RENAME COLUMN sealed_on TO formed_on;
ALTER TABLE feedback.comment RENAME COLUMN held TO review_reasons;
ALTER TABLE feedback.comment RENAME COLUMN promise TO service_level;
ALTER TABLE feedback.comment_entry RENAME COLUMN who TO actor;
ALTER TABLE feedback.comment_entry
    RENAME CONSTRAINT comment_entry_who_check TO comment_entry_actor_check;
ALTER TABLE feedback.comment_contact RENAME COLUMN sealed TO ciphertext;
COMMENT ON TABLE feedback.survey_bundle IS
    'Five or more responses with the sums of their answers, the only source of results. An '
    'attribute is null if the responses differ in it, and empty if it was not given';
COMMENT ON TABLE feedback.comment_bundle IS
    'Five or more settled comments with their sums, the only source of published figures. An '
    'attribute is null if the comments differ in it';
COMMENT ON COLUMN feedback.comment.review_reasons IS
    'Why a person must review the comment before it counts; empty if it is not under review'
"""


def upgrade() -> None:
    for statements in (EVENTS, STATISTICS):
        for statement in statements.split(";\n"):
            if statement.strip():
                op.execute(statement)
    for old, new in RENAMED_TABLES.items():
        op.execute(RENAME_CONSTRAINTS.format(old=old, new=new))
    for function, signature in (
        (CREATE_PARTITION, "feedback.create_event_partition(text, date)"),
        (DROP_PARTITIONS, "feedback.drop_event_partitions()"),
    ):
        op.execute(function)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {role_of('feedback')}")
    for statement in SURVEYS_AND_COMMENTS.split(";\n"):
        op.execute(statement)
    for old, new in REVIEW_REASONS.items():
        op.execute(
            "UPDATE feedback.comment "  # noqa: S608 - constants of this module
            f"SET review_reasons = array_replace(review_reasons, '{old}', '{new}')"
        )
