"""Partition the audit log by month, with signed heads, and chain its lines after their write.

A hub of the version before goes on writing beside it: it adds chained lines itself, under the
same lock, and the column it does not know has a default.
"""

from alembic import op

from services.platform.roles import role_of

revision = "gateway_0016_audit_months"
down_revision = "gateway_0015_refused_items"
branch_labels = None
depends_on = None

TABLES = """
-- A table with the same columns takes its name and those of its indexes in this transaction.
-- squawk-ignore renaming-table
ALTER TABLE gateway.audit_line RENAME TO audit_line_before;
-- squawk-ignore renaming-object
ALTER TABLE gateway.audit_line_before RENAME CONSTRAINT audit_line_pkey TO audit_line_before_pkey;
-- squawk-ignore renaming-object
ALTER INDEX gateway.audit_line_agency RENAME TO audit_line_before_agency;

CREATE TABLE gateway.audit_line (
    region     text        NOT NULL,
    month      date        NOT NULL
        DEFAULT (date_trunc('month', now() AT TIME ZONE 'UTC'))::date,
    number     bigint      NOT NULL,
    at         timestamptz NOT NULL,
    key_id     text        NOT NULL,
    agency     text,
    action     text        NOT NULL,
    target     text        NOT NULL,
    status     bigint,
    problem    text,
    request_id text        NOT NULL,
    body_hash  text,
    previous   text        NOT NULL,
    hash       text        NOT NULL,
    PRIMARY KEY (region, number, month)
) PARTITION BY LIST (month);
COMMENT ON TABLE gateway.audit_line IS
    'Who wrote what and when; each line carries the hash of the one before it';
COMMENT ON COLUMN gateway.audit_line.month IS 'The month (UTC) in which the line was chained';
CREATE INDEX audit_line_agency ON gateway.audit_line (region, agency, number);
CREATE TRIGGER reject_audit_change BEFORE UPDATE OR DELETE ON gateway.audit_line
    FOR EACH ROW EXECUTE FUNCTION gateway.reject_audit_change();
CREATE TRIGGER reject_audit_truncate BEFORE TRUNCATE ON gateway.audit_line
    FOR EACH STATEMENT EXECUTE FUNCTION gateway.reject_audit_change();

CREATE TABLE gateway.audit_pending (
    region     text        NOT NULL,
    id         uuid        NOT NULL,
    due_at     timestamptz NOT NULL,
    at         timestamptz NOT NULL,
    key_id     text        NOT NULL,
    agency     text,
    action     text        NOT NULL,
    target     text        NOT NULL,
    status     bigint,
    problem    text,
    request_id text        NOT NULL,
    body_hash  text,
    PRIMARY KEY (region, id)
);
COMMENT ON TABLE gateway.audit_pending IS
    'Audit lines that are stored and not yet chained; `gateway.chain_audit_lines` moves them';
COMMENT ON COLUMN gateway.audit_pending.due_at IS
    'When the line may be chained: one that hides its minute, when its hour is over';
COMMENT ON COLUMN gateway.audit_pending.id IS 'Random, so that it tells no order';
CREATE INDEX audit_pending_due ON gateway.audit_pending (region, due_at, id);
CREATE TRIGGER reject_audit_change BEFORE UPDATE OR DELETE ON gateway.audit_pending
    FOR EACH ROW WHEN (current_setting('emall.chaining', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION gateway.reject_audit_change();
CREATE TRIGGER reject_audit_truncate BEFORE TRUNCATE ON gateway.audit_pending
    FOR EACH STATEMENT EXECUTE FUNCTION gateway.reject_audit_change();

CREATE TABLE gateway.audit_month (
    region       text        NOT NULL,
    month        date        NOT NULL,
    first_number bigint      NOT NULL,
    last_number  bigint      NOT NULL,
    previous     text        NOT NULL,
    head         text        NOT NULL,
    signed_at    timestamptz NOT NULL,
    public_key   text        NOT NULL,
    signature    text        NOT NULL,
    PRIMARY KEY (region, month),
    CHECK (first_number <= last_number)
);
COMMENT ON TABLE gateway.audit_month IS
    'Signed heads of the closed months of the audit log, which outlive the lines';
COMMENT ON COLUMN gateway.audit_month.previous IS 'Hash before the first line of the month';
COMMENT ON COLUMN gateway.audit_month.head IS 'Hash of the last line of the month';
CREATE TRIGGER reject_audit_change BEFORE UPDATE OR DELETE ON gateway.audit_month
    FOR EACH ROW EXECUTE FUNCTION gateway.reject_audit_change();
CREATE TRIGGER reject_audit_truncate BEFORE TRUNCATE ON gateway.audit_month
    FOR EACH STATEMENT EXECUTE FUNCTION gateway.reject_audit_change()
"""

CREATE_PARTITION = """
-- Creates the partition of a month if it is missing. It is created first and then attached, which
-- blocks no reader. Nobody but the owner may read or write a partition except through its parent.
CREATE FUNCTION gateway.create_audit_partition(of_month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    partition text := 'audit_line_' || to_char(of_month, 'YYYY_MM');
    grantee text;
BEGIN
    IF extract(day FROM of_month) <> 1 OR of_month NOT BETWEEN '2020-01-01' AND '2199-12-01' THEN
        RAISE EXCEPTION '% is not the first day of a month from 2020 to 2199', of_month;
    END IF;
    IF to_regclass('gateway.' || partition) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('partitions of gateway.audit_line', 0));
    IF to_regclass('gateway.' || partition) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE gateway.%I (LIKE gateway.audit_line INCLUDING ALL)', partition);
    FOR grantee IN
        SELECT DISTINCT r.rolname FROM pg_class c, aclexplode(c.relacl) a, pg_roles r
        WHERE c.oid = to_regclass('gateway.' || partition) AND r.oid = a.grantee
          AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON gateway.%I FROM %I', partition, grantee);
    END LOOP;
    EXECUTE format(
        'CREATE TRIGGER reject_audit_truncate BEFORE TRUNCATE ON gateway.%I '
        'FOR EACH STATEMENT EXECUTE FUNCTION gateway.reject_audit_change()', partition);
    EXECUTE format(
        'ALTER TABLE gateway.audit_line ATTACH PARTITION gateway.%I FOR VALUES IN (%L)',
        partition, of_month);
END $$
"""

CHAIN_LINES = """
-- Moves pending lines to the end of the chain, in the order of their numbers. The role of the
-- gateway can neither change nor delete a pending line; only this function does. The month never
-- goes back, and is never one that is signed.
CREATE FUNCTION gateway.chain_audit_lines(
    of_region text, ids uuid[], numbers bigint[], previous_hashes text[], hashes text[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last_number bigint;
    last_month date;
    of_month date;
    moved bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('emall audit ' || of_region, 0));
    SELECT number, month INTO last_number, last_month
    FROM gateway.audit_line WHERE region = of_region ORDER BY number DESC LIMIT 1;
    IF NOT FOUND THEN
        SELECT m.last_number INTO last_number
        FROM gateway.audit_month m WHERE m.region = of_region ORDER BY month DESC LIMIT 1;
    END IF;
    IF numbers[1] <> coalesce(last_number, 0) + 1 THEN
        RAISE EXCEPTION 'line % does not follow line %', numbers[1], coalesce(last_number, 0);
    END IF;
    of_month := greatest(
        date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date, last_month,
        (SELECT (max(month) + interval '1 month')::date FROM gateway.audit_month
         WHERE region = of_region));
    PERFORM gateway.create_audit_partition(of_month);
    -- Not as an option of the function, which only a superuser may give it (PostgreSQL 15).
    PERFORM set_config('emall.chaining', 'on', true);
    WITH place AS (
        SELECT * FROM unnest(ids, numbers, previous_hashes, hashes)
            AS p (id, number, previous, hash)
    ), moved AS (
        DELETE FROM gateway.audit_pending q USING place p
        WHERE q.region = of_region AND q.id = p.id
        RETURNING p.number, q.at, q.key_id, q.agency, q.action, q.target, q.status, q.problem,
                  q.request_id, q.body_hash, p.previous, p.hash
    )
    INSERT INTO gateway.audit_line (region, month, number, at, key_id, agency, action, target,
                                    status, problem, request_id, body_hash, previous, hash)
    SELECT of_region, of_month, * FROM moved ORDER BY number;
    GET DIAGNOSTICS moved = ROW_COUNT;
    PERFORM set_config('emall.chaining', '', true);
    IF moved <> cardinality(ids) THEN
        RAISE EXCEPTION 'of % pending lines % are there', cardinality(ids), moved;
    END IF;
END $$
"""

DROP_MONTHS = """
-- Drops the partitions before a month, and returns their months. It stops at one that is not
-- covered by signed heads, or has lines of another region. Drops nothing of the last year. A drop
-- waits for readers of the log: at most 3 seconds, then it fails.
CREATE FUNCTION gateway.drop_audit_months(of_region text, before date) RETURNS SETOF date
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
    partition text;
    of_month date;
    uncovered boolean;
BEGIN
    IF before > (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '12 months')::date THEN
        RAISE EXCEPTION 'the audit log of the last 12 months is not dropped';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('partitions of gateway.audit_line', 0));
    FOR partition IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'gateway.audit_line'::regclass
          AND c.relname < 'audit_line_' || to_char(before, 'YYYY_MM')
        ORDER BY c.relname
    LOOP
        of_month := to_date(partition, '"audit_line_"YYYY_MM');
        EXECUTE format('LOCK TABLE gateway.%I IN SHARE MODE', partition);
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM ('
            '    SELECT region, min(number) AS first, max(number) AS last, count(*) AS lines '
            '    FROM gateway.%I GROUP BY region) p '
            'LEFT JOIN gateway.audit_month m ON m.region = p.region AND m.month = %L '
            'WHERE p.region <> %L OR m.first_number IS DISTINCT FROM p.first '
            '   OR m.last_number IS DISTINCT FROM p.last OR p.lines <> p.last - p.first + 1)',
            partition, of_month, of_region) INTO uncovered;
        EXIT WHEN uncovered;
        EXECUTE format('DROP TABLE gateway.%I', partition);
        RETURN NEXT of_month;
    END LOOP;
END $$
"""

COPY = """
DO $$
DECLARE
    of_month date;
BEGIN
    FOR of_month IN
        SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC')::date
        FROM gateway.audit_line_before
        UNION SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date
        UNION SELECT date_trunc('month', now() AT TIME ZONE 'UTC' + interval '1 month')::date
    LOOP
        PERFORM gateway.create_audit_partition(of_month);
    END LOOP;
END $$;

-- The time of a line may lie before that of the line it follows; the month does not.
INSERT INTO gateway.audit_line (region, month, number, at, key_id, agency, action, target, status,
                                problem, request_id, body_hash, previous, hash)
SELECT region,
       max(date_trunc('month', at AT TIME ZONE 'UTC')::date)
           OVER (PARTITION BY region ORDER BY number),
       number, at, key_id, agency, action, target, status, problem, request_id, body_hash,
       previous, hash
FROM gateway.audit_line_before;

-- Its name and its columns went to the new table.
-- squawk-ignore ban-drop-table
DROP TABLE gateway.audit_line_before
"""

FUNCTIONS = (
    (CREATE_PARTITION, "gateway.create_audit_partition(date)"),
    (CHAIN_LINES, "gateway.chain_audit_lines(text, uuid[], bigint[], text[], text[])"),
    (DROP_MONTHS, "gateway.drop_audit_months(text, date)"),
)


def upgrade() -> None:
    role = role_of("gateway")
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    op.execute(f"REVOKE UPDATE, DELETE ON gateway.audit_line, gateway.audit_month FROM {role}")
    op.execute(f"REVOKE UPDATE, DELETE ON gateway.audit_pending FROM {role}")
    for function, signature in FUNCTIONS:
        op.execute(function)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {role}")
    for statement in COPY.split(";\n\n"):
        op.execute(statement)
