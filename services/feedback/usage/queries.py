"""Usage in SQL: what is stored, and the sums that are asked for."""

STORE_EVENTS = """
-- Stores a batch and adds what was new to the daily counts, in one statement. The counts are
-- updated in the order of their key, so that two batches never wait for each other in a circle.
WITH given AS (
    SELECT * FROM unnest(
        CAST(:ids AS uuid[]), CAST(:occurred_at AS timestamptz[]), CAST(:kinds AS text[]),
        CAST(:sources AS text[]), CAST(:agencies AS text[]), CAST(:services AS text[]),
        CAST(:links AS text[]), CAST(:channels AS text[]), CAST(:districts AS text[])
    ) AS g (id, occurred_at, kind, source, agency, service, link, channel, district)
    ORDER BY id
),
stored AS (
    INSERT INTO feedback.event
        (region, id, occurred_at, received_at, kind, source, agency, service, link, channel,
         district, reported_by)
    SELECT :region, id, occurred_at, :now, kind, source, agency, service, link, channel,
           district, :reported_by
    FROM given
    ON CONFLICT (region, id) DO NOTHING
    RETURNING occurred_at, kind, source, agency, service, link, channel, district
),
counted AS (
    INSERT INTO feedback.daily_usage
        (region, day, kind, source, agency, service, link, channel, district, events)
    SELECT :region, (occurred_at AT TIME ZONE 'Asia/Jakarta')::date AS day, kind, source, agency,
           service, link, channel, district, count(*)
    FROM stored
    GROUP BY day, kind, source, agency, service, link, channel, district
    ORDER BY day, kind, source, agency, service, link, channel, district
    ON CONFLICT (region, day, kind, source, agency, service, link, channel, district)
    DO UPDATE SET events = feedback.daily_usage.events + excluded.events
)
SELECT count(*) FROM stored
"""

LOCK_AGENCIES = """
-- Statistics of an agency are stored by one request at a time, so that revisions count up.
SELECT pg_advisory_xact_lock(hashtextextended('statistic ' || :region || ' ' || agency, 0))
FROM (SELECT DISTINCT agency FROM unnest(CAST(:agencies AS text[])) AS agency ORDER BY agency) a
"""

UNKNOWN_SERVICES = """
-- Positions of the items whose service is not one of the agency's.
SELECT g.position - 1 AS position
FROM unnest(CAST(:agencies AS text[]), CAST(:services AS text[]))
    WITH ORDINALITY AS g (agency, service, position)
WHERE NOT EXISTS (
    SELECT FROM feedback.expected_report e
    WHERE e.region = :region AND e.agency = g.agency AND e.service = g.service)
ORDER BY 1
"""

CURRENT_FIGURES = """
-- For every given counter the figure that stands now, if any.
SELECT g.position - 1 AS position, s.value, s.revision
FROM unnest(CAST(:agencies AS text[]), CAST(:services AS text[]), CAST(:channels AS text[]),
            CAST(:periods AS date[]), CAST(:measures AS text[]))
    WITH ORDINALITY AS g (agency, service, channel, period, measure, position)
JOIN feedback.statistic s
    ON s.region = :region AND s.agency = g.agency AND s.service = g.service
   AND s.channel = g.channel AND s.period = g.period AND s.measure = g.measure
   AND s.is_current
"""

RETIRE_FIGURES = """
-- The figures that a correction replaces stay, but stand no longer.
UPDATE feedback.statistic s SET is_current = false
FROM unnest(CAST(:agencies AS text[]), CAST(:services AS text[]), CAST(:channels AS text[]),
            CAST(:periods AS date[]), CAST(:measures AS text[]))
    AS g (agency, service, channel, period, measure)
WHERE s.region = :region AND s.agency = g.agency AND s.service = g.service
  AND s.channel = g.channel AND s.period = g.period AND s.measure = g.measure AND s.is_current
"""

STORE_FIGURES = """
-- New figures and corrections, each with its revision.
INSERT INTO feedback.statistic
    (region, agency, service, channel, period, measure, revision, value, reason, is_current,
     reported_at, reported_by)
SELECT :region, g.agency, g.service, g.channel, g.period, g.measure, g.revision, g.value,
       g.reason, true, :now, :reported_by
FROM unnest(CAST(:agencies AS text[]), CAST(:services AS text[]), CAST(:channels AS text[]),
            CAST(:periods AS date[]), CAST(:measures AS text[]), CAST(:revisions AS int[]),
            CAST(:figures AS bigint[]), CAST(:reasons AS text[]))
    AS g (agency, service, channel, period, measure, revision, value, reason)
"""

REVISIONS = """
-- Figures of a month with all their revisions.
SELECT agency, service, channel, to_char(period, 'YYYY-MM') AS period, measure, value, revision,
       is_current, reason, reported_at
FROM feedback.statistic
WHERE region = :region AND period = :period
  AND (:agency ::text IS NULL OR agency = :agency)
  AND (:service ::text IS NULL OR service = :service)
ORDER BY agency, service, channel, measure, revision
LIMIT 10000
"""


def summary(dimensions: list[str]) -> str:
    """Sums of events and current statistics by these dimensions (names of our own alone)."""
    events = ["to_char(day, 'YYYY-MM') AS month" if d == "month" else d for d in dimensions]
    figures = [
        "to_char(period, 'YYYY-MM') AS month"
        if d == "month"
        else f"'' AS {d}"
        if d in {"link", "source", "district"}
        else d
        for d in dimensions
    ]
    keys = "".join(f", {d}" for d in dimensions)
    return f"""
    -- Events from the daily counts, statistics from the figures that stand.
    SELECT measure, sum(value)::bigint AS value{keys}
    FROM (
        SELECT kind AS measure, events AS value{"".join(f", {e}" for e in events)}
        FROM feedback.daily_usage
        WHERE region = :region AND day BETWEEN :first AND :last
          AND (:agency ::text IS NULL OR agency = :agency)
          AND (:service ::text IS NULL OR service = :service)
        UNION ALL
        SELECT measure, value{"".join(f", {f}" for f in figures)}
        FROM feedback.statistic
        WHERE region = :region AND is_current
          AND period BETWEEN date_trunc('month', CAST(:first AS date))::date AND :last
          AND (:agency ::text IS NULL OR agency = :agency)
          AND (:service ::text IS NULL OR service = :service)
    ) counted
    GROUP BY measure{keys}
    ORDER BY {", ".join([*dimensions, "measure"])}
    LIMIT 10000
    """  # noqa: S608 - the dimensions are words of `schemas.Dimension`


REPORTING = """
-- For each agency the months of a year that it owes and those that it reported. A month is owed
-- when its deadline, the 10th of the next month in Jakarta, is over; a month that was reported
-- before counts as owed too.
WITH owed AS (
    SELECT e.agency, month::date AS month,
           ((month + interval '1 month' + interval '10 days') AT TIME ZONE 'Asia/Jakarta')
               AS deadline
    FROM (SELECT DISTINCT agency FROM feedback.expected_report WHERE region = :region) e,
         generate_series(CAST(:first AS timestamp), CAST(:last AS timestamp), '1 month') AS month
),
first_report AS (
    SELECT agency, period, min(reported_at) AS reported_at
    FROM feedback.statistic
    WHERE region = :region AND period BETWEEN :first AND :last
    GROUP BY agency, period
)
SELECT o.agency,
       count(*) AS expected,
       count(*) FILTER (WHERE r.reported_at < o.deadline) AS on_time,
       count(*) FILTER (WHERE r.reported_at >= o.deadline) AS late
FROM owed o
LEFT JOIN first_report r ON r.agency = o.agency AND r.period = o.month
WHERE o.deadline <= :now OR r.agency IS NOT NULL
GROUP BY o.agency
ORDER BY o.agency
"""
