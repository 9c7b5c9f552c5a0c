"""Links of a pack: read from `links.yaml`, stored for a region."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from services.gateway.link_monitoring.link_versions import (
    find_withdrawn,
    store_link,
    withdraw_link,
)
from services.gateway.link_monitoring.records import Link, LinkFile
from services.gateway.regency.link_names import lock_links
from services.platform.database import WriteSession
from services.platform.packs import (
    Change,
    FieldPath,
    PackError,
    SourceFile,
    changes_between,
    duplicates,
    parse,
    read_yaml,
    undefined_references,
)
from services.platform.stored import parse_stored

STORED = """
-- The links of a region.
SELECT slug, content, origin FROM gateway.link WHERE region = :region
"""


def read_links(root: Path) -> list[Link]:
    """Return the links of the pack in this folder.

    Raises `PackError` with every fault found.
    """
    located = read_yaml(root / "links.yaml", root)
    links = parse(located, LinkFile).links
    sources = parse(read_yaml(root / "sources.yaml", root), SourceFile).sources
    cited: list[tuple[FieldPath, str]] = [
        (("links", index, "sources", n), name)
        for index, link in enumerate(links)
        for n, name in enumerate(link.sources)
    ]
    faults = [
        *duplicates(located, "links", [link.slug for link in links]),
        *undefined_references(located, cited, [source.id for source in sources], kind="source"),
    ]
    if faults:
        raise PackError(faults)
    return links


async def load_links(
    session: WriteSession, region: str, links: list[Link], *, now: datetime
) -> list[Change]:
    """Store the pack's links of a region and return what changed.

    What was recorded, changed or withdrawn over the API stays as it is, and is returned as
    overridden if the pack has something else.
    """
    await lock_links(session, region)
    rows = (await session.execute(text(STORED), {"region": region})).all()
    wanted = {link.slug: link.model_dump(mode="json") for link in links}
    stored, edited = (
        {
            row.slug: parse_stored(Link, row.content).model_dump(mode="json")
            for row in rows
            if row.origin == origin
        }
        for origin in ("pack", "api")
    )
    withdrawn = await find_withdrawn(session, region) & wanted.keys()
    kept = {slug for slug, content in edited.items() if wanted.get(slug) != content} | withdrawn
    by_slug = {link.slug: link for link in links if link.slug not in {*edited, *withdrawn}}
    changes = changes_between("link", stored, {slug: wanted[slug] for slug in by_slug})
    for change in changes:
        if change.action == "removed":
            await withdraw_link(session, region, change.key, by="pack", now=now)
        else:
            link = by_slug[change.key]
            await store_link(session, region, link, origin="pack", by="pack", now=now)
    return [*changes, *(Change("link", slug, "overridden") for slug in sorted(kept))]
