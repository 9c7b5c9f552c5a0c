"""What the collector stores of hubs: named SQL, and the functions that write it."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.collector.checking import CheckedBundle
from services.collector.findings import Finding, KnownBundle, ReceivedBundle
from services.collector.hub_client import EntityTags, HubLink, HubReporting, HubService
from services.collector.hub_list import HubList, ListedHub
from services.platform.database import ReadSession, WriteSession

LIST_HUB = """
-- A hub as the list names it. One whose address changed is read anew.
INSERT INTO collector.hub (region, name, address, fingerprints, is_listed)
VALUES (:region, :name, :address, CAST(:fingerprints AS text[]), true)
ON CONFLICT (region) DO UPDATE SET name = excluded.name, address = excluded.address,
    fingerprints = excluded.fingerprints, is_listed = true,
    entity_tags = CASE WHEN hub.address IS DISTINCT FROM excluded.address
        THEN '{}' ELSE hub.entity_tags END,
    catalog_cursor = CASE WHEN hub.address IS DISTINCT FROM excluded.address
        THEN NULL ELSE hub.catalog_cursor END
"""

UNLIST = """
-- Hubs that the list no longer names are kept, and shown nowhere.
UPDATE collector.hub SET is_listed = false WHERE NOT region = ANY (:regions) AND is_listed
"""

KNOWN_HUBS = """
-- What is known of each hub, to ask for what is new.
SELECT region, entity_tags, catalog_cursor FROM collector.hub WHERE is_listed
"""

KNOWN_BUNDLES = """
-- The accepted bundles of a method, without their archives.
SELECT region, id, period, recorded_at, source, sha256 FROM collector.bundle WHERE method = :method
"""

STORE_BUNDLE = """
-- A verified bundle; an assessment never changes.
INSERT INTO collector.bundle
    (region, id, period, method, method_hash, fingerprint, source, sha256, recorded_at,
     received_at, archive, nodes, proven, possible, value, low, high, coverage, draws)
VALUES
    (:region, :id, :period, :method, :method_hash, :fingerprint, :source, :sha256, :recorded_at,
     :now, :archive, CAST(:nodes AS jsonb), :proven, :possible, :value, :low, :high, :coverage,
     :draws)
ON CONFLICT (region, id) DO NOTHING
"""

ANSWERED = """
-- A hub that answered; what it did not say again is kept.
UPDATE collector.hub SET attempted_at = :now, answered_at = :now, silent_since = NULL,
    failure = :failure, version = :version,
    reporting = coalesce(CAST(:reporting AS jsonb), reporting),
    catalog_cursor = coalesce(CAST(:catalog_cursor AS timestamptz), catalog_cursor),
    entity_tags = CAST(:entity_tags AS jsonb)
WHERE region = :region
"""

SILENT = """
-- A hub that does not answer keeps what it said last.
UPDATE collector.hub SET attempted_at = :now, silent_since = coalesce(silent_since, :now),
    failure = :failure
WHERE region = :region
"""

FOLDER_READ = """
-- A hub that only its folder speaks for.
UPDATE collector.hub SET attempted_at = :now, silent_since = NULL, failure = :failure
WHERE region = :region
"""

SEE_FINDING = """
-- A finding that is open already.
UPDATE collector.finding SET seen_at = :now, expected = :expected, received = :received
WHERE region = :region AND kind = :kind AND subject = :subject AND closed_at IS NULL
RETURNING 1
"""

OPEN_FINDING = """
-- A new finding.
INSERT INTO collector.finding
    (region, kind, subject, opened_at, seen_at, expected, received)
VALUES (:region, :kind, :subject, :now, :now, :expected, :received)
"""

CLOSE_FINDINGS = """
-- Findings that a complete reading no longer has.
UPDATE collector.finding SET closed_at = :now
WHERE region = :region AND closed_at IS NULL AND seen_at < :now
"""

DELETE_LINKS = """
-- The links of a hub, before they are stored again.
DELETE FROM collector.link WHERE region = :region
"""

STORE_LINKS = """
-- The links of a hub with their health.
INSERT INTO collector.link
    (region, slug, title, title_en, url, national, state, since, incident_since, checked_at)
SELECT DISTINCT ON (slug) :region, slug, title, title_en, url, national, state, since,
       incident_since, checked_at
FROM jsonb_to_recordset(CAST(:links AS jsonb)) AS link(
    slug text, title text, title_en text, url text, national boolean, state text,
    since timestamptz, incident_since timestamptz, checked_at timestamptz)
ORDER BY slug
"""

STORE_SERVICES = """
-- Services that changed, each with its newest content.
INSERT INTO collector.service (region, slug, modified_at, content)
SELECT DISTINCT ON (slug) :region, slug, modified_at, content
FROM jsonb_to_recordset(CAST(:services AS jsonb)) AS service(
    slug text, modified_at timestamptz, content jsonb)
ORDER BY slug, modified_at DESC
ON CONFLICT (region, slug) DO UPDATE SET modified_at = excluded.modified_at,
    content = excluded.content
"""

DELETE_SERVICES = """
-- Services that were withdrawn.
DELETE FROM collector.service WHERE region = :region AND slug = ANY (:slugs)
"""

LAST_NUMBER = """
-- The number of the last round; null before the first.
SELECT max(number) FROM collector.collection WHERE region = :region
"""

RECORD = """
-- A round that ended.
INSERT INTO collector.collection
    (region, number, name, name_en, timezone, started_at, ended_at, hubs, answered)
VALUES (:region, :number, :name, :name_en, :timezone, :started_at, :ended_at, :hubs, :answered)
"""


async def store_list(session: WriteSession, hubs: HubList) -> None:
    """Store the hubs that the list names, with their keys."""
    await session.execute(
        text(LIST_HUB),
        [
            {
                "region": hub.code,
                "name": hub.name,
                "address": hub.address,
                "fingerprints": hub.keys,
            }
            for hub in hubs.hubs
        ],
    )
    await session.execute(text(UNLIST), {"regions": [hub.code for hub in hubs.hubs]})


async def known_bundles(session: ReadSession, method: str) -> dict[str, dict[UUID, KnownBundle]]:
    """Return the accepted bundles of each regency by id."""
    found: dict[str, dict[UUID, KnownBundle]] = {}
    for row in await session.execute(text(KNOWN_BUNDLES), {"method": method}):
        found.setdefault(row.region, {})[row.id] = KnownBundle(
            row.id, row.period, row.recorded_at, row.source, row.sha256
        )
    return found


async def store_bundle(
    session: WriteSession, bundle: CheckedBundle, received: ReceivedBundle, *, now: datetime
) -> None:
    """Store a bundle that was verified and judged."""
    fields = {name: getattr(bundle, name) for name in bundle.__dataclass_fields__}
    await session.execute(
        text(STORE_BUNDLE),
        fields
        | {
            "nodes": json.dumps([asdict(node) for node in bundle.nodes]),
            "source": received.source,
            "sha256": received.sha256,
            "archive": received.archive,
            "now": now,
        },
    )


async def store_findings(
    session: WriteSession,
    region: str,
    findings: Collection[Finding],
    *,
    is_complete: bool,
    now: datetime,
) -> None:
    """Store what was found; after a complete reading what was not found again is closed."""
    for finding in {(one.kind, one.subject): one for one in findings}.values():
        values = asdict(finding) | {"region": region, "now": now}
        if (await session.execute(text(SEE_FINDING), values)).first() is None:
            await session.execute(text(OPEN_FINDING), values)
    if is_complete:
        await session.execute(text(CLOSE_FINDINGS), {"region": region, "now": now})


async def store_links(session: WriteSession, region: str, links: Sequence[HubLink]) -> None:
    """Replace the links of a hub."""
    rows = [
        link.model_dump(mode="json", exclude={"health"}) | link.health.model_dump(mode="json")
        for link in links
    ]
    await session.execute(text(DELETE_LINKS), {"region": region})
    await session.execute(text(STORE_LINKS), {"region": region, "links": json.dumps(rows)})


async def store_services(
    session: WriteSession, region: str, services: Sequence[HubService]
) -> None:
    """Store services that changed, and delete those that were withdrawn."""
    newest = {service.slug: service for service in services}
    withdrawn = [slug for slug, one in newest.items() if one.status == "withdrawn"]
    rows: list[Mapping[str, Any]] = [
        {
            "slug": service.slug,
            "modified_at": service.modified_at.isoformat(),
            "content": service.model_dump(mode="json"),
        }
        for service in newest.values()
        if service.status != "withdrawn"
    ]
    await session.execute(text(STORE_SERVICES), {"region": region, "services": json.dumps(rows)})
    await session.execute(text(DELETE_SERVICES), {"region": region, "slugs": withdrawn})


async def store_answer(
    session: WriteSession,
    hub: ListedHub,
    *,
    version: str,
    reporting: HubReporting | None,
    catalog_cursor: datetime | None,
    tags: EntityTags,
    failure: str | None,
    now: datetime,
) -> None:
    """Store that a hub answered, and what it said of itself."""
    await session.execute(
        text(ANSWERED),
        {
            "region": hub.code,
            "version": version,
            "reporting": None if reporting is None else reporting.model_dump_json(),
            "catalog_cursor": catalog_cursor,
            "entity_tags": json.dumps(tags),
            "failure": failure,
            "now": now,
        },
    )
