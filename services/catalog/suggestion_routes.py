"""What people may be about to ask for: `/api/v1/catalog/suggestions`."""

from typing import Annotated

from fastapi import Query, Request
from sqlalchemy import text

from services.catalog import queries
from services.catalog.routes import SearchText
from services.catalog.schemas import Suggestion, Suggestions
from services.catalog.search.index import Choice
from services.catalog.search.store import CatalogIndex
from services.platform.database import ReadSessionDep
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(prefix=API, tags=["catalog"], responses=problem_responses(401, 422))

MOST = 10
MOST_OTHERS = 2
"""Agencies, and places, beside the services."""


@router.get("/catalog/suggestions", operation_id="list_suggestions")
async def list_suggestions(
    request: Request,
    session: ReadSessionDep,
    *,
    query: Annotated[
        SearchText,
        Query(description="The search words as far as they are typed.", examples=["akt"]),
    ],
    limit: Annotated[int, Query(ge=1, le=MOST, description="Suggestions at most.")] = 8,
) -> Suggestions:
    """Suggest services, agencies and places while somebody types, the best first.

    The last word may be a beginning of three letters or more. Suggestions do not count as searches
    in `search-demand`.
    """
    search: CatalogIndex = request.app.state.search
    indexed = await search.current()
    found = indexed.services.search(query, Choice(), limit=limit)
    agencies = indexed.agencies.find_named(query, most=MOST_OTHERS)
    places = indexed.places.find_named(query, most=MOST_OTHERS)
    others = [
        *(
            Suggestion(kind="agency", slug=slug, name=name, name_en=name_en)
            for slug in agencies
            for name, name_en in [indexed.names["agency", slug]]
        ),
        *(
            Suggestion(kind="place", slug=place.slug, name=place.name, name_en=place.name_en)
            for place in (indexed.known_places[slug] for slug in places)
        ),
    ][: max(0, limit - 1)]
    slugs = found.slugs or ([found.nearest] if found.nearest else [])
    rows = await session.execute(
        text(queries.HITS),
        {"region": get_region(request), "slugs": list(slugs[: limit - len(others)])},
    )
    services = [
        Suggestion(
            kind="service",
            slug=row.slug,
            name=row.content["name"],
            name_en=row.content["name_en"],
        )
        for row in rows
    ]
    return Suggestions(items=[*services, *others])
