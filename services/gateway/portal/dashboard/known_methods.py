"""The displayed methods, each asked for once: what a hash stands for never changes."""

from services.assessment.client import MethodWithBands, Trend
from services.gateway.portal.page import Page
from services.platform.recent_results import RecentResults

MAX_KNOWN = 8


class KnownMethods:
    """The last methods by their hash."""

    def __init__(self) -> None:
        self._known = RecentResults[str | None, MethodWithBands](MAX_KNOWN)

    async def of_trend(self, page: Page, trend: Trend) -> MethodWithBands:
        """Return the current version of the method that a trend is of."""
        if (known := self._known.find(trend.current_hash)) is not None:
            return known
        method = await page.assessment.get_method(trend.method)
        self._known.keep(method.hash, method)
        return method


def known_methods(page: Page) -> KnownMethods:
    """Return the methods that this process of the gateway knows."""
    return page.request.app.state.known_methods
