"""Services as a table: a row per service, for spreadsheets."""

from collections.abc import Mapping

from services.catalog.exports.catalogue import Catalogue, PublishedService
from services.catalog.records import COMPONENTS
from services.platform.spreadsheets.model import Cell

COLUMNS = (
    "slug",
    "name",
    "name_en",
    "summary",
    "agency",
    "agency_name",
    "status",
    "channels",
    "life_events",
    "audience",
    "published_components",
    "of_components",
    "requirements",
    "duration",
    "time",
    "fee_idr",
    "fee",
    "output",
    "sources",
    "version",
    "modified_at",
)
SEPARATOR = "; "


def to_rows(catalogue: Catalogue) -> list[list[Cell]]:
    """Return a row per service; lists are joined by `; `, what is not published is empty."""
    rows = (_row(each) for each in catalogue.services)
    return [[row[name] for name in COLUMNS] for row in rows]


def _row(published: PublishedService) -> Mapping[str, Cell]:
    service = published.service
    needed = service.components.get("persyaratan")
    time = service.components.get("jangka_waktu")
    fee = service.components.get("biaya_tarif")
    output = service.components.get("produk_pelayanan")
    return {
        "slug": service.slug,
        "name": service.name,
        "name_en": service.name_en,
        "summary": service.summary,
        "agency": service.agency,
        "agency_name": published.agency.name if published.agency else None,
        "status": service.status,
        "channels": SEPARATOR.join(channel.kind for channel in service.channels),
        "life_events": SEPARATOR.join(service.life_events),
        "audience": SEPARATOR.join(service.audience),
        "published_components": len(service.components),
        "of_components": COMPONENTS,
        "requirements": SEPARATOR.join(needed.items or [needed.text]) if needed else None,
        "duration": time.duration if time else None,
        "time": time.text if time else None,
        "fee_idr": fee.fee_idr if fee else None,
        "fee": fee.text if fee else None,
        "output": output.text if output else None,
        "sources": SEPARATOR.join(service.sources),
        "version": published.version,
        "modified_at": published.modified_at.isoformat(),
    }
