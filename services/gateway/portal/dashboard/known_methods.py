"""The displayed methods, each asked for once: what a hash stands for never changes."""

from collections import OrderedDict

from services.assessment.client import MethodWithBands, Trend
from services.gateway.portal.page import Page

MAX_KNOWN = 8


class KnownMethods:
    """The last methods by their hash."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, MethodWithBands] = OrderedDict()

    async def of_trend(self, page: Page, trend: Trend) -> MethodWithBands:
        """Return the current version of the method that a trend is of."""
        if trend.current_hash in self._known:
            self._known.move_to_end(trend.current_hash)
            return self._known[trend.current_hash]
        method = await page.assessment.get_method(trend.method)
        self._known[method.hash] = method
        while len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return method


def known_methods(page: Page) -> KnownMethods:
    """Return the methods that this process of the gateway knows."""
    return page.request.app.state.known_methods
