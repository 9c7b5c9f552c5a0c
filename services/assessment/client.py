"""Client of assessment, for the gateway."""

from services.assessment.assessments.schemas import (
    Assessment,
    AssessmentSummary,
    CollaborationDynamics,
)
from services.assessment.index_schemas import IndexItem
from services.assessment.scoring.scores import Scores
from services.platform.paging import Page
from services.platform.service import API
from services.platform.service_client import ServiceClient

__all__ = [
    "Assessment",
    "AssessmentClient",
    "AssessmentSummary",
    "CollaborationDynamics",
    "IndexItem",
    "Scores",
]


class AssessmentClient(ServiceClient):
    """Requests to assessment."""

    async def list_assessments(
        self, *, method: str, period: int | None = None, limit: int = 100
    ) -> list[AssessmentSummary]:
        """Return the newest assessments by a method, of all years or of one."""
        query = {"limit": limit, "method": method, "period": period}
        return (await self._get(Page[AssessmentSummary], f"{API}/assessments", query=query)).items

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

    async def list_indices(self) -> list[IndexItem]:
        """Return the known indices with their published values."""
        return (await self._get(Page[IndexItem], f"{API}/indices")).items
