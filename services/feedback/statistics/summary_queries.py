"""SQL of the usage summary: sums of events and of current statistics.

The functions compose statements from names of dimensions, which must be `schemas.Dimension` values
and never user input.
"""

EVENT_ONLY_DIMENSIONS = frozenset({"link", "source", "district"})
"""Dimensions that statistics do not have."""


HOURLY_DIMENSIONS = frozenset({"day", "hour"})
"""Dimensions that need the hourly counts, and that monthly statistics do not have."""

LOCAL_HOUR = "hour AT TIME ZONE :zone"
HOURLY_EXPRESSIONS = {
    "month": f"to_char({LOCAL_HOUR}, 'YYYY-MM')",
    "day": f"({LOCAL_HOUR})::date",
    "hour": f"""to_char({LOCAL_HOUR}, 'YYYY-MM-DD"T"HH24:00:00') || CAST(:utc_offset AS text)""",
}


def hourly_summary(dimensions: list[str]) -> str:
    """Return SQL for sums of events by day or hour and further dimensions."""
    columns = "".join(f", {HOURLY_EXPRESSIONS.get(name, name)} AS {name}" for name in dimensions)
    positions = ", ".join(str(position) for position in range(3, 3 + len(dimensions)))
    return f"""
    -- Events from the hourly counts, by local hours and days.
    SELECT kind AS measure, sum(events)::bigint AS value{columns}
    FROM feedback.hourly_usage c
    JOIN feedback.event_dimensions d ON d.region = :region AND d.id = c.dimensions
    WHERE c.region = :region AND hour >= :begin AND hour < :until
      AND (:agency ::text IS NULL OR agency = :agency)
      AND (:service ::text IS NULL OR service = :service)
    GROUP BY 1, {positions}
    """  # noqa: S608 - dimensions are `schemas.Dimension` values


def _columns(dimensions: list[str]) -> str:
    return "".join(
        ", to_char(month, 'YYYY-MM') AS month" if d == "month" else f", {d}" for d in dimensions
    )


def summary(dimensions: list[str]) -> str:
    """Return SQL for sums of events and of current statistics by these dimensions."""
    month_of_hour = f"date_trunc('month', {LOCAL_HOUR})::date"
    statistic_columns = [
        "period AS month" if d == "month" else f"'' AS {d}" if d in EVENT_ONLY_DIMENSIONS else d
        for d in dimensions
    ]
    keys = "".join(f", {d}" for d in dimensions)
    columns = _columns(dimensions)
    return f"""
    -- Events from the counts, statistics from the current figures. Whole months of the span come
    -- from the monthly counts, the days at its edges from the hourly ones.
    WITH counts AS (
        SELECT dimensions, month, events
        FROM feedback.monthly_usage
        WHERE region = :region AND month >= :months_from AND month < :months_until
        UNION ALL
        SELECT dimensions, {month_of_hour} AS month, events
        FROM feedback.hourly_usage
        WHERE region = :region AND hour >= :begin AND hour < :head_until
        UNION ALL
        SELECT dimensions, {month_of_hour} AS month, events
        FROM feedback.hourly_usage
        WHERE region = :region AND hour >= :tail_from AND hour < :until
    )
    SELECT measure, sum(value)::bigint AS value{columns}
    FROM (
        SELECT d.kind AS measure, c.events AS value{keys}
        FROM counts c
        JOIN feedback.event_dimensions d ON d.region = :region AND d.id = c.dimensions
        WHERE (:agency ::text IS NULL OR agency = :agency)
          AND (:service ::text IS NULL OR service = :service)
        UNION ALL
        SELECT measure, value{"".join(f", {column}" for column in statistic_columns)}
        FROM feedback.statistic
        WHERE region = :region AND is_current
          AND period BETWEEN date_trunc('month', CAST(:first AS date))::date AND :last
          AND (:agency ::text IS NULL OR agency = :agency)
          AND (:service ::text IS NULL OR service = :service)
    ) counted
    GROUP BY measure{keys}
    """  # noqa: S608 - dimensions are `schemas.Dimension` values


DISTRICT_COMPATIBLE = ("month", "agency", "service", "district")
"""Dimensions that may be combined with the district."""


def district_summary(dimensions: list[str]) -> str:
    """Return SQL for the same by district, with district counts in multiples of five.

    Per month, agency, service, kind and district, the count is rounded down to a multiple of five;
    the remainder counts where the district is null. So any sum, difference or repetition of
    requests yields multiples of five for a district, and no single person can be identified.
    """
    keys = "".join(f", {d}" for d in dimensions)
    columns = _columns(dimensions)
    return f"""
    -- Events of whole months by district, in multiples of five; statistics, without district.
    WITH groups AS (
        SELECT kind, month, agency, service, district, sum(events) AS events
        FROM feedback.monthly_usage c
        JOIN feedback.event_dimensions d ON d.region = :region AND d.id = c.dimensions
        WHERE c.region = :region AND month >= :months_from AND month < :months_until
          AND (:agency ::text IS NULL OR agency = :agency)
          AND (:service ::text IS NULL OR service = :service)
        GROUP BY kind, month, agency, service, district
    ),
    counted AS (
        SELECT kind AS measure, month, agency, service, district, events - events % 5 AS value
        FROM groups WHERE district <> '' AND events >= 5
        UNION ALL
        SELECT kind, month, agency, service, '',
               CASE district WHEN '' THEN events ELSE events % 5 END
        FROM groups WHERE district = '' OR events % 5 > 0
        UNION ALL
        SELECT measure, period, agency, service, '', value
        FROM feedback.statistic
        WHERE region = :region AND is_current
          AND period >= :months_from AND period < :months_until
          AND (:agency ::text IS NULL OR agency = :agency)
          AND (:service ::text IS NULL OR service = :service)
    )
    SELECT measure, sum(value)::bigint AS value{columns}
    FROM counted
    GROUP BY measure{keys}
    """  # noqa: S608 - dimensions are `schemas.Dimension` values


RETRACTED = """
-- What retractions in force struck out of a span, newest first, with the sums over all of them.
SELECT r.id, r.reason, r.retracted_at, e.events, s.statistics,
       sum(e.events) OVER ()::bigint AS all_events,
       sum(s.statistics) OVER ()::bigint AS all_statistics
FROM feedback.retraction r
CROSS JOIN LATERAL (
    SELECT coalesce(sum(u.events), 0)::bigint AS events
    FROM feedback.retracted_usage u
    JOIN feedback.event_dimensions d ON d.region = :region AND d.id = u.dimensions
    WHERE u.region = :region AND u.retraction = r.id AND u.hour >= :begin AND u.hour < :until
      AND (:agency ::text IS NULL OR d.agency = :agency)
      AND (:service ::text IS NULL OR d.service = :service)
) e
CROSS JOIN LATERAL (
    SELECT count(*) AS statistics
    FROM feedback.statistic f
    WHERE f.region = :region AND f.retraction = r.id AND CAST(:with_statistics AS boolean)
      AND f.period BETWEEN date_trunc('month', CAST(:first AS date))::date AND :last
      AND (:agency ::text IS NULL OR f.agency = :agency)
      AND (:service ::text IS NULL OR f.service = :service)
) s
WHERE r.region = :region AND r.reversed_at IS NULL AND (e.events > 0 OR s.statistics > 0)
ORDER BY r.id DESC
LIMIT :limit
"""
