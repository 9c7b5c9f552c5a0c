"""`GET /api/v1/evidence/proposals`: how much of each kind waits to be confirmed."""

from fastapi import Request
from sqlalchemy import text

from services.assessment.evidence import store
from services.assessment.evidence.proposal_schemas import ProposedEvidence, ProposedRecords
from services.platform.database import ReadSessionDep
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(prefix=f"{API}/evidence", tags=["evidence"], responses=problem_responses(401, 422))


@router.get("/proposals", operation_id="get_evidence_proposals")
async def get_evidence_proposals(request: Request, session: ReadSessionDep) -> ProposedEvidence:
    """Count the records whose newest version is proposed, by kind and who recorded it.

    Another organisation confirms or disputes them. Kinds without any are left out.
    """
    parameters = {"region": get_region(request), "kind": None, "as_of": None}
    rows = await session.execute(text(store.PROPOSALS), parameters)
    return ProposedEvidence(items=[ProposedRecords(**row) for row in rows.mappings()])
