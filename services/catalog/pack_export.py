"""The stored catalogue as the files of a pack."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import text

from services.catalog.records import Agency, DocumentType, LifeEvent, Place, Service
from services.platform.database import ReadSession, WriteSession
from services.platform.packs import PackModel, Source
from services.platform.stored import ModelT, parse_stored

ALL = """
-- The contents of a table, in the order of a pack.
SELECT content FROM catalog.{table} WHERE region = :region ORDER BY {order}
"""

PackFiles = dict[str, dict[str, Any]]
"""The content of each file, by its path in the pack."""


async def stored_records(
    session: ReadSession | WriteSession,
    region: str,
    model: type[ModelT],
    table: str,
    order: str = "slug",
) -> list[ModelT]:
    """Return the records of a table of the catalogue."""
    statement = text(ALL.format(table=table, order=order))
    contents = await session.scalars(statement, {"region": region})
    return [parse_stored(model, content) for content in contents]


async def catalogue_files(session: ReadSession | WriteSession, region: str) -> PackFiles:
    """Return the catalogue as `emall load` would read it, with what people changed over the API."""

    stored = partial(stored_records, session, region)
    files: PackFiles = {
        "sources.yaml": {"sources": _entries(await stored(Source, "source", "id"))},
        "agencies.yaml": {"agencies": _entries(await stored(Agency, "agency"))},
        "life-events.yaml": {
            "life_events": _entries(await stored(LifeEvent, "life_event", "position"))
        },
        "document-types.yaml": {
            "document_types": _entries(await stored(DocumentType, "document_type"))
        },
        "places.yaml": {"places": _entries(await stored(Place, "place"))},
    }
    services = await stored(Service, "service")
    for agency in sorted({service.agency for service in services}):
        own = [service for service in services if service.agency == agency]
        files[f"services/{agency}.yaml"] = {"services": _entries(own)}
    return files


def _entries(records: Sequence[PackModel]) -> list[dict[str, Any]]:
    return [record.model_dump(mode="json", exclude_defaults=True) for record in records]
