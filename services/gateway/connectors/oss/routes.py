"""What the hub asks of OSS and tells it, over HTTP: `/api/v1/oss/...`."""

import logging
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Request
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from services.gateway.api_keys.keys import AgencyKey
from services.gateway.connectors.oss.message_store import (
    OssClockMonth,
    OssMonth,
    clock_statistics,
    digest_of,
    message_counts,
    store_message,
)
from services.gateway.connectors.oss.messages import Outbound, guide, is_json, validate_message
from services.gateway.connectors.oss.service import OssAnswer, OssService
from services.platform.api_model import ApiModel
from services.platform.concurrency_control import IdempotencyKey, claim_idempotency_key
from services.platform.database import DATABASE_ERRORS, Database, ReadSessionDep, WriteSession
from services.platform.identity import Caller
from services.platform.ids import new_id
from services.platform.paging import Page
from services.platform.parameters import YearQuery
from services.platform.problems import (
    FieldError,
    Invalid,
    NotAllowed,
    NotFound,
    Unavailable,
    problem_responses,
)
from services.platform.service import API, get_region
from services.platform.settings import Service

log = logging.getLogger(__name__)

router = APIRouter(
    prefix=f"{API}/oss",
    tags=["connectors"],
    responses=problem_responses(401, 403, 404, 409, 422, 503),
)

Nib = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{13}$"),
    Path(description="Number of a business: 13 digits."),
]
LicenceId = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,25}$"), Path(description="`id_izin` of OSS.")
]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,3}$")]
Fields = Annotated[
    dict[str, Any], Body(description="The fields of the message, as the guide of OSS has them.")
]


class OssResponse(ApiModel):
    """An answer of OSS with its age."""

    fetched_at: AwareDatetime = Field(description="When OSS said it.")
    age_seconds: int
    fresh: bool = Field(description="False where OSS gives no answer now and said it before.")


class NibStatus(OssResponse):
    """The state of a business identification number; no name comes with it."""

    nib: str
    status: str | None = Field(description="Code of `status_nib`.")
    status_text: str | None


class NibLicence(ApiModel):
    """A licence that a business asked for with its NIB, in codes."""

    id: str = Field(description="`id_izin`, by which its state is asked for.")
    code: str | None = Field(description="`kd_izin`.")
    kind: str | None = Field(description="Code of `jenis_izin`.")
    district: str | None = Field(description="`kd_daerah`.")
    status: str | None = Field(description="`status_checklist`.")


class NibLicences(OssResponse):
    """The licences of a business identification number; no name comes with them."""

    nib: str
    status: str | None = Field(description="Code of `status_nib`.")
    status_text: str | None
    items: list[NibLicence]


class LicenceStatus(OssResponse):
    """The state of a licence."""

    id: str
    status: str | None = Field(description="Code of `status_izin`.")
    status_text: str | None
    clock: Literal["running", "stopped", "ended"] = Field(
        description="Of the time promised for the service: codes 41 and 43 stop it, 42 and 44 "
        "start it again, approval (50, 57) and refusal (90, 93) end it; 60, 70 and 80 come after."
    )


class References(OssResponse):
    """A table of OSS."""

    items: list[dict[str, Any]]


class SubmitResult(ApiModel):
    """OSS has the message."""

    message: str
    answer: dict[str, Any] = Field(
        description="What OSS said; `kode` alone where this `Idempotency-Key` told it before."
    )


@router.get("/nib/{nib}", operation_id="get_oss_nib")
async def get_oss_nib(request: Request, caller: AgencyKey, nib: Nib) -> NibStatus:
    """Whether a NIB is in force (checkNIB). No name comes with it.

    Where OSS does not answer now, the answer is the one known last: `fresh` is false, and
    `age_seconds` tells how old it is.
    """
    answered = await desk_of(request).query("checkNIB", {"nib": nib}, keep=("status",))
    status = _code(answered.fields, "status")
    return NibStatus(nib=nib, **_named("status_nib", status), **_age(answered))


@router.get("/nib/{nib}/licenses", operation_id="list_oss_nib_licenses")
async def list_oss_nib_licenses(request: Request, caller: AgencyKey, nib: Nib) -> NibLicences:
    """Which licences a NIB asked for (inqueryNIB), each with the id by which its state is asked.

    Names, addresses and files that OSS sends with them are passed over. Nothing of the answer is
    kept, so that there is none while OSS does not answer.
    """
    answered = await desk_of(request).query(
        "inqueryNIB", {"nib": nib}, keep=("status_nib", "data_checklist"), remember=False
    )
    listed = answered.fields.get("data_checklist")
    given = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    items = [
        NibLicence(
            id=id_,
            code=_code(item, "kd_izin"),
            kind=_code(item, "jenis_izin"),
            district=_code(item, "kd_daerah"),
            status=_code(item, "status_checklist"),
        )
        for item in given
        if (id_ := _code(item, "id_izin"))
    ]
    status = _code(answered.fields, "status_nib")
    return NibLicences(nib=nib, **_named("status_nib", status), items=items, **_age(answered))


@router.get("/licenses/{license_id}", operation_id="get_oss_license")
async def get_oss_license(
    request: Request, caller: AgencyKey, license_id: LicenceId
) -> LicenceStatus:
    """How far a licence is (checkLicenseStatus), and whether the clock of its promise runs.

    Where OSS does not answer now, the answer is the one known last: `fresh` is false, and
    `age_seconds` tells how old it is.
    """
    answered = await desk_of(request).query(
        "checkLicenseStatus", {"id_izin": license_id}, keep=("kd_status",)
    )
    status = _code(answered.fields, "kd_status")
    clock = clock_state(status or "")
    return LicenceStatus(
        id=license_id, clock=clock, **_named("status_izin", status), **_age(answered)
    )


@router.get("/references/{code}", operation_id="get_oss_reference")
async def get_oss_reference(
    request: Request,
    caller: AgencyKey,
    code: Annotated[Code, Path(description="Code of the table, as the guide numbers them.")],
) -> References:
    """A table of codes of OSS (getDataReferensi), as OSS answers it.

    Where OSS does not answer now, the answer is the one known last: `fresh` is false, and
    `age_seconds` tells how old it is.
    """
    answered = await desk_of(request).query("getDataReferensi", {"kode": code}, keep=())
    content = answered.content
    items = (
        [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []
    )
    return References(items=items, **_age(answered))


@router.post("/license-statuses", operation_id="send_oss_license_status")
async def send_oss_license_status(
    request: Request, caller: AgencyKey, fields: Fields, idempotency_key: IdempotencyKey = None
) -> SubmitResult:
    """Tells OSS how far a licence is (receiveLicenseStatus). Sent once, never repeated.

    The same state may be told again: a licence's clock stops as often as its applicant is asked.
    What was told with an `Idempotency-Key` is told and counted once however often it is sent.
    """
    return await _tell(request, caller, "receiveLicenseStatus", fields, idempotency_key)


@router.post("/licenses", operation_id="send_oss_license")
async def send_oss_license(
    request: Request, caller: AgencyKey, fields: Fields, idempotency_key: IdempotencyKey = None
) -> SubmitResult:
    """Tells OSS of a licence that was issued (receiveLicense). Sent once, never repeated.

    What was told with an `Idempotency-Key` is told once however often it is sent.
    """
    return await _tell(request, caller, "receiveLicense", fields, idempotency_key)


@router.get("/statistics", operation_id="get_oss_statistics")
async def get_oss_statistics(
    request: Request, session: ReadSessionDep, year: YearQuery
) -> Page[OssMonth]:
    """Messages from OSS by month of a year; groups smaller than five are hidden."""
    items = await message_counts(session, get_region(request), year=year)
    return Page(items=items, next=None)


@router.get("/clock", operation_id="get_oss_clock")
async def get_oss_clock(
    request: Request, session: ReadSessionDep, year: YearQuery
) -> Page[OssClockMonth]:
    """How often and how long the clocks of service promises were stopped, by month of a year.

    Counted from what agencies told OSS through this hub; groups smaller than five are hidden.
    """
    return Page(items=await clock_statistics(session, get_region(request), year=year), next=None)


def clock_state(status: str) -> Literal["running", "stopped", "ended"]:
    """What a code does to the clock of the service promise."""
    clock = guide().clock
    if status in clock["stops"]:
        return "stopped"
    ends = (*clock["approved"], *clock["rejected"], *clock["after"])
    return "ended" if status in ends else "running"


def desk_of(request: Request) -> OssService:
    desk: OssService | None = request.app.state.oss
    if desk is None:
        raise NotFound("This hub is not connected to OSS; EMALL_OSS_URL says where it is.")
    return desk


async def _tell(
    request: Request,
    caller: Caller,
    message: Outbound,
    fields: dict[str, Any],
    idempotency_key: str | None,
) -> SubmitResult:
    agency = request.app.state.settings.oss_agency
    if not caller.can_write_for(agency):
        raise NotAllowed(f"Only {agency} tells OSS of licences.")
    if not is_json(fields):
        error = FieldError(pointer="#", parameter=None, detail="must be JSON in UTF-8, not so deep")
        raise Invalid("The message cannot be sent.", errors=[error])
    shape = guide().messages[message]
    body = {shape.root: fields}
    faults = validate_message(message, body)
    if faults:
        raise Invalid(
            "It does not fit the guide of OSS; nothing was sent.",
            errors=[_error(fault, shape.root) for fault in faults],
        )
    if idempotency_key is not None:
        return await _tell_once(request, caller, message, body, idempotency_key)
    answer = await desk_of(request).submit(message, fields)
    try:
        async with request.app.state.database.write_session() as session:
            await _keep_told(request, session, message, body)
    except DATABASE_ERRORS:
        log.exception("OSS was told of a licence, which is missing in the counters")
    return SubmitResult(message=message, answer=answer)


class _Sent(BaseModel):
    """What an `Idempotency-Key` stands for, without what is in it."""

    message: str
    digest: str


async def _tell_once(
    request: Request, caller: Caller, message: Outbound, body: dict[str, Any], idempotency_key: str
) -> SubmitResult:
    """Tells it unless this key told it before; who asks meanwhile waits for the outcome.

    The key is taken for as long as it takes to tell OSS, and given back where OSS does not take it.
    """
    told: SubmitResult | None = None
    [fields] = body.values()
    digest = digest_of(request.app.state.oss_key, body).hex()
    database: Database = request.app.state.database
    try:
        async with database.write_session() as session:
            _, is_new = await claim_idempotency_key(
                session,
                Service.gateway,
                get_region(request),
                caller=caller.subject,
                key=idempotency_key,
                body=_Sent(message=message, digest=digest),
                new_id=new_id(),
                now=datetime.now(UTC),
            )
            if not is_new:
                return SubmitResult(message=message, answer={"kode": "200"})
            told = SubmitResult(
                message=message, answer=await desk_of(request).submit(message, fields)
            )
            await _keep_told(request, session, message, body)
    except DATABASE_ERRORS:
        if told is None:
            detail = "The key cannot be looked up now; nothing was sent."
            raise Unavailable(detail) from None
        log.exception("OSS was told of a licence, which is missing in the counters")
    return told


async def _keep_told(
    request: Request, session: WriteSession, message: Outbound, body: dict[str, Any]
) -> None:
    """Keeps what the counters need; OSS has the message, whatever becomes of them."""
    if message == "receiveLicenseStatus":
        key, now = request.app.state.oss_key, datetime.now(UTC)
        await store_message(session, get_region(request), message, body, key=key, now=now)


def _error(fault: str, root: str) -> FieldError:
    place, _, detail = fault.partition(": ")
    path = place.removeprefix(root).strip(".").replace(".", "/")
    return FieldError(pointer=f"#/{path}" if path else "#", parameter=None, detail=detail)


def _code(content: dict[str, Any], field: str) -> str | None:
    """A code in an answer of OSS; None where something else stands there."""
    value = content.get(field)
    return value if isinstance(value, str) and value else None


def _named(table: str, code: str | None) -> dict[str, str | None]:
    return {"status": code, "status_text": guide().codes[table].get(code or "")}


def _age(answered: OssAnswer) -> dict[str, Any]:
    return {
        "fetched_at": answered.at,
        "age_seconds": answered.age_seconds,
        "fresh": answered.fresh,
    }
