"""Small packs for tests: a regency of two agencies, written as YAML into a folder."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from services.catalog.link_names import replace_links
from services.catalog.pack import load_catalog, read_catalog
from services.platform.database import WriteSession
from services.platform.packs import Change
from tests.conftest import Room

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def agency(slug: str, **more: Any) -> dict[str, Any]:
    return {
        "slug": slug,
        "name": f"Dinas {slug}",
        "short_name": slug.upper(),
        "name_en": f"Office {slug}",
        "kind": "dinas",
        "sources": ["study"],
    } | more


def service(slug: str, **more: Any) -> dict[str, Any]:
    return {
        "slug": slug,
        "agency": "dukcapil",
        "name": f"Layanan {slug}",
        "name_en": f"Service {slug}",
        "summary": "Diurus di loket.",
        "summary_en": "Done at the counter.",
        "digital": False,
        "audience": ["citizen"],
        "channels": [{"kind": "counter"}],
        "components": {},
        "sources": ["study"],
    } | more


def component(**more: Any) -> dict[str, Any]:
    return {"text": "Tertulis.", "text_en": "Written.", "sources": ["law"]} | more


def place(slug: str, **more: Any) -> dict[str, Any]:
    return {
        "slug": slug,
        "agency": "dukcapil",
        "name": f"Kantor {slug}",
        "name_en": f"Office {slug}",
        "confirmed": False,
        "sources": ["study"],
    } | more


def document_type(slug: str, **more: Any) -> dict[str, Any]:
    return {
        "slug": slug,
        "name": f"Surat {slug}",
        "name_en": f"Letter {slug}",
        "sources": ["law"],
    } | more


def case(slug: str, **more: Any) -> dict[str, Any]:
    return {"slug": slug, "name": slug.title(), "name_en": slug.title(), "sources": ["law"]} | more


def write_pack(
    root: Path,
    services: Sequence[dict[str, Any]] = (),
    *,
    agencies: Sequence[dict[str, Any]] | None = None,
    places: Sequence[dict[str, Any]] = (),
    document_types: Sequence[dict[str, Any]] = (),
) -> Path:
    """Write a pack with these services; its default agencies are `dukcapil` and `pupr`."""
    chosen = [agency("dukcapil"), agency("pupr")] if agencies is None else list(agencies)
    sources = [
        {"id": "study", "title": "Kajian", "kind": "study"},
        {"id": "law", "title": "Undang-undang", "kind": "law"},
    ]
    events = [
        {
            "slug": slug,
            "name": name,
            "name_en": name_en,
            "description": "",
            "description_en": "",
        }
        for slug, name, name_en in (
            ("kelahiran", "Kelahiran anak", "Having a child"),
            ("rumah", "Membangun rumah", "Building a house"),
        )
    ]
    (root / "services").mkdir(parents=True, exist_ok=True)
    write_yaml(root / "sources.yaml", {"sources": sources})
    write_yaml(root / "agencies.yaml", {"agencies": chosen})
    write_yaml(root / "life-events.yaml", {"life_events": events})
    write_yaml(root / "places.yaml", {"places": list(places)})
    write_yaml(root / "document-types.yaml", {"document_types": list(document_types)})
    write_yaml(root / "links.yaml", {"links": [{"slug": "simbg"}]})
    write_yaml(root / "services" / "all.yaml", {"services": list(services)})
    return root


def write_yaml(file: Path, content: Any) -> None:
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    file.write_text(text, encoding="utf-8")


def load(catalog: Room, root: Path, *, now: datetime = NOW) -> list[Change]:
    """Load the catalogue of a pack into the service under test, and the names of its links."""
    pack = read_catalog(root)
    region = catalog.settings.region
    links = {slug: slug in pack.national_links for slug in pack.links}

    async def store(session: WriteSession) -> list[Change]:
        changes = await load_catalog(session, region, pack, now=now)
        await replace_links(session, region, links)
        return changes

    return catalog.store(store)
