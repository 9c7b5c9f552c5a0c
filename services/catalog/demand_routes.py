"""What people ask for and no service gives: `/api/v1/catalog/search-demand`."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Query, Request
from sqlalchemy import text

from services.catalog.schemas import MOST_WORDS, AskedWord, SearchDemandOfMonth
from services.catalog.search.demand import DEMAND
from services.catalog.search.demand_limits import LEAST_DAYS
from services.platform.database import ReadSessionDep
from services.platform.identity import CatalogWriter
from services.platform.local_time import ZoneDep, month_of
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import YearMonth

router = Router(prefix=API, tags=["catalog"], responses=problem_responses(401, 403, 422))


@router.get("/catalog/search-demand", operation_id="get_search_demand")
async def get_search_demand(
    request: Request,
    session: ReadSessionDep,
    zone: ZoneDep,
    *,
    _caller: CatalogWriter,
    month: Annotated[
        YearMonth | None, Query(description="Calendar month; default: the current one.")
    ] = None,
) -> SearchDemandOfMonth:
    """List words for which people searched and no service was found.

    A word counts once on a day and is listed if it was asked for on five days of the month.
    Nothing of the people who asked is stored. Searches with filters do not count.
    """
    first_day = (
        month_of(datetime.now(UTC), zone) if month is None else date.fromisoformat(f"{month}-01")
    )
    parameters = {
        "region": get_region(request),
        "month": first_day,
        "least_days": LEAST_DAYS,
        "limit": MOST_WORDS,
    }
    rows = (await session.execute(text(DEMAND), parameters)).all()
    return SearchDemandOfMonth(
        month=f"{first_day:%Y-%m}",
        items=[AskedWord(word=row.word, days=row.days) for row in rows],
    )
