"""SQL of the usage events."""

# Read after the statement has locked its tables: so that a retraction, which locks them too, sees
# every event received before its lock. In a subquery it is read once for all rows.
RECEIVED_AT = "(SELECT clock_timestamp())"

# Arrays are what a batch costs the service most, element by element: so the dimensions come as the
# text of an array, and one reporter stands for all events if it is the only one (`unnest` fills up
# the shorter array with NULL).
INPUT_EVENTS = """
input AS MATERIALIZED (
    SELECT id, occurred_at, dimensions, coalesce(reported_by, ($5::text[])[1]) AS reported_by
    FROM unnest($2::uuid[], $3::timestamptz[], $4::text::int[], $5::text[])
        AS g (id, occurred_at, dimensions, reported_by)
)
"""


# Months are those of the region's time zone ($6), whose hours start with those of UTC. Rows that
# two concurrent statements may both update are updated in the order of their key, so that the
# statements cannot deadlock.
UPDATE_COUNTS = """
hours AS MATERIALIZED (
    SELECT date_trunc('hour', occurred_at) AS hour, dimensions, count(*) AS events
    FROM stored GROUP BY 1, 2
),
hourly AS (
    INSERT INTO feedback.hourly_usage AS known (region, hour, dimensions, events)
    SELECT $1, hour, dimensions, events FROM hours ORDER BY hour, dimensions
    ON CONFLICT (region, hour, dimensions)
    DO UPDATE SET events = known.events + excluded.events
),
monthly AS (
    INSERT INTO feedback.monthly_usage AS known (region, month, dimensions, events)
    SELECT $1, date_trunc('month', hour AT TIME ZONE $6::text)::date AS month, dimensions,
           sum(events)
    FROM hours GROUP BY month, dimensions ORDER BY month, dimensions
    ON CONFLICT (region, month, dimensions)
    DO UPDATE SET events = known.events + excluded.events
)
"""


STORE_NEW_EVENTS = f"""
-- Stores events and updates the counts in one statement; fails as a whole if any id exists. It
-- takes half the time of STORE_EVENTS, which skips existing ids.
WITH {INPUT_EVENTS},
new_ids AS (
    INSERT INTO feedback.event_id (region, id, occurred_at, dimensions)
    SELECT $1, id, occurred_at, dimensions FROM input ORDER BY id
    RETURNING 1
),
stored AS (
    INSERT INTO feedback.event (region, id, occurred_at, received_at, dimensions, reported_by)
    SELECT $1, id, occurred_at, {RECEIVED_AT}, dimensions, reported_by FROM input
    WHERE (SELECT count(*) FROM new_ids) > 0  -- ids before counts, as in STORE_EVENTS
    RETURNING occurred_at, dimensions
),
{UPDATE_COUNTS}
SELECT count(*) FROM stored
"""  # noqa: S608 - composed of constants of this module


STORE_EVENTS = f"""
-- Stores the events whose ids are new, updates the counts in the same statement, and returns those
-- ids. The input holds each id once.
WITH {INPUT_EVENTS},
new_ids AS (
    INSERT INTO feedback.event_id (region, id, occurred_at, dimensions)
    SELECT $1, id, occurred_at, dimensions FROM input ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING id
),
stored AS (
    INSERT INTO feedback.event (region, id, occurred_at, received_at, dimensions, reported_by)
    SELECT $1, id, occurred_at, {RECEIVED_AT}, dimensions, reported_by
    FROM input JOIN new_ids USING (id)
    RETURNING id, occurred_at, dimensions
),
{UPDATE_COUNTS}
SELECT id::text FROM stored
"""  # noqa: S608 - composed of constants of this module


COUNT_REPEATED_EVENTS = f"""
-- The number of events that are stored as they are. The subquery reads the index for each id: a
-- join would read the whole table.
WITH {INPUT_EVENTS}
SELECT count(*) FROM input WHERE (
    SELECT stored.occurred_at = input.occurred_at AND stored.dimensions = input.dimensions
    FROM feedback.event_id stored WHERE stored.region = $1 AND stored.id = input.id
)
"""  # noqa: S608 - composed of constants of this module


FIND_OTHER_EVENTS = f"""
-- The ids under which other events are stored, read as by COUNT_REPEATED_EVENTS.
WITH {INPUT_EVENTS}
SELECT id::text FROM input WHERE (
    SELECT stored.occurred_at <> input.occurred_at OR stored.dimensions <> input.dimensions
    FROM feedback.event_id stored WHERE stored.region = $1 AND stored.id = input.id
)
"""  # noqa: S608 - composed of constants of this module


FIND_DIMENSIONS = """
-- The ids of those of these dimensions that are stored.
SELECT d.id, g.position
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    WITH ORDINALITY AS g (kind, source, agency, service, link, channel, district, position)
JOIN feedback.event_dimensions d
    ON d.region = $1 AND d.kind = g.kind AND d.source = g.source AND d.agency = g.agency
   AND d.service = g.service AND d.link = g.link AND d.channel = g.channel
   AND d.district = g.district
"""


ADD_DIMENSIONS = """
-- Stores those of these dimensions that are new, each under a new id.
INSERT INTO feedback.event_dimensions
    (region, kind, source, agency, service, link, channel, district)
SELECT DISTINCT $1::text, g.*
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) AS g
ORDER BY 2, 3, 4, 5, 6, 7, 8
ON CONFLICT DO NOTHING
"""
