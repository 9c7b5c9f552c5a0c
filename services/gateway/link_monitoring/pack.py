"""Links of a pack: read from `links.yaml`, stored for a region."""

from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.gateway.link_monitoring.records import Link, LinkFile, LinkRecord
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


async def load_links(session: WriteSession, region: str, links: list[Link]) -> list[Change]:
    """Replace the stored links of a region and return what changed."""
    table = LinkRecord.metadata.tables["gateway.link"]
    rows = await session.execute(
        select(table.c.slug, table.c.content).where(table.c.region == region)
    )
    wanted = {link.slug: link.model_dump(mode="json") for link in links}
    changes = changes_between("link", dict(rows.tuples().all()), wanted)
    for change in changes:
        if change.action == "removed":
            await session.execute(
                delete(table).where(table.c.region == region, table.c.slug == change.key)
            )
            continue
        content = wanted[change.key]
        values = {
            "region": region,
            "slug": change.key,
            "url": content["url"],
            "content": content,
        }
        await session.execute(
            upsert(table)
            .values(values)
            .on_conflict_do_update(index_elements=["region", "slug"], set_=values)
        )
    return changes
