"""SQL of monthly statistics."""

LOCK_AGENCIES = """
-- Serialises writers of an agency's statistics, so that revisions are numbered without gaps.
SELECT pg_advisory_xact_lock(hashtextextended('statistic ' || :region || ' ' || agency, 0))
FROM (SELECT DISTINCT agency FROM unnest(CAST(:agencies AS text[])) AS agency ORDER BY agency) a
"""

UNKNOWN_SERVICES = """
-- Positions of the items whose service does not belong to their agency.
SELECT g.position - 1 AS position
FROM unnest(CAST(:agencies AS text[]), CAST(:services AS text[]))
    WITH ORDINALITY AS g (agency, service, position)
WHERE NOT EXISTS (
    SELECT FROM feedback.reporting_obligation o
    WHERE o.region = :region AND o.agency = g.agency AND o.service = g.service)
ORDER BY 1
"""

CURRENT_FIGURES = """
-- The current figure of each key, if any, and the newest revision, which may be struck out.
SELECT g.position - 1 AS position, max(s.value) FILTER (WHERE s.is_current) AS value,
       max(s.revision) AS revision
FROM unnest(CAST(:agencies AS text[]), CAST(:services AS text[]), CAST(:channels AS text[]),
            CAST(:periods AS date[]), CAST(:measures AS text[]))
    WITH ORDINALITY AS g (agency, service, channel, period, measure, position)
JOIN feedback.statistic s
    ON s.region = :region AND s.agency = g.agency AND s.service = g.service
   AND s.channel = g.channel AND s.period = g.period AND s.measure = g.measure
   AND (s.is_current OR s.retraction IS NOT NULL)
GROUP BY g.position
"""

RETIRE_FIGURES = """
-- Marks figures as superseded by a correction.
UPDATE feedback.statistic s SET is_current = false
FROM unnest(CAST(:agencies AS text[]), CAST(:services AS text[]), CAST(:channels AS text[]),
            CAST(:periods AS date[]), CAST(:measures AS text[]))
    AS g (agency, service, channel, period, measure)
WHERE s.region = :region AND s.agency = g.agency AND s.service = g.service
  AND s.channel = g.channel AND s.period = g.period AND s.measure = g.measure AND s.is_current
"""

STORE_FIGURES = """
-- Stores new figures and corrections, each with its revision.
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
-- Figures of a month with all their revisions but those struck out.
SELECT agency, service, channel, to_char(period, 'YYYY-MM') AS period, measure, value, revision,
       is_current, reason, reported_at
FROM feedback.statistic
WHERE region = :region AND period = :period AND retraction IS NULL
  AND (:agency ::text IS NULL OR agency = :agency)
  AND (:service ::text IS NULL OR service = :service)
"""
