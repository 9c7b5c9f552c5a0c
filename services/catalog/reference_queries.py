"""SQL of what services refer to: places, document types, sources, agencies, life events."""

PLACES = """
-- A page of the places by slug, each with the number of its services.
SELECT p.slug, p.content,
       (SELECT count(*) FROM catalog.service s
        WHERE s.region = p.region AND p.slug = ANY (s.places)) AS services
FROM catalog.place p
WHERE p.region = :region
  AND (CAST(:agency AS text) IS NULL OR p.content ->> 'agency' = :agency)
  AND (CAST(:district AS text) IS NULL OR p.content ->> 'district' = :district)
  AND (CAST(:service AS text) IS NULL OR EXISTS (
        SELECT FROM catalog.service s
        WHERE s.region = p.region AND s.slug = :service AND p.slug = ANY (s.places)))
  AND (CAST(:among AS text[]) IS NULL OR p.slug = ANY (CAST(:among AS text[])))
  AND (CAST(:cursor AS text) IS NULL OR p.slug > :cursor)
ORDER BY p.slug
LIMIT :limit
"""

OPENING_HOURS = """
-- The hours of every place that has any.
SELECT slug, content FROM catalog.place
WHERE region = :region AND (content -> 'hours' <> '[]' OR content -> 'exceptions' <> '[]')
"""

PLACES_WANTED = """
-- The place with a slug, the places in a district; null: any.
SELECT slug, content FROM catalog.place
WHERE region = :region
  AND (CAST(:place AS text) IS NULL OR slug = :place)
  AND (CAST(:district AS text) IS NULL OR content ->> 'district' = :district)
"""

PLACE_DETAIL = """
-- The agency of a place, the sources that it cites, and the services given there.
SELECT a.content AS agency,
       (SELECT coalesce(jsonb_agg(x.content ORDER BY x.id), '[]')
        FROM catalog.source x
        WHERE x.region = p.region AND x.id IN (
            SELECT cited #>> '{}' FROM jsonb_path_query(p.content, '$.**.sources[*]') cited
        )) AS sources,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'slug', s.slug, 'name', s.content -> 'name', 'name_en', s.content -> 'name_en',
                   'agency', sa.content -> 'short_name') ORDER BY s.slug), '[]')
        FROM catalog.service s
        JOIN catalog.agency sa ON sa.region = s.region AND sa.slug = s.agency
        WHERE s.region = p.region AND p.slug = ANY (s.places)) AS services
FROM catalog.place p
JOIN catalog.agency a ON a.region = p.region AND a.slug = p.content ->> 'agency'
WHERE p.region = :region AND p.slug = :slug
"""

DOCUMENT_TYPES = """
-- A page of the document types by slug.
SELECT d.slug, d.content FROM catalog.document_type d
WHERE d.region = :region AND (CAST(:cursor AS text) IS NULL OR d.slug > :cursor)
ORDER BY d.slug
LIMIT :limit
"""

DOCUMENT_TYPE_DETAIL = """
-- The sources of a document type, the services that require it, and the one that issues it.
SELECT (SELECT coalesce(jsonb_agg(x.content ORDER BY x.id), '[]')
        FROM catalog.source x
        WHERE x.region = d.region AND x.id IN (
            SELECT jsonb_array_elements_text(d.content -> 'sources'))) AS sources,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'slug', s.slug, 'name', s.content -> 'name', 'name_en', s.content -> 'name_en',
                   'agency', a.content -> 'short_name') ORDER BY s.slug), '[]')
        FROM catalog.service s
        JOIN catalog.agency a ON a.region = s.region AND a.slug = s.agency
        WHERE s.region = d.region AND d.slug IN (
            SELECT required #>> '{}'
            FROM jsonb_path_query(s.content, '$.**.requirements[*].document') required
        )) AS required_by,
       (SELECT jsonb_build_object(
                   'slug', s.slug, 'name', s.content -> 'name', 'name_en', s.content -> 'name_en',
                   'agency', a.content -> 'short_name')
        FROM catalog.service s
        JOIN catalog.agency a ON a.region = s.region AND a.slug = s.agency
        WHERE s.region = d.region AND s.slug = d.content ->> 'issued_by_service') AS issued_by
FROM catalog.document_type d
WHERE d.region = :region AND d.slug = :slug
"""

SOURCES = """
-- A page of the sources by id.
SELECT id, content FROM catalog.source
WHERE region = :region AND (CAST(:cursor AS text) IS NULL OR id > :cursor)
ORDER BY id
LIMIT :limit
"""

SERVICES_AT_PLACE = """
-- Services given at a place.
SELECT slug FROM catalog.service WHERE region = :region AND :key = ANY (places) ORDER BY slug
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

AGENCY_DETAIL = """
-- The sources of an agency, and its services.
SELECT (SELECT coalesce(jsonb_agg(x.content ORDER BY x.id), '[]')
        FROM catalog.source x
        WHERE x.region = a.region AND x.id IN (
            SELECT jsonb_array_elements_text(a.content -> 'sources'))) AS sources,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'slug', s.slug, 'name', s.content -> 'name', 'name_en', s.content -> 'name_en',
                   'agency', a.content -> 'short_name') ORDER BY s.slug), '[]')
        FROM catalog.service s
        WHERE s.region = a.region AND s.agency = a.slug) AS services
FROM catalog.agency a
WHERE a.region = :region AND a.slug = :slug
"""

LIFE_EVENT_SERVICES = """
-- The services for a life event, with their cases.
SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'slug', s.slug, 'name', s.content -> 'name', 'name_en', s.content -> 'name_en',
                   'agency', a.content -> 'short_name',
                   'cases', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                        'slug', c.content -> 'slug', 'name', c.content -> 'name',
                                        'name_en', c.content -> 'name_en') ORDER BY c.place), '[]')
                             FROM jsonb_array_elements(s.content -> 'cases')
                                  WITH ORDINALITY AS c (content, place))) ORDER BY s.slug), '[]')
FROM catalog.service s
JOIN catalog.agency a ON a.region = s.region AND a.slug = s.agency
WHERE s.region = :region AND :slug = ANY (s.life_events)
"""

ORDER_LIFE_EVENTS = """
-- Gives the life events of a pack its order.
UPDATE catalog.life_event e SET position = given.place
FROM unnest(CAST(:slugs AS text[])) WITH ORDINALITY AS given (slug, place)
WHERE e.region = :region AND e.slug = given.slug AND e.position <> given.place
"""

SERVICES_FOR_LIFE_EVENT = """
-- Services for a life event.
SELECT slug FROM catalog.service WHERE region = :region AND :key = ANY (life_events) ORDER BY slug
"""

NAMING_DOCUMENT_TYPE = """
-- Services that require or issue a document type.
SELECT slug FROM catalog.service
WHERE region = :region AND jsonb_path_exists(
    content, '$.**.document ? (@ == $key)', jsonb_build_object('key', CAST(:key AS text)))
ORDER BY slug
"""

NAMING_AGENCY = """
-- Services that an agency gives or has checked, places that it runs, and whether it leads.
SELECT slug FROM catalog.service
WHERE region = :region AND (agency = :key OR jsonb_path_exists(
    content, '$.**.checked_by ? (@ == $key)', jsonb_build_object('key', CAST(:key AS text))))
UNION
SELECT slug FROM catalog.place WHERE region = :region AND content ->> 'agency' = :key
UNION
SELECT 'pack.yaml (lead_agency)' FROM catalog.regency
WHERE region = :region AND content ->> 'lead_agency' = :key
ORDER BY slug
"""

CITING_SOURCE = """
-- Records that cite a source.
WITH citing AS (
    SELECT slug AS key, content FROM catalog.service WHERE region = :region
    UNION ALL
    SELECT slug, content FROM catalog.place WHERE region = :region
    UNION ALL
    SELECT slug, content FROM catalog.document_type WHERE region = :region
    UNION ALL
    SELECT slug, content FROM catalog.agency WHERE region = :region
    UNION ALL
    SELECT id, content FROM catalog.source WHERE region = :region
)
SELECT key FROM citing
WHERE jsonb_path_exists(
        content, '$.**.sources[*] ? (@ == $key)', jsonb_build_object('key', CAST(:key AS text)))
   OR jsonb_path_exists(
        content, '$.**.source ? (@ == $key)', jsonb_build_object('key', CAST(:key AS text)))
   OR content -> 'amended_by' ? :key
ORDER BY key
"""

RECORD_VERSIONS = """
-- The versions of a record, the newest first.
SELECT number, recorded_at, recorded_by, content IS NULL AS withdrawn
FROM catalog.record_version
WHERE region = :region AND kind = :kind AND key = :key
ORDER BY number DESC
"""

RECORD_VERSION = """
-- One version of a record as it was published, and the version before it.
SELECT v.number, v.recorded_at, v.recorded_by, v.content,
       before.number IS NOT NULL AS has_before, before.content AS before
FROM catalog.record_version v
LEFT JOIN catalog.record_version before
    ON before.region = v.region AND before.kind = v.kind AND before.key = v.key
   AND before.number = v.number - 1
WHERE v.region = :region AND v.kind = :kind AND v.key = :key AND v.number = :number
"""
