"""The services that people use most, for the front page."""

import asyncio
from collections import Counter
from datetime import date, datetime, timedelta

import httpx

from services.catalog.client import ServiceDetail
from services.gateway.portal.page import Page
from services.platform.local_time import day_of

MOST = 6
LEAST_USES = 5
"""Uses below which a service is not called popular; the sums themselves are published."""
PERIOD = timedelta(days=90)
USES = frozenset({"click_out", "submitted"})
"""What counts as a use: that somebody left for the portal of a service, or applied for it."""


async def popular_services(page: Page, *, now: datetime) -> list[ServiceDetail]:
    """Return the services with most uses of the last months, most first.

    The list is empty if feedback does not answer: the front page does without.
    """
    try:
        most = (await most_used(page, today=day_of(now, page.zone)))[:MOST]
        found = await asyncio.gather(
            *(page.catalog.find_service(slug) for slug, count in most if count >= LEAST_USES)
        )
    except httpx.HTTPError:
        return []
    return [detail for detail in found if detail is not None]


async def most_used(page: Page, *, today: date) -> list[tuple[str, int]]:
    """Return the services that were used in the last months with their uses, most first."""
    summary = await page.feedback.get_usage_by_service(today - PERIOD, today)
    uses: Counter[str] = Counter()
    for item in summary.items:
        if item.service and item.measure in USES:
            uses[item.service] += item.value
    return sorted(uses.items(), key=lambda one: (-one[1], one[0]))
