"""Routes that confirm and dispute evidence: `/api/v1/evidence/{kind}/{id}/versions/{version}`."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Request
from pydantic import Field

from services.assessment.evidence.api_models import RecordId
from services.assessment.evidence.confirmation import (
    confirm_version,
    dispute_version,
    history_of,
)
from services.assessment.evidence.records import EVIDENCE
from services.assessment.evidence.states import EvidenceState, EvidenceStateChange
from services.platform.api_model import ApiModel
from services.platform.database import WriteSession, WriteSessionDep
from services.platform.identity import EvidenceConfirmer
from services.platform.problems import FieldError, NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import Href, Text

router = Router(
    prefix=f"{API}/evidence",
    tags=["evidence"],
    responses=problem_responses(401, 403, 404, 409, 413, 422),
)

Kind = Annotated[
    str, Path(description="Kind of evidence.", json_schema_extra={"enum": list(EVIDENCE)})
]
Version = Annotated[int, Path(ge=1, le=1_000_000, description="Version of the record.")]


class Confirmation(ApiModel):
    """What the organisation that confirms a version notes about it."""

    note: Annotated[Text, Field(min_length=1)] | None = Field(
        None, description="Kept in the history of the version, such as an assessor's note."
    )


class Dispute(ApiModel):
    """Why a version is disputed."""

    reason: Annotated[Text, Field(min_length=1, description="What is wrong with it.")]


class VersionState(ApiModel):
    """The state of a version of a record, and how it came about."""

    kind: str = Field(description="Kind of evidence, as in its address.")
    id: UUID
    version: int
    state: EvidenceState = Field(description="State of the version; scores read confirmed ones.")
    states: list[EvidenceStateChange] = Field(description="Its history, the first step first.")
    href: Href = Field(description="Address of the version.")


@router.post(
    "/{kind}/{id}/versions/{version}/confirmation", operation_id="post_evidence_confirmation"
)
async def post_evidence_confirmation(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    session: WriteSessionDep,
    caller: EvidenceConfirmer,
    kind: Kind,
    id: RecordId,
    version: Version,
    body: Confirmation | None = None,
) -> VersionState:
    """Confirm a version of a record: from then on scores read it.

    A version without content withdraws the record. Only the newest version can be confirmed (409),
    by another person and another organisation than recorded it, which it does not favour (403);
    what is disputed by the agency that disputed it, or by an administrator. A note may come with
    it. Requests are idempotent: a version that is confirmed keeps the note that it has.
    """
    region = get_region(request)
    check_kind(kind)
    await confirm_version(
        session,
        region,
        kind,
        id,
        version,
        caller=caller,
        now=datetime.now(UTC),
        note=None if body is None else body.note,
    )
    return await _state(session, region, kind, id, version)


@router.post("/{kind}/{id}/versions/{version}/dispute", operation_id="post_evidence_dispute")
async def post_evidence_dispute(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    session: WriteSessionDep,
    caller: EvidenceConfirmer,
    kind: Kind,
    id: RecordId,
    version: Version,
    body: Dispute,
) -> VersionState:
    """Dispute a version of a record with a reason: scores do not read it until it is confirmed.

    Any agency disputes what another one proposed, an administrator what is confirmed.
    """
    region = get_region(request)
    check_kind(kind)
    await dispute_version(
        session,
        region,
        kind,
        id,
        version,
        reason=body.reason,
        caller=caller,
        now=datetime.now(UTC),
    )
    return await _state(session, region, kind, id, version)


def check_kind(kind: str) -> None:
    """Raise `NotFound` if there is no such kind of evidence."""
    if kind not in EVIDENCE:
        detail = f"must be one of {', '.join(EVIDENCE)}"
        error = FieldError(pointer=None, parameter="kind", detail=detail)
        raise NotFound(f"There is no kind of evidence {kind!r}.", errors=[error])


async def _state(
    session: WriteSession, region: str, kind: str, record_id: UUID, version: int
) -> VersionState:
    history = await history_of(session, region, kind, record_id, version)
    return VersionState(
        kind=kind,
        id=record_id,
        version=version,
        state=history[-1].state,
        states=history,
        href=f"{API}/{kind}/{record_id}?version={version}",
    )
