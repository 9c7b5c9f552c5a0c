"""`/kelola/permintaan`: what people searched for in vain, which services are used most, and which
pages helped."""

from datetime import date, timedelta
from typing import Annotated

import httpx
from fastapi import Depends, Query
from fastapi.responses import HTMLResponse, Response

from services.gateway.portal.popular import most_used
from services.gateway.portal.workspace.access import Enter, Workspace
from services.platform.router import Router
from services.platform.types import YearMonth

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

MONTHS_BACK = 12
MOST_SERVICES = 20
HELPED_WITHIN = timedelta(days=90)


@router.get("/kelola/permintaan")
async def show_demand(
    workspace: Annotated[Workspace, Depends(Enter("editor", "lead"))],
    bulan: Annotated[YearMonth | None, Query()] = None,
) -> Response:
    """Show the words of a month for which no service was found, and the services used most."""
    messages, today = workspace.page.messages, workspace.today
    month = bulan or f"{today:%Y-%m}"
    try:
        demand = await workspace.catalog.get_search_demand(month)
        used = await most_used(workspace.page, today=today)
        helped = await workspace.feedback.get_helpfulness(today - HELPED_WITHIN, today)
        services = {each.slug: each for each in await workspace.catalog.list_service_names()}
    except httpx.HTTPError:
        return workspace.page.unavailable()
    first = today.year * 12 + today.month - 1
    months = [date(n // 12, n % 12 + 1, 1) for n in range(first, first - MONTHS_BACK, -1)]
    return workspace.render(
        "workspace/demand.html",
        words=demand.items,
        chosen=month,
        month=messages.month(date.fromisoformat(f"{month}-01")),
        months=[(f"{each:%Y-%m}", messages.short_month(each)) for each in months],
        used=[(services[slug], count) for slug, count in used if slug in services][:MOST_SERVICES],
        helped=sorted(
            (
                (services[each.service], each)
                for each in helped.items
                if each.service in services
                and (
                    "lead" in workspace.roles
                    or services[each.service].agency.slug == workspace.agency
                )
            ),
            key=lambda pair: (-pair[1].unhelpful, pair[0].slug),
        ),
    )
