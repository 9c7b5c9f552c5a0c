"""Services of an agency that a new or changed one perhaps repeats, as a warning."""

from collections.abc import Sequence

from fastapi import Request
from sqlalchemy import text

from services.catalog import queries
from services.catalog.records import Service
from services.catalog.schemas import SimilarService
from services.catalog.search.names import are_nearly_equal
from services.catalog.search.similar import find_candidates
from services.catalog.search.store import CatalogIndex
from services.platform.database import WriteSession
from services.platform.problems import Unavailable
from services.platform.service import API


async def similar_candidates(request: Request, service: Service) -> Sequence[str] | None:
    """Return services that may be similar; None while search cannot say.

    It reads the catalogue with a connection of its own, so it is asked before the transaction of
    the write has one.
    """
    search: CatalogIndex = request.app.state.search
    try:
        return await find_candidates(search, service.name, agency=service.agency)
    except Unavailable:
        return None


async def similar_services(
    session: WriteSession, region: str, service: Service, candidates: Sequence[str] | None
) -> list[SimilarService] | None:
    """Return those of the candidates whose name is nearly that of the service."""
    if candidates is None:
        return None
    parameters = {"region": region, "slugs": [one for one in candidates if one != service.slug]}
    rows = (await session.execute(text(queries.NAMES), parameters)).all()
    own = [service.name, *service.common_names]
    return [
        SimilarService(
            slug=row.slug, name=row.name, name_en=row.name_en, href=f"{API}/services/{row.slug}"
        )
        for row in rows
        if are_nearly_equal(own, [row.name, *row.common_names])
    ]
