"""Usage in SQL: what is stored, and the sums that are asked for."""

MOST_ROWS = 10_000
"""Of an answer; what has more is refused, for nobody sees of a sum that others are missing."""


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
LIMIT :most
"""


EVENTS_ALONE = frozenset({"link", "source", "district"})
"""Dimensions that statistics do not have."""


FINE = frozenset({"day", "hour"})
"""Dimensions for which single hours are read, and which monthly statistics do not have."""

LOCAL_HOUR = "hour AT TIME ZONE 'Asia/Jakarta'"
FINE_SHOWN = {
    "month": f"to_char({LOCAL_HOUR}, 'YYYY-MM')",
    "day": f"({LOCAL_HOUR})::date",
    "hour": f"""to_char({LOCAL_HOUR}, 'YYYY-MM-DD"T"HH24:00:00+07:00')""",
}


def fine_summary(dimensions: list[str]) -> str:
    """Sums of events by day or hour and these dimensions (names of our own alone)."""
    shown = "".join(f", {FINE_SHOWN.get(name, name)} AS {name}" for name in dimensions)
    places = ", ".join(str(place) for place in range(3, 3 + len(dimensions)))
    return f"""
    -- Events from the counts per hour, in the hours and days of Jakarta.
    SELECT kind AS measure, sum(events)::bigint AS value{shown}
    FROM feedback.hourly_usage c JOIN feedback.facet f ON f.region = :region AND f.id = c.facet
    WHERE c.region = :region AND hour >= :begin AND hour < :until
      AND (:agency ::text IS NULL OR agency = :agency)
      AND (:service ::text IS NULL OR service = :service)
    GROUP BY 1, {places}
    ORDER BY {places}, 1
    LIMIT :most
    """  # noqa: S608 - the dimensions are words of `schemas.Dimension`


def _months_shown(dimensions: list[str]) -> str:
    return "".join(
        ", to_char(month, 'YYYY-MM') AS month" if d == "month" else f", {d}" for d in dimensions
    )


def summary(dimensions: list[str]) -> str:
    """Sums of events and current statistics by these dimensions (names of our own alone)."""
    month_of_hour = "date_trunc('month', hour AT TIME ZONE 'Asia/Jakarta')::date"
    figures = [
        "period AS month" if d == "month" else f"'' AS {d}" if d in EVENTS_ALONE else d
        for d in dimensions
    ]
    keys = "".join(f", {d}" for d in dimensions)
    shown = _months_shown(dimensions)
    return f"""
    -- Events from the counts, statistics from the figures that stand. Whole months of the span
    -- come from the counts per month, the days at its edges from those per hour.
    WITH counts AS (
        SELECT facet, month, events
        FROM feedback.monthly_usage
        WHERE region = :region AND month >= :months_from AND month < :months_until
        UNION ALL
        SELECT facet, {month_of_hour} AS month, events
        FROM feedback.hourly_usage
        WHERE region = :region AND hour >= :begin AND hour < :head_until
        UNION ALL
        SELECT facet, {month_of_hour} AS month, events
        FROM feedback.hourly_usage
        WHERE region = :region AND hour >= :tail_from AND hour < :until
    )
    SELECT measure, sum(value)::bigint AS value{shown}
    FROM (
        SELECT f.kind AS measure, c.events AS value{keys}
        FROM counts c JOIN feedback.facet f ON f.region = :region AND f.id = c.facet
        WHERE (:agency ::text IS NULL OR agency = :agency)
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
    LIMIT :most
    """  # noqa: S608 - the dimensions are words of `schemas.Dimension`


BESIDE_DISTRICT = ("month", "agency", "service", "district")
"""Dimensions by which districts may be told apart."""


def district_summary(dimensions: list[str]) -> str:
    """The same by district, in steps of five (names of our own alone).

    Of each month, agency, service, kind and district, whole fives are told of the district, and
    the rest where no district is. Whatever is added or subtracted, and however often it is asked,
    what is told of a district is a multiple of five, so that nobody can be found in it.
    """
    keys = "".join(f", {d}" for d in dimensions)
    shown = _months_shown(dimensions)
    return f"""
    -- Events of whole months by district, in fives; statistics, which know no district.
    WITH cells AS (
        SELECT kind, month, agency, service, district, sum(events) AS events
        FROM feedback.monthly_usage c JOIN feedback.facet f ON f.region = :region AND f.id = c.facet
        WHERE c.region = :region AND month >= :months_from AND month < :months_until
          AND (:agency ::text IS NULL OR agency = :agency)
          AND (:service ::text IS NULL OR service = :service)
        GROUP BY kind, month, agency, service, district
    ),
    counted AS (
        SELECT kind AS measure, month, agency, service, district, events - events % 5 AS value
        FROM cells WHERE district <> '' AND events >= 5
        UNION ALL
        SELECT kind, month, agency, service, '',
               CASE district WHEN '' THEN events ELSE events % 5 END
        FROM cells WHERE district = '' OR events % 5 > 0
        UNION ALL
        SELECT measure, period, agency, service, '', value
        FROM feedback.statistic
        WHERE region = :region AND is_current
          AND period >= :months_from AND period < :months_until
          AND (:agency ::text IS NULL OR agency = :agency)
          AND (:service ::text IS NULL OR service = :service)
    )
    SELECT measure, sum(value)::bigint AS value{shown}
    FROM counted
    GROUP BY measure{keys}
    ORDER BY {", ".join([*dimensions, "measure"])}
    LIMIT :most
    """  # noqa: S608 - the dimensions are words of `schemas.Dimension`
