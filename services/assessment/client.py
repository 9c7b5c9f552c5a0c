"""Client of assessment, for the gateway."""

from services.assessment.assessments.schemas import (
    Assessment,
    CollaborationDynamics,
    Levers,
    MethodReference,
    Trend,
    TrendPeriod,
)
from services.assessment.index_schemas import IndexItem
from services.assessment.methods.verdict_scale import VerdictBand, VerdictScale
from services.assessment.scoring.levers import Gain, Lever
from services.assessment.scoring.scores import FormerEvidence, LateEntry, Node, Scores
from services.assessment.scoring.sensitivity import Sensitivity, Spread
from services.platform.api_model import ApiModel
from services.platform.paging import Page
from services.platform.service import API
from services.platform.service_client import ServiceClient

__all__ = [
    "Assessment",
    "AssessmentClient",
    "CollaborationDynamics",
    "FormerEvidence",
    "Gain",
    "IndexItem",
    "LateEntry",
    "Lever",
    "MethodReference",
    "MethodWithBands",
    "Node",
    "Scores",
    "Trend",
    "TrendPeriod",
]


class DefinedBands(ApiModel):
    """The part of a method's definition that pages show: the bands of verdicts."""

    verdicts: VerdictScale | None = None


class MethodWithBands(MethodReference):
    """The current version of a method."""

    definition: DefinedBands

    @property
    def bands(self) -> dict[str, VerdictBand]:
        """The bands of verdicts by their codes."""
        scale = self.definition.verdicts
        return {} if scale is None else {band.code: band for band in scale.bands}


class AssessmentClient(ServiceClient):
    """Requests to assessment."""

    async def get_assessment(self, href: str) -> Assessment:
        """Return the assessment at an address."""
        return await self._get(Assessment, href)

    async def get_collaboration_dynamics(
        self, *, method: str, period: int, draws: int
    ) -> CollaborationDynamics:
        """Return the scores of a year by the current evidence."""
        query = {"method": method, "period": period, "draws": draws}
        path = f"{API}/metrics/collaboration-dynamics"
        return await self._get(CollaborationDynamics, path, query=query)

    async def get_method(self, method: str) -> MethodWithBands:
        """Return the current version of a method."""
        return await self._get(MethodWithBands, f"{API}/methods/{method}")

    async def get_trend(self, *, method: str) -> Trend:
        """Return the assessed years with what changed between them."""
        return await self._get(Trend, f"{API}/metrics/trend", query={"method": method})

    async def find_spread(self, sensitivity_href: str) -> Spread | None:
        """Return the range of an index by its evidence and by the choices of its method."""
        return (await self._get(Sensitivity, sensitivity_href)).spread

    async def list_levers(self, assessment_href: str) -> list[Lever]:
        """Return the actions that would raise the index of an assessment."""
        return (await self._get(Levers, f"{assessment_href}/levers")).items

    async def list_indices(self) -> list[IndexItem]:
        """Return the known indices with their published values."""
        return (await self._get(Page[IndexItem], f"{API}/indices")).items
