"""API usage over HTTP: an agency sees the usage of its own keys."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import Query, Request
from pydantic import AwareDatetime, Field
from sqlalchemy import text

from services.gateway.api_keys.keys import AgencyKey
from services.gateway.api_keys.routes import agency_filter
from services.platform.api_model import ApiModel
from services.platform.database import ReadSessionDep
from services.platform.local_time import ZoneDep, start_of_day
from services.platform.paging import Page, next_page_url
from services.platform.problems import Invalid, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import Slug

router = Router(prefix=API, tags=["access"], responses=problem_responses(401, 403, 422))

By = Literal["hour", "day", "month"]
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
MAX_DAYS = 400

SELECT_CONSUMPTION = """
-- Responses in [from, to) by local period, key, area and class of status.
WITH counted AS (
    SELECT date_trunc(:by, hour, :zone) AS period, key_id, agency, area, status,
        CAST(sum(requests) AS bigint) AS requests
    FROM gateway.consumption
    WHERE region = :region AND hour >= :from AND hour < :to
        AND (CAST(:agency AS text) IS NULL OR agency = :agency)
    GROUP BY 1, 2, 3, 4, 5
)
SELECT period, key_id, nullif(agency, '') AS agency, area, status, requests FROM counted
ORDER BY period, key_id, area, status OFFSET :offset LIMIT :limit
"""


class ConsumptionRecord(ApiModel):
    """Responses to requests with a key in a period."""

    period: AwareDatetime = Field(description="Beginning of the period, in the region's time zone.")
    key_id: str = Field(description="The key; `anonymous` for all requests without one.")
    agency: str | None = Field(description="Agency of the key; null for requests without one.")
    area: str = Field(description="Part of the API, such as `services`; `pages` outside the API.")
    status: int = Field(description="Class of the status: 2 for 200 to 299.", ge=1, le=5)
    requests: int = Field(description="Number of requests.")


@router.get("/consumption", operation_id="list_consumption")
async def list_consumption(
    request: Request,
    session: ReadSessionDep,
    caller: AgencyKey,
    zone: ZoneDep,
    *,
    begin: Annotated[
        date | None, Query(alias="from", description="First day; default: 30 days before `to`.")
    ] = None,
    end: Annotated[date | None, Query(alias="to", description="Last day; default: today.")] = None,
    by: Annotated[By, Query(description="Length of a period.")] = "day",
    agency: Annotated[
        Slug | None, Query(description="Only keys of this agency; an agency sees only its own.")
    ] = None,
    cursor: Annotated[int | None, Query(ge=0, le=1_000_000, description="From `next`.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Items on a page.")] = 100,
) -> Page[ConsumptionRecord]:
    """List the usage of an agency's keys, a few seconds behind; an administrator sees all."""
    only_agency = agency_filter(caller, agency)
    last = end or datetime.now(zone).date()
    if not all(FIRST_DAY <= day <= LAST_DAY for day in (last, begin or last)):
        raise Invalid(f"Days must lie between {FIRST_DAY} and {LAST_DAY}.")
    first = begin or last - timedelta(days=30)
    if first > last or (last - first).days > MAX_DAYS:
        raise Invalid(f"`from` must not be after `to`, and the span at most {MAX_DAYS} days.")
    offset = cursor or 0
    rows = await session.execute(
        text(SELECT_CONSUMPTION),
        {
            "region": get_region(request),
            "by": by,
            "zone": zone.key,
            "agency": only_agency,
            "from": start_of_day(first, zone),
            "to": start_of_day(last + timedelta(days=1), zone),
            "offset": offset,
            "limit": limit + 1,
        },
    )
    items = [
        ConsumptionRecord.model_validate({**row, "period": row["period"].astimezone(zone)})
        for row in rows.mappings()
    ]
    more = str(offset + limit) if len(items) > limit else None
    return Page(items=items[:limit], next=next_page_url(request, more))
