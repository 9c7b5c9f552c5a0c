"""SQL of the catalogue, a statement per question."""

from collections.abc import Mapping
from typing import Literal

Target = Literal["source", "life event", "link", "place", "document type", "service", "agency"]
"""What a record may refer to."""

HITS = """
-- Services that a search found, in the order of the given slugs.
SELECT s.slug, s.version, s.modified_at, s.content, a.content AS agency, false AS withdrawn
FROM unnest(CAST(:slugs AS text[])) WITH ORDINALITY AS hit (slug, place)
JOIN catalog.service s ON s.region = :region AND s.slug = hit.slug
JOIN catalog.agency a ON a.region = s.region AND a.slug = s.agency
ORDER BY hit.place
"""

PAGE = """
-- A page of all services by slug, as JSON: its items, its last slug, and whether more follow.
-- $1 region, $2 agency, $3 life event, $4 channel, $5 cursor, $6 how many, $7 places: only of
-- services that one of them gives.
WITH wanted AS NOT MATERIALIZED (
    SELECT s.slug, s.list_item_json, s.agency
    FROM catalog.service s
    WHERE s.region = $1
      AND ($2::text IS NULL OR s.agency = $2)
      AND ($3::text IS NULL OR $3 = ANY (s.life_events))
      AND ($4::text IS NULL OR $4 = ANY (s.channels))
      AND ($7::text[] IS NULL OR s.places && $7)
),
found AS (
    SELECT w.slug, w.list_item_json, w.agency, row_number() OVER (ORDER BY w.slug) AS place
    FROM wanted w
    WHERE $5::text IS NULL OR w.slug > $5
    ORDER BY w.slug
    LIMIT $6::int + 1
)
SELECT coalesce(string_agg(f.list_item_json[1] || '{"slug":' || (a.content -> 'slug')::text
                           || ',"name":' || (a.content -> 'name')::text
                           || ',"short_name":' || (a.content -> 'short_name')::text || '}'
                           || f.list_item_json[2],
                           ',' ORDER BY f.place) FILTER (WHERE f.place <= $6), '') AS items,
       max(f.slug) FILTER (WHERE f.place = $6) AS last,
       count(*) > $6 AS is_more,
       (SELECT count(*) FROM wanted) AS total
FROM found f JOIN catalog.agency a ON a.region = $1 AND a.slug = f.agency
"""

DETAIL = """
-- One service with its agency, its life events, its places, the sources that it cites anywhere,
-- those that amend them, the document types that it requires or issues, and the services that it
-- or those lead to.
SELECT s.slug, s.version, s.modified_at, s.content, a.content AS agency,
       (SELECT coalesce(jsonb_agg(e.content ORDER BY e.position), '[]')
        FROM catalog.life_event e
        WHERE e.region = s.region AND e.slug = ANY (s.life_events)) AS life_events,
       (SELECT coalesce(jsonb_agg(p.content ORDER BY array_position(s.places, p.slug)), '[]')
        FROM catalog.place p
        WHERE p.region = s.region AND p.slug = ANY (s.places)) AS places,
       coalesce(c.contents, '[]') AS sources,
       (SELECT coalesce(jsonb_agg(x.content ORDER BY x.id), '[]')
        FROM catalog.source x
        WHERE x.region = s.region AND x.id IN (
            SELECT jsonb_path_query(c.contents, '$[*].amended_by[*]') #>> '{}'
        )) AS amendments,
       coalesce(d.contents, '[]') AS document_types,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'slug', o.slug, 'name', o.content -> 'name', 'name_en', o.content -> 'name_en',
                   'agency', oa.content -> 'short_name') ORDER BY o.slug), '[]')
        FROM catalog.service o
        JOIN catalog.agency oa ON oa.region = o.region AND oa.slug = o.agency
        WHERE o.region = s.region AND o.slug IN (
            SELECT other #>> '{}' FROM jsonb_path_query(s.content, '$.requires[*]') other
            UNION
            SELECT other #>> '{}' FROM jsonb_path_query(s.content, '$.followed_by[*]') other
            UNION
            SELECT other #>> '{}' FROM jsonb_path_query(s.content, '$.related[*]') other
            UNION
            SELECT issuing FROM unnest(d.issuing) issuing
        )) AS services
FROM catalog.service s
JOIN catalog.agency a ON a.region = s.region AND a.slug = s.agency
CROSS JOIN LATERAL (
    SELECT jsonb_agg(t.content ORDER BY t.slug) AS contents,
           array_agg(t.content ->> 'issued_by_service') AS issuing
    FROM catalog.document_type t
    WHERE t.region = s.region AND t.slug IN (
        SELECT document #>> '{}' FROM jsonb_path_query(s.content, '$.**.document') document)
) d
CROSS JOIN LATERAL (
    SELECT jsonb_agg(x.content ORDER BY x.id) AS contents
    FROM catalog.source x
    WHERE x.region = s.region AND x.id IN (
        SELECT cited #>> '{}' FROM jsonb_path_query(s.content, '$.**.sources[*]') cited
        UNION
        SELECT cited #>> '{}' FROM jsonb_path_query(s.content, '$.**.legal_basis.source') cited)
) c
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
-- One version of a service as it was published, and the version before it.
SELECT v.number, v.recorded_at, v.recorded_by, v.approved_by, v.content,
       before.number IS NOT NULL AS has_before, before.content AS before
FROM catalog.service_version v
LEFT JOIN catalog.service_version before
    ON before.region = v.region AND before.slug = v.slug AND before.number = v.number - 1
WHERE v.region = :region AND v.slug = :slug AND v.number = :number
"""

WITHDRAW_SERVICE = """
-- Adds the version that withdraws a service.
INSERT INTO catalog.service_version (region, slug, number, recorded_at, recorded_by, content)
SELECT region, slug, max(number) + 1, :now, :by, NULL
FROM catalog.service_version WHERE region = :region AND slug = :slug GROUP BY region, slug
"""

REMOVE_SERVICE = """
-- Deletes a service; its versions remain.
DELETE FROM catalog.service WHERE region = :region AND slug = :slug
"""

LEADING_HERE = """
-- Services and document types that name a service.
SELECT s.slug FROM catalog.service s
WHERE s.region = :region AND s.slug <> :slug
  AND (s.content -> 'requires' ? :slug OR s.content -> 'followed_by' ? :slug
       OR s.content -> 'related' ? :slug)
UNION
SELECT d.slug FROM catalog.document_type d
WHERE d.region = :region AND d.content ->> 'issued_by_service' = :slug
ORDER BY slug
"""

WITHDRAWN_OVER_API = """
-- Services that an agency withdrew over the API.
SELECT slug FROM (
    SELECT DISTINCT ON (slug) slug, content, recorded_by FROM catalog.service_version
    WHERE region = :region ORDER BY slug, number DESC
) newest
WHERE content IS NULL AND recorded_by <> 'pack'
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

EXISTING: Mapping[Target, str] = {
    "source": """
-- Those of these ids that belong to a source.
SELECT id FROM catalog.source WHERE region = :region AND id = ANY (CAST(:keys AS text[]))
""",
    "life event": """
-- Those of these slugs that belong to a life event.
SELECT slug FROM catalog.life_event WHERE region = :region AND slug = ANY (CAST(:keys AS text[]))
""",
    "place": """
-- Those of these slugs that belong to a place.
SELECT slug FROM catalog.place WHERE region = :region AND slug = ANY (CAST(:keys AS text[]))
""",
    "document type": """
-- Those of these slugs that belong to a document type.
SELECT slug FROM catalog.document_type
WHERE region = :region AND slug = ANY (CAST(:keys AS text[]))
""",
    "service": """
-- Those of these slugs that belong to a service.
SELECT slug FROM catalog.service WHERE region = :region AND slug = ANY (CAST(:keys AS text[]))
""",
    "agency": """
-- Those of these slugs that belong to an agency.
SELECT slug FROM catalog.agency WHERE region = :region AND slug = ANY (CAST(:keys AS text[]))
""",
    "link": """
-- Those of these slugs that belong to a link.
SELECT slug FROM catalog.link WHERE region = :region AND slug = ANY (CAST(:keys AS text[]))
""",
}

STORE_SERVICES = """
-- Stores services, given as JSON, as their current state, each with its next version.
WITH given AS MATERIALIZED (
    SELECT each.content, each.content ->> 'slug' AS slug,
           (SELECT coalesce(max(v.number), 0) + 1 FROM catalog.service_version v
            WHERE v.region = :region AND v.slug = each.content ->> 'slug') AS number
    FROM (SELECT CAST(one AS jsonb) AS content FROM unnest(CAST(:contents AS text[])) one) each
),
versions AS (
    INSERT INTO catalog.service_version
        (region, slug, number, recorded_at, recorded_by, approved_by, content)
    SELECT :region, g.slug, g.number, :now, :by, :approved_by, g.content FROM given g
)
INSERT INTO catalog.service
    (region, slug, agency, life_events, channels, places, version, modified_at, content, origin)
SELECT :region, g.slug, g.content ->> 'agency',
       ARRAY(SELECT jsonb_array_elements_text(g.content -> 'life_events')),
       ARRAY(SELECT DISTINCT channel ->> 'kind'
             FROM jsonb_array_elements(g.content -> 'channels') channel ORDER BY 1),
       ARRAY(SELECT jsonb_array_elements_text(g.content -> 'places')),
       g.number, :now, g.content, :origin
FROM given g
ON CONFLICT (region, slug) DO UPDATE SET
    agency = excluded.agency, life_events = excluded.life_events, channels = excluded.channels,
    places = excluded.places, version = excluded.version, modified_at = excluded.modified_at,
    content = excluded.content, origin = excluded.origin
"""

ADD_LINKS = """
-- Adds the links of a pack; `national` are those of national bodies.
INSERT INTO catalog.link (region, slug, national)
SELECT :region, slug, slug = ANY (CAST(:national AS text[]))
FROM unnest(CAST(:links AS text[])) AS slug
ON CONFLICT DO NOTHING
"""

REPLACE_LINKS = """
-- Replaces the links by the given ones, except those to which services lead; `national` are those
-- of national bodies.
WITH given AS (
    SELECT slug, slug = ANY (CAST(:national AS text[])) AS national
    FROM unnest(CAST(:links AS text[])) AS slug
),
gone AS (
    DELETE FROM catalog.link l
    WHERE l.region = :region AND NOT EXISTS (SELECT FROM given g WHERE g.slug = l.slug)
      AND NOT EXISTS (
          SELECT FROM catalog.service s
          WHERE s.region = l.region AND jsonb_path_exists(
              s.content, '$.**.link ? (@ == $slug)', jsonb_build_object('slug', l.slug)))
)
INSERT INTO catalog.link (region, slug, national) SELECT :region, slug, national FROM given
ON CONFLICT (region, slug) DO UPDATE SET national = excluded.national
"""

LINKS_IN_USE = """
-- The links that are not among the given ones and to which services lead.
SELECT l.slug, array_agg(s.slug ORDER BY s.slug) AS services
FROM catalog.link l
JOIN catalog.service s ON s.region = l.region AND jsonb_path_exists(
    s.content, '$.**.link ? (@ == $slug)', jsonb_build_object('slug', l.slug))
WHERE l.region = :region AND l.slug <> ALL (CAST(:links AS text[]))
GROUP BY l.slug ORDER BY l.slug
"""

LOCK_PUBLISHING = """
-- Locks publishing of a region until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('publishing of ' || :region, 0))
"""

LAST_PUBLICATION = """
-- When a service was last changed. A statement of its own: that which waits for the lock sees the
-- rows of the moment at which it began to wait.
SELECT max(recorded_at) FROM catalog.service_version WHERE region = :region
"""

_LAST_CONTENT = """
coalesce(v.content, (
    SELECT p.content FROM catalog.service_version p
    WHERE p.region = v.region AND p.slug = v.slug AND p.content IS NOT NULL
    ORDER BY p.number DESC
    LIMIT 1
))"""

_DESCRIBED = f"""
WITH latest AS (
    SELECT DISTINCT ON (slug) region, slug, number, recorded_at, content
    FROM catalog.service_version
    WHERE region = :region
    ORDER BY slug, number DESC
),
described AS (
    SELECT v.slug, v.number AS version, v.recorded_at AS modified_at,
           v.content IS NULL AS withdrawn, {_LAST_CONTENT} AS content,
           first.recorded_at AS first_published_at
    FROM latest v
    JOIN catalog.service_version first
      ON first.region = v.region AND first.slug = v.slug AND first.number = 1
)
SELECT d.*, a.content AS agency
FROM described d
LEFT JOIN catalog.agency a ON a.region = :region AND a.slug = d.content ->> 'agency'
"""  # noqa: S608 - the part is a constant

_WANTED = f"""{_DESCRIBED}
WHERE (:modified_after ::timestamptz IS NULL OR d.modified_at >= :modified_after)
  AND (:agency ::text IS NULL OR d.content ->> 'agency' = :agency)
  AND (CAST(:slugs AS text[]) IS NULL OR d.slug = ANY (CAST(:slugs AS text[])))
"""

PUBLISHED = f"""
-- The services that were ever published, in the order of their first publication: those that come
-- later come last, and a service that is withdrawn stays in its place.
{_WANTED}
ORDER BY d.first_published_at, d.slug
"""

PUBLISHED_PAGE = f"""{PUBLISHED} LIMIT :limit OFFSET :offset"""

COUNT_PUBLISHED = f"""
-- How many they are.
SELECT count(*) FROM ({_WANTED}) found
"""  # noqa: S608 - the part is a constant

PUBLISHED_SERVICE = f"""
-- The one of them with this identifier.
{_DESCRIBED}
WHERE d.slug = (
    SELECT slug FROM catalog.service_version
    WHERE region = :region AND number = 1 AND catalog.service_id(region, slug) = :id
)
"""  # noqa: S608 - the part is a constant

LATEST_CHANGES = f"""
-- The services that were changed last, the newest change first.
{_DESCRIBED}
ORDER BY d.modified_at DESC, d.slug
LIMIT :limit
"""

CHANGES = f"""
-- The services by the moment of their last change after a moment, withdrawn ones too; after a
-- service of the previous page, if there is one.
WITH latest AS (
    SELECT DISTINCT ON (slug) region, slug, number, recorded_at, content
    FROM catalog.service_version
    WHERE region = :region AND recorded_at > :modified_after
    ORDER BY slug, number DESC
),
changed AS (
    SELECT v.slug, v.number AS version, v.recorded_at AS modified_at,
           v.content IS NULL AS withdrawn, {_LAST_CONTENT} AS content
    FROM latest v
),
wanted AS (
    SELECT c.*, count(*) OVER () AS total
    FROM changed c
    WHERE (:agency ::text IS NULL OR c.content ->> 'agency' = :agency)
      AND (:life_event ::text IS NULL OR c.content -> 'life_events' ? :life_event)
      AND (:channel ::text IS NULL OR c.content -> 'channels'
               @> jsonb_build_array(jsonb_build_object('kind', :channel ::text)))
      AND (CAST(:places AS text[]) IS NULL OR c.content -> 'places' ?| CAST(:places AS text[]))
)
SELECT w.*, a.content AS agency
FROM wanted w
LEFT JOIN catalog.agency a ON a.region = :region AND a.slug = w.content ->> 'agency'
WHERE :after_at ::timestamptz IS NULL OR (w.modified_at, w.slug) > (:after_at, :after_slug)
ORDER BY w.modified_at, w.slug
LIMIT :limit
"""  # noqa: S608 - the part is a constant

ALL_AGENCIES = """
-- The agencies by slug.
SELECT content FROM catalog.agency WHERE region = :region ORDER BY slug
"""

SOURCES = """
-- The sources by id.
SELECT content FROM catalog.source WHERE region = :region ORDER BY id
"""

LAST_PUBLISHED = """
-- The last version of a service that did not withdraw it.
SELECT number, content ->> 'agency' AS agency FROM catalog.service_version
WHERE region = :region AND slug = :slug AND content IS NOT NULL
ORDER BY number DESC
LIMIT 1
"""

NAMES = """
-- The names of services, in the order of the given slugs.
SELECT s.slug, s.content ->> 'name' AS name, s.content ->> 'name_en' AS name_en,
       ARRAY(SELECT jsonb_array_elements_text(s.content -> 'common_names')) AS common_names
FROM unnest(CAST(:slugs AS text[])) WITH ORDINALITY AS given (slug, place)
JOIN catalog.service s ON s.region = :region AND s.slug = given.slug
ORDER BY given.place
"""

FRESHNESS = """
-- The services by the end of their assurance, those without one first: who keeps each, and how many
-- of its published components nobody has checked.
WITH kept AS (
    SELECT s.slug, s.agency, s.content ->> 'name' AS name, s.content ->> 'name_en' AS name_en,
           s.content ->> 'owner' AS owner, s.modified_at,
           CAST(s.content ->> 'assured_until' AS date) AS assured_until,
           parts.components, parts.unchecked, parts.oldest_check
    FROM catalog.service s
    CROSS JOIN LATERAL (
        SELECT count(*) AS components,
               count(*) FILTER (WHERE part.value ->> 'checked_on' IS NULL) AS unchecked,
               min(CAST(part.value ->> 'checked_on' AS date)) AS oldest_check
        FROM jsonb_each(s.content -> 'components') part
    ) parts
    WHERE s.region = :region AND (CAST(:agency AS text) IS NULL OR s.agency = :agency)
),
due AS (
    SELECT k.*, coalesce(k.assured_until, '-infinity') AS due_on,
           (k.assured_until IS NULL OR k.assured_until < :today) AS is_due
    FROM kept k
)
SELECT d.* FROM due d
WHERE (CAST(:is_due AS boolean) IS NULL OR d.is_due = :is_due)
  AND (CAST(:cursor AS text) IS NULL
       OR (d.due_on, d.slug) > (SELECT c.due_on, c.slug FROM due c WHERE c.slug = :cursor))
ORDER BY d.due_on, d.slug
LIMIT :limit
"""
