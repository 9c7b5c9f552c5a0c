"""SQL of retractions."""

SERIALISE = """
-- Serialises retractions and reversals of a region.
SELECT pg_advisory_xact_lock(hashtextextended('retractions ' || :region, 0))
"""

TRANSACTION_TIME = "SELECT now()"

OVERLAPPING = """
-- A retraction in force that struck out some of the same.
SELECT sent_from, sent_until FROM feedback.retraction
WHERE region = :region AND reported_by = :key AND reversed_at IS NULL
  AND kinds && CAST(:kinds AS text[]) AND sent_from < :until AND sent_until > :since
ORDER BY id LIMIT 1
"""

LOCK_COUNTS = """
-- Waits for the statements that store events, and lets further ones wait: every event received
-- before is then visible, and no count changes in between.
LOCK TABLE feedback.hourly_usage IN SHARE ROW EXCLUSIVE MODE
"""

SELECT_EVENTS = """
-- Stores the events that a key sent in a span, by hour and dimensions; returns their number.
WITH stored AS (
    INSERT INTO feedback.retracted_usage (region, retraction, hour, dimensions, events)
    SELECT :region, :id, date_trunc('hour', occurred_at, 'UTC'), dimensions, count(*)
    FROM feedback.event
    WHERE region = :region AND reported_by = :key
      AND received_at >= :since AND received_at < :until
    GROUP BY 3, 4
    RETURNING events
)
SELECT coalesce(sum(events), 0)::bigint FROM stored
"""

DROPPED = """
-- The dropped months of which a key may have sent events in a span.
SELECT to_char(month, 'YYYY-MM') AS month, events, last_received_at
FROM feedback.dropped_events
WHERE region = :region AND reported_by = :key
  AND first_received_at < :until AND last_received_at >= :since
ORDER BY month
"""

_HOURS = """
retracted AS (
    SELECT hour, dimensions, events FROM feedback.retracted_usage
    WHERE region = :region AND retraction = :id
)
"""

# Monthly counts change by the months of the zone of the retraction.
_MONTHS = """
retracted AS (
    SELECT date_trunc('month', hour AT TIME ZONE CAST(:zone AS text))::date AS month, dimensions,
           sum(events)::bigint AS events
    FROM feedback.retracted_usage WHERE region = :region AND retraction = :id
    GROUP BY 1, 2
)
"""


def _subtract(retracted: str, *, table: str, time: str) -> str:
    return f"""
-- Subtracts the retracted events from the counts; returns how many counts changed, and how many
-- had to.
WITH {retracted},
emptied AS (
    DELETE FROM feedback.{table} c USING retracted r
    WHERE c.region = :region AND c.{time} = r.{time} AND c.dimensions = r.dimensions
      AND c.events = r.events
    RETURNING 1
),
reduced AS (
    UPDATE feedback.{table} c SET events = c.events - r.events FROM retracted r
    WHERE c.region = :region AND c.{time} = r.{time} AND c.dimensions = r.dimensions
      AND c.events > r.events
    RETURNING 1
)
SELECT (SELECT count(*) FROM emptied) + (SELECT count(*) FROM reduced) AS changed,
       (SELECT count(*) FROM retracted) AS expected
"""  # noqa: S608 - composed of constants of this module


def _add(retracted: str, *, table: str, time: str) -> str:
    return f"""
-- Adds the retracted events to the counts again.
WITH {retracted}
INSERT INTO feedback.{table} AS known (region, {time}, dimensions, events)
SELECT :region, {time}, dimensions, events FROM retracted
ON CONFLICT (region, {time}, dimensions) DO UPDATE SET events = known.events + excluded.events
"""  # noqa: S608 - composed of constants of this module


SUBTRACT_HOURS = _subtract(_HOURS, table="hourly_usage", time="hour")
SUBTRACT_MONTHS = _subtract(_MONTHS, table="monthly_usage", time="month")
ADD_HOURS = _add(_HOURS, table="hourly_usage", time="hour")
ADD_MONTHS = _add(_MONTHS, table="monthly_usage", time="month")

FORGET_EVENTS = """
-- Deletes what a reversed retraction subtracted.
DELETE FROM feedback.retracted_usage WHERE region = :region AND retraction = :id
"""

COMPARED_WITH_CLICKS = """
-- Months of statistics online that are compared with retracted click-outs.
SELECT DISTINCT s.agency, s.service, s.channel, s.period
FROM feedback.retracted_usage r
JOIN feedback.event_dimensions d ON d.region = :region AND d.id = r.dimensions
JOIN feedback.statistic s
    ON s.region = :region AND s.service = d.service AND s.channel = 'online' AND s.is_current
   AND s.period = date_trunc('month', r.hour AT TIME ZONE CAST(:zone AS text))::date
WHERE r.region = :region AND r.retraction = :id AND d.kind = 'click_out' AND d.service <> ''
"""

AGENCIES_OF_KEY = """
-- The agencies for which a key sent figures in a span.
SELECT DISTINCT agency FROM feedback.statistic
WHERE region = :region AND reported_by = :key AND retraction IS NULL
  AND reported_at >= :since AND reported_at < :until
"""

RETRACT_FIGURES = """
-- Strikes out the figures that a key sent in a span for these agencies.
UPDATE feedback.statistic SET retraction = :id
WHERE region = :region AND reported_by = :key AND retraction IS NULL
  AND reported_at >= :since AND reported_at < :until AND agency = ANY(CAST(:agencies AS text[]))
"""

FIGURES_OF_RETRACTION = """
-- The months whose figures a retraction struck out.
SELECT DISTINCT agency, service, channel, period FROM feedback.statistic
WHERE region = :region AND retraction = :id
"""

_AFFECTED = """
affected AS (
    SELECT DISTINCT agency, service, channel, period, measure FROM feedback.statistic
    WHERE region = :region AND retraction = :id
)
"""

CLEAR_CURRENT = f"""
-- Marks no figure of the affected keys as current.
WITH {_AFFECTED}
UPDATE feedback.statistic s SET is_current = false
FROM affected a
WHERE s.region = :region AND s.agency = a.agency AND s.service = a.service
  AND s.channel = a.channel AND s.period = a.period AND s.measure = a.measure AND s.is_current
"""  # noqa: S608 - composed of constants of this module

SET_CURRENT = f"""
-- Marks as current, of each affected key, the newest figure that is not struck out; in a reversal
-- those of the retraction are not.
WITH {_AFFECTED},
newest AS (
    SELECT agency, service, channel, period, measure, max(s.revision) AS revision
    FROM affected a JOIN feedback.statistic s USING (agency, service, channel, period, measure)
    WHERE s.region = :region
      AND (s.retraction IS NULL OR (CAST(:is_reversal AS boolean) AND s.retraction = :id))
    GROUP BY agency, service, channel, period, measure
)
UPDATE feedback.statistic s SET is_current = true
FROM newest n
WHERE s.region = :region AND s.agency = n.agency AND s.service = n.service
  AND s.channel = n.channel AND s.period = n.period AND s.measure = n.measure
  AND s.revision = n.revision
"""  # noqa: S608 - composed of constants of this module

RESTORE_FIGURES = """
-- Ends the retraction of figures.
UPDATE feedback.statistic SET retraction = NULL WHERE region = :region AND retraction = :id
"""

INSERT_RETRACTION = """
-- Stores a retraction.
INSERT INTO feedback.retraction
    (region, id, reported_by, sent_from, sent_until, kinds, reason, zone, events, statistics,
     retracted_at, retracted_by)
VALUES (:region, :id, :key, :since, :until, CAST(:kinds AS text[]), :reason, :zone, :events,
        :statistics, :now, :by)
"""

LOCK_RETRACTION = """
-- A retraction, for a reversal.
SELECT reversed_at, zone FROM feedback.retraction WHERE region = :region AND id = :id FOR UPDATE
"""

REVERSE = """
-- Stores the reversal of a retraction.
UPDATE feedback.retraction
SET reversed_at = :now, reversed_by = :by, reversal_reason = :reason
WHERE region = :region AND id = :id
"""

LIST_RETRACTIONS = """
-- Retractions, newest first, after a cursor, or a single one.
SELECT * FROM feedback.retraction
WHERE region = :region AND (CAST(:cursor AS uuid) IS NULL OR id < :cursor)
  AND (CAST(:id AS uuid) IS NULL OR id = :id)
  AND (CAST(:key AS text) IS NULL OR reported_by = :key)
ORDER BY id DESC LIMIT :limit
"""
