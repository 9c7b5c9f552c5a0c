"""Bundles over HTTP: `/api/v1/assessments/{id}/bundle`, and the key that signs them."""

import asyncio
from typing import Any, Literal

from fastapi import Request, Response
from pydantic import Field

from services.assessment.assessments.operations import StoredAssessment, load_assessment
from services.assessment.assessments.schemas import AssessmentId
from services.assessment.bundles.contents import Parameters, make_bundle
from services.assessment.bundles.signing import Signer
from services.assessment.evidence.attachments import attached_at
from services.platform.api_model import ApiModel
from services.platform.database import ReadSessionDep
from services.platform.installation_keys import ServiceKeys
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import KeyName
from services.platform.types import Sha256
from services.platform.version import VERSION

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

ZIP = "application/zip"
ZIP_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A signed archive from which the assessment can be computed again.",
        "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}},
    }
}


class PublishingKey(ApiModel):
    """The public key that verifies the signatures of this hub."""

    algorithm: Literal["Ed25519"] = Field(default="Ed25519", description="Signature algorithm.")
    pem: str = Field(description="The key in PEM form.")
    fingerprint: Sha256 = Field(description="SHA-256 of the raw key, as `emall verify` prints it.")


@router.get(
    "/assessments/{id}/bundle",
    operation_id="get_assessment_bundle",
    response_class=Response,
    responses=ZIP_RESPONSE | problem_responses(404, 409),
)
async def get_assessment_bundle(
    request: Request, session: ReadSessionDep, id: AssessmentId
) -> Response:
    """Return an assessment as a signed zip (RO-Crate) that `emall verify` recomputes.

    The same assessment gives the same bytes. `ro-crate-metadata.json` names the files that were
    attached to its evidence by their SHA-256; the files are not in it.
    """
    region = get_region(request)
    stored = await load_assessment(session, region, id)
    signer = await _signer(request)
    read = {(item.kind, item.key) for item in stored.facts.all_items}
    attached = await attached_at(session, region, stored.recorded_at)
    archive = await asyncio.to_thread(
        make_bundle,
        _parameters(stored, region),
        stored.method,
        stored.facts.all_items,
        stored.scores,
        signer=signer,
        attachments=[file for file in attached if (file.kind, file.key) in read],
    )
    name = f"{stored.method.id}-{stored.facts.period}-{region}.zip"
    return Response(
        archive, media_type=ZIP, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@router.get("/metrics/publishing-key", operation_id="get_publishing_key")
async def get_publishing_key(request: Request) -> PublishingKey:
    """Return the public key that signs the bundles of this hub."""
    public = (await _signer(request)).public
    return PublishingKey(pem=public.pem, fingerprint=public.fingerprint)


async def _signer(request: Request) -> Signer:
    keys: ServiceKeys = request.app.state.keys
    return Signer(await keys.get(KeyName.publishing))


def _parameters(stored: StoredAssessment, region: str) -> Parameters:
    return Parameters(
        id=stored.id,
        region=region,
        period=stored.facts.period,
        method=stored.method.id,
        method_version=stored.method.version,
        method_hash=stored.method.hash(),
        evidence_hash=stored.facts.hash(),
        seed=stored.seed,
        draws=stored.draws,
        recorded_at=stored.recorded_at,
        recorded_by=stored.recorded_by,
        software=VERSION,
    )
