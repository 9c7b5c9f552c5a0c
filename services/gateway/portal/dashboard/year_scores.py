"""The scores of a year that the dashboard and the pages below it show: stored, or of now."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from services.assessment.client import (
    Assessment,
    FormerEvidence,
    LateEntry,
    MethodWithBands,
    Node,
    NodeDetail,
    Scores,
    TrendPeriod,
)
from services.gateway.portal.dashboard.known_methods import known_methods
from services.gateway.portal.page import Page
from services.platform.service import API

METHOD = "cgr-2015"
"""The displayed method, which is also the default of the API."""

LIVE_DRAWS = 1000


@dataclass(frozen=True)
class YearScores:
    """The scores of a year, and the assessment that they come from; None if computed live."""

    period: int
    provisional: bool
    scores: Scores
    stored: Assessment | None
    address: str

    def known_indicators(self) -> tuple[int, int]:
        """Return how many of the indicators of the index have evidence, and how many there are."""
        elements = [element for one in self.scores.dimensions for element in one.elements]
        indicators = [one for element in elements for one in element.indicators]
        return sum(one.value is not None for one in indicators), len(indicators)

    def missing_first(self) -> list[Node]:
        """Return the indicators whose evidence would first give the index a value."""
        nodes = {node.code: node for node in self.scores.nodes()}
        return [nodes[code] for code in self.scores.index.missing_first if code in nodes]

    def furthest(self, others: Sequence[FormerEvidence | LateEntry]) -> Node | None:
        """Return the index that differs most from this one; None if none was computed."""
        return max(
            (other.index for other in others if other.index is not None),
            key=lambda node: _distance(node, self.scores.index),
            default=None,
        )

    async def detail(self, page: Page, code: str) -> NodeDetail | None:
        """Return a node with its evidence; None if there is no such node."""
        if self.stored is not None:
            return await page.assessment.find_node(code, scores_href=self.stored.scores_href)
        return await page.assessment.find_current_node(
            code, method=METHOD, period=self.period, draws=LIVE_DRAWS
        )

    def address_of(self, code: str) -> str:
        """Return the address of a node as JSON."""
        if self.stored is not None:
            return f"{self.stored.scores_href}/{code}"
        query = {"period": self.period, "method": METHOD, "draws": LIVE_DRAWS}
        path = f"{API}/metrics/collaboration-dynamics/{code}"
        return str(httpx.URL(path, params=query))


@dataclass(frozen=True)
class NodeYear:
    """A node in a year."""

    period: int
    provisional: bool
    node: Node


@dataclass(frozen=True)
class AssessedYears:
    """The method, the years that are stored by its current version, and the year that is shown."""

    method: MethodWithBands
    stored: Sequence[TrendPeriod]
    shown: YearScores

    def history(self, node: Node) -> list[NodeYear]:
        """Return a node in the years that are stored, and in the shown one."""
        found = {
            one.period: NodeYear(one.period, one.provisional, other)
            for one in self.stored
            for other in one.nodes
            if other.code == node.code
        }
        shown = self.shown
        found.setdefault(shown.period, NodeYear(shown.period, shown.provisional, node))
        return [found[period] for period in sorted(found)]


async def assessed_years(page: Page, wanted: int | None) -> AssessedYears:
    """Return the assessed years with the wanted one, or without one the newest with an index."""
    trend = await page.assessment.get_trend(method=METHOD)
    method = await known_methods(page).of_trend(page, trend)
    stored = [one for one in trend.items if one.method_hash == method.hash]
    return AssessedYears(method, stored, await year_scores(page, stored, wanted))


async def year_scores(page: Page, trend: Sequence[TrendPeriod], wanted: int | None) -> YearScores:
    """Return the stored assessment of the year, else scores of the current evidence.

    Without a year, of the newest with an index: of those that are stored, else of the last ones.
    """
    stored = {one.period: one.assessment_href for one in trend}
    if wanted is None:
        wanted = max((one.period for one in trend if one.nodes[0].value is not None), default=None)
    if wanted is None:
        found = await current_scores(page, None)
        if found.scores.index.value is not None or not stored:
            return found
        wanted = max(stored)
    if wanted not in stored:
        return await current_scores(page, wanted)
    found = await page.assessment.get_assessment(stored[wanted])
    return YearScores(found.period, found.provisional, found.scores, found, found.href)


async def current_scores(page: Page, period: int | None) -> YearScores:
    """Return the scores of a year by the current evidence, of None of the newest with an index."""
    live = await page.assessment.get_collaboration_dynamics(
        method=METHOD, period=period, draws=LIVE_DRAWS
    )
    query = {"method": METHOD, "period": live.period, "draws": LIVE_DRAWS}
    address = str(httpx.URL(f"{API}/metrics/collaboration-dynamics", params=query))
    return YearScores(live.period, live.provisional, live.scores, None, address)


def _distance(one: Node, other: Node) -> tuple[float, float]:
    """Return how far two figures lie apart, in what is proven and in the estimate."""
    return (
        abs((one.proven or 0) - (other.proven or 0)),
        abs((one.value or 0) - (other.value or 0)),
    )
