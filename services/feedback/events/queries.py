"""SQL of the usage events."""

GIVEN = """
given AS MATERIALIZED (
    SELECT id, occurred_at, facet, reported_by
    FROM unnest($2::text[]::uuid[], $3::timestamptz[], $4::int[], $5::text[])
        AS g (id, occurred_at, facet, reported_by)
)
"""


# The session's time zone is Asia/Jakarta, whose hours begin with those of UTC. Whatever two of
# these statements may both touch is touched in the order of its key, so that they never wait for
# each other in a circle.
COUNTED = """
hours AS MATERIALIZED (
    SELECT date_trunc('hour', occurred_at) AS hour, facet, count(*) AS events
    FROM stored GROUP BY 1, 2
),
hourly AS (
    INSERT INTO feedback.hourly_usage AS known (region, hour, facet, events)
    SELECT $1, hour, facet, events FROM hours ORDER BY hour, facet
    ON CONFLICT (region, hour, facet)
    DO UPDATE SET events = known.events + excluded.events
),
monthly AS (
    INSERT INTO feedback.monthly_usage AS known (region, month, facet, events)
    SELECT $1, date_trunc('month', hour)::date AS month, facet, sum(events)
    FROM hours GROUP BY month, facet ORDER BY month, facet
    ON CONFLICT (region, month, facet)
    DO UPDATE SET events = known.events + excluded.events
)
"""


STORE_NEW_EVENTS = f"""
-- Stores events and adds them to the counts, in one statement; fails as a whole where an id is
-- known. It takes half the time of the statement that would pass over those.
WITH {GIVEN},
fresh AS (
    INSERT INTO feedback.event_id (region, id, occurred_at)
    SELECT $1, id, occurred_at FROM given ORDER BY id
    RETURNING 1
),
stored AS (
    INSERT INTO feedback.event (region, id, occurred_at, received_at, facet, reported_by)
    SELECT $1, id, occurred_at, now(), facet, reported_by FROM given
    WHERE (SELECT count(*) FROM fresh) > 0  -- first the ids, then the counts: as below
    RETURNING occurred_at, facet
),
{COUNTED}
SELECT count(*) FROM stored
"""  # noqa: S608 - of parts that stand above


STORE_EVENTS = f"""
-- Stores the events whose ids are not known and adds them to the counts, in one statement; answers
-- those ids. An id stands here once.
WITH {GIVEN},
fresh AS (
    INSERT INTO feedback.event_id (region, id, occurred_at)
    SELECT $1, id, occurred_at FROM given ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING id
),
stored AS (
    INSERT INTO feedback.event (region, id, occurred_at, received_at, facet, reported_by)
    SELECT $1, id, occurred_at, now(), facet, reported_by
    FROM given JOIN fresh USING (id)
    RETURNING id, occurred_at, facet
),
{COUNTED}
SELECT id::text FROM stored
"""  # noqa: S608 - of parts that stand above


FIND_FACETS = """
-- The numbers of these facets, those of them that have one.
SELECT f.id, g.position
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    WITH ORDINALITY AS g (kind, source, agency, service, link, channel, district, position)
JOIN feedback.facet f
    ON f.region = $1 AND f.kind = g.kind AND f.source = g.source AND f.agency = g.agency
   AND f.service = g.service AND f.link = g.link AND f.channel = g.channel
   AND f.district = g.district
"""


ADD_FACETS = """
-- Gives a number to each of these facets that has none.
INSERT INTO feedback.facet (region, kind, source, agency, service, link, channel, district)
SELECT DISTINCT $1::text, g.*
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) AS g
ORDER BY 2, 3, 4, 5, 6, 7, 8
ON CONFLICT DO NOTHING
"""
