"""SQL of the catalogue, a statement per question."""

SEARCH = """
-- A page of the services that match the words, best first: an exact common name before all words
-- in its names before all words anywhere before some; then by rank and name. `cursor` is the last
-- service of the previous page.
WITH wanted AS (
    SELECT to_tsquery('indonesian', :any_word) || to_tsquery('simple', :any_word) AS any_word,
           to_tsquery('indonesian', :all_words) || to_tsquery('simple', :all_words) AS all_words,
           to_tsquery('indonesian', :all_in_names) || to_tsquery('simple', :all_in_names)
               AS all_in_names
),
hit AS (
    SELECT s.slug, s.agency, s.version, s.modified_at, s.content,
           (CASE WHEN :name = ANY (s.names) THEN 20 ELSE 0 END
            + CASE WHEN s.search @@ w.all_words THEN 10 ELSE 0 END
            + CASE WHEN s.search @@ w.all_in_names THEN 5 ELSE 0 END
            + ts_rank(s.search, w.any_word, 1))::float8 AS rank
    FROM catalog.service s, wanted w
    WHERE s.region = :region
      AND s.search @@ w.any_word
      AND (:agency ::text IS NULL OR s.agency = :agency)
      AND (:life_event ::text IS NULL OR :life_event = ANY (s.life_events))
      AND (:channel ::text IS NULL OR :channel = ANY (s.channels))
      AND (:modified_after ::timestamptz IS NULL OR s.modified_at > :modified_after)
)
SELECT h.slug, h.version, h.modified_at, h.content, a.content AS agency
FROM hit h JOIN catalog.agency a ON a.region = :region AND a.slug = h.agency
WHERE :cursor ::text IS NULL
   OR (-h.rank, h.slug) > (SELECT -c.rank, c.slug FROM hit c WHERE c.slug = :cursor)
ORDER BY h.rank DESC, h.slug
LIMIT :limit
"""

PAGE = """
-- A page of all services by slug, as JSON: its items, its last slug, and whether more follow.
-- $1 region, $2 agency, $3 life event, $4 channel, $5 modified after, $6 cursor, $7 how many.
WITH found AS (
    SELECT s.slug, s.list_item_json, s.agency, row_number() OVER (ORDER BY s.slug) AS place
    FROM catalog.service s
    WHERE s.region = $1
      AND ($2::text IS NULL OR s.agency = $2)
      AND ($3::text IS NULL OR $3 = ANY (s.life_events))
      AND ($4::text IS NULL OR $4 = ANY (s.channels))
      AND ($5::timestamptz IS NULL OR s.modified_at > $5)
      AND ($6::text IS NULL OR s.slug > $6)
    ORDER BY s.slug
    LIMIT $7::int + 1
)
SELECT coalesce(string_agg(f.list_item_json[1] || '{"slug":' || (a.content -> 'slug')::text
                           || ',"name":' || (a.content -> 'name')::text
                           || ',"short_name":' || (a.content -> 'short_name')::text || '}'
                           || f.list_item_json[2],
                           ',' ORDER BY f.place) FILTER (WHERE f.place <= $7), '') AS items,
       max(f.slug) FILTER (WHERE f.place = $7) AS last,
       count(*) > $7 AS is_more
FROM found f JOIN catalog.agency a ON a.region = $1 AND a.slug = f.agency
"""

INDEX = """
-- Indexes a service by its names (A), its summary (B), its context (C) and its standard (D).
-- Common names and English texts are indexed unstemmed too.
UPDATE catalog.service s SET names = n.names, search = n.search
FROM (
    SELECT CAST(:names AS text[]) AS names,
           setweight(to_tsvector('indonesian', :called), 'A')
           || setweight(to_tsvector('simple', :called_plainly), 'A')
           || setweight(to_tsvector('indonesian', :summary), 'B')
           || setweight(to_tsvector('indonesian', :around), 'C')
           || setweight(to_tsvector('simple', :in_english), 'C')
           || setweight(to_tsvector('indonesian', :standard), 'D') AS search
) n
WHERE s.region = :region AND s.slug = :slug
  AND (s.names, s.search) IS DISTINCT FROM (n.names, n.search)
"""

DETAIL = """
-- One service with its agency, its life events and the sources that it cites.
SELECT s.slug, s.version, s.modified_at, s.content, a.content AS agency,
       (SELECT coalesce(jsonb_agg(e.content ORDER BY e.position), '[]')
        FROM catalog.life_event e
        WHERE e.region = s.region AND e.slug = ANY (s.life_events)) AS life_events,
       (SELECT coalesce(jsonb_agg(x.content ORDER BY x.id), '[]')
        FROM catalog.source x
        WHERE x.region = s.region AND x.id IN (
            SELECT jsonb_array_elements_text(s.content -> 'sources')
            UNION
            SELECT jsonb_array_elements_text(part.value -> 'sources')
            FROM jsonb_each(s.content -> 'components') part)) AS sources
FROM catalog.service s
JOIN catalog.agency a ON a.region = s.region AND a.slug = s.agency
WHERE s.region = :region AND s.slug = :slug
"""

VERSIONS = """
-- The versions of a service, the newest first.
SELECT v.number, v.recorded_at, v.recorded_by, v.content IS NULL AS withdrawn
FROM catalog.service_version v
WHERE v.region = :region AND v.slug = :slug
ORDER BY v.number DESC
"""

VERSION = """
-- One version of a service as it was published.
SELECT v.number, v.recorded_at, v.content
FROM catalog.service_version v
WHERE v.region = :region AND v.slug = :slug AND v.number = :number
"""

AGENCIES = """
-- The agencies by name, each with the number of its services.
SELECT a.content, count(s.slug) AS services
FROM catalog.agency a
LEFT JOIN catalog.service s ON s.region = a.region AND s.agency = a.slug
WHERE a.region = :region AND (:cursor ::text IS NULL OR a.slug > :cursor)
GROUP BY a.region, a.slug
ORDER BY a.slug
LIMIT :limit
"""

LIFE_EVENTS = """
-- The life events in their order, each with the number of its services.
SELECT e.content, count(s.slug) AS services
FROM catalog.life_event e
LEFT JOIN catalog.service s ON s.region = e.region AND e.slug = ANY (s.life_events)
WHERE e.region = :region
GROUP BY e.region, e.slug
ORDER BY e.position
"""

_SUMMARY = """
SELECT s.agency,
       count(*) AS services,
       count(*) FILTER (WHERE s.content ->> 'digital' = 'true') AS digital_services,
       count(*) FILTER (WHERE s.content ->> 'digital' = 'true'
                          AND s.content ->> 'status' = 'active') AS digital_in_operation,
       count(*) FILTER (WHERE own.digital) AS own_digital_services,
       count(*) FILTER (WHERE own.digital
                          AND s.content ->> 'status' = 'active') AS own_digital_in_operation,
       sum((SELECT count(*) FROM jsonb_object_keys(s.content -> 'components'))) AS components
FROM {services} s
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM jsonb_array_elements(s.content -> 'channels') channel
        WHERE channel ->> 'kind' = 'online' AND NOT EXISTS (
            SELECT FROM catalog.link l
            WHERE l.region = s.region AND l.slug = channel ->> 'link' AND l.national)
    ) AS digital
) own
WHERE s.region = :region AND s.content IS NOT NULL
GROUP BY s.agency
ORDER BY s.agency
"""

SUMMARY = f"""
-- Services and published components per agency.
{_SUMMARY.format(services="catalog.service")}
"""

SUMMARY_AS_OF = f"""
-- Services and published components per agency, as published at a moment.
WITH published AS (
    SELECT DISTINCT ON (slug) region, content, content ->> 'agency' AS agency
    FROM catalog.service_version
    WHERE region = :region AND recorded_at <= :as_of
    ORDER BY slug, number DESC
)
{_SUMMARY.format(services="published")}
"""  # noqa: S608 - both parts are constants

FIRST_PUBLICATION = """
-- When the first service was published; null before that.
SELECT min(recorded_at) FROM catalog.service_version WHERE region = :region
"""

EXISTING = {
    "source": """
-- Those of these ids that belong to a source.
SELECT id FROM catalog.source WHERE region = :region AND id = ANY (CAST(:keys AS text[]))
""",
    "life event": """
-- Those of these slugs that belong to a life event.
SELECT slug FROM catalog.life_event WHERE region = :region AND slug = ANY (CAST(:keys AS text[]))
""",
    "link": """
-- Those of these slugs that belong to a link.
SELECT slug FROM catalog.link WHERE region = :region AND slug = ANY (CAST(:keys AS text[]))
""",
}

LOCK_SERVICE = """
-- Locks a service until the transaction ends.
SELECT slug FROM catalog.service WHERE region = :region AND slug = :slug FOR UPDATE
"""

NEXT_NUMBER = """
-- The number of a service's next version.
SELECT coalesce(max(number), 0) + 1 FROM catalog.service_version
WHERE region = :region AND slug = :slug
"""

REPLACE_LINKS = """
-- Replaces the links by the given ones; `national` are those of national bodies.
WITH given AS (
    SELECT slug, slug = ANY (CAST(:national AS text[])) AS national
    FROM unnest(CAST(:links AS text[])) AS slug
),
gone AS (
    DELETE FROM catalog.link l
    WHERE l.region = :region AND NOT EXISTS (SELECT FROM given g WHERE g.slug = l.slug)
)
INSERT INTO catalog.link (region, slug, national) SELECT :region, slug, national FROM given
ON CONFLICT (region, slug) DO UPDATE SET national = excluded.national
"""

REMOVE_AGENCY = """
-- Deletes an agency, unless it still has a service edited over the API.
DELETE FROM catalog.agency a
WHERE a.region = :region AND a.slug = :slug
  AND NOT EXISTS (SELECT FROM catalog.service s WHERE s.region = a.region AND s.agency = a.slug)
"""
