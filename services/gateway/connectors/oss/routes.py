"""Queries and messages to OSS over HTTP: `/api/v1/oss/...`."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Body, Path, Request
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from services.gateway.api_keys.keys import AgencyKey
from services.gateway.connectors.base import Connectors
from services.gateway.connectors.oss.connector import OssConnector
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
from services.platform.local_time import ZoneDep
from services.platform.logging import get_logger
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
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service

log = get_logger(__name__)

router = Router(
    prefix=f"{API}/oss",
    tags=["connectors"],
    responses=problem_responses(401, 403, 404, 409, 422, 503),
)

Nib = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{13}$"),
    Path(description="Business identification number: 13 digits."),
]
LicenceId = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,25}$"), Path(description="`id_izin` of OSS.")
]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,3}$")]
Fields = Annotated[
    dict[str, Any], Body(description="Fields of the message, as the guide of OSS defines them.")
]
ClockState = Literal["running", "stopped", "ended"]


class OssResponse(ApiModel):
    """An answer of OSS, with its age."""

    fetched_at: AwareDatetime = Field(description="When OSS gave this answer.")
    age_seconds: int
    fresh: bool = Field(description="False if OSS is unavailable: this is its last known answer.")


class NibStatus(OssResponse):
    """State of a business identification number, without names."""

    nib: str
    status: str | None = Field(description="Code of `status_nib`.")
    status_text: str | None


class NibLicence(ApiModel):
    """A licence that a business applied for with its NIB, in codes."""

    id: str = Field(description="`id_izin`, for `GET licenses/{id}`.")
    code: str | None = Field(description="`kd_izin`.")
    kind: str | None = Field(description="Code of `jenis_izin`.")
    district: str | None = Field(description="`kd_daerah`.")
    status: str | None = Field(description="`status_checklist`.")


class NibLicences(OssResponse):
    """Licences of a business identification number, without names."""

    nib: str
    status: str | None = Field(description="Code of `status_nib`.")
    status_text: str | None
    items: list[NibLicence]


class LicenceStatus(OssResponse):
    """State of a licence."""

    id: str = Field(description="Identifier of the licence at OSS.")
    status: str | None = Field(description="Code of `status_izin`.")
    status_text: str | None
    clock: ClockState = Field(
        description="Clock of the service standard: codes 41 and 43 stop it, 42 and 44 restart "
        "it, approval (50, 57) and refusal (90, 93) end it; 60, 70 and 80 come after the end."
    )


class References(OssResponse):
    """A reference table of OSS."""

    items: list[dict[str, Any]] = Field(description="Rows of the table, with OSS's own fields.")


class SubmitResult(ApiModel):
    """A message that OSS accepted."""

    message: str = Field(description="What OSS answered.")
    answer: dict[str, Any] = Field(
        description="Answer of OSS; only `kode` if this `Idempotency-Key` was used before."
    )


@router.get("/nib/{nib}", operation_id="get_oss_nib")
async def get_oss_nib(request: Request, caller: AgencyKey, nib: Nib) -> NibStatus:
    """Return whether a NIB is active (checkNIB), without names.

    If OSS is unavailable, this is its last known answer: `fresh` is false, and `age_seconds` is the
    age of the answer.
    """
    answer = await _service(request).query("checkNIB", {"nib": nib}, select=("status",))
    status = _code(answer.fields, "status")
    return NibStatus(nib=nib, **_status("status_nib", status), **_freshness(answer))


@router.get("/nib/{nib}/licenses", operation_id="list_oss_nib_licenses")
async def list_oss_nib_licenses(request: Request, caller: AgencyKey, nib: Nib) -> NibLicences:
    """List the licences of a NIB (inqueryNIB), each with the id for `GET licenses/{id}`.

    Names, addresses and files in the answer of OSS are dropped. Nothing of it is stored, so there
    is no last known answer if OSS is unavailable.
    """
    answer = await _service(request).query(
        "inqueryNIB", {"nib": nib}, select=("status_nib", "data_checklist"), store=False
    )
    checklist = answer.fields.get("data_checklist")
    licences = checklist if isinstance(checklist, list) else []
    items = [
        NibLicence(
            id=id_,
            code=_code(licence, "kd_izin"),
            kind=_code(licence, "jenis_izin"),
            district=_code(licence, "kd_daerah"),
            status=_code(licence, "status_checklist"),
        )
        for licence in licences
        if isinstance(licence, dict) and (id_ := _code(licence, "id_izin"))
    ]
    status = _code(answer.fields, "status_nib")
    return NibLicences(nib=nib, **_status("status_nib", status), items=items, **_freshness(answer))


@router.get("/licenses/{license_id}", operation_id="get_oss_license")
async def get_oss_license(
    request: Request, caller: AgencyKey, license_id: LicenceId
) -> LicenceStatus:
    """Return the state of a licence (checkLicenseStatus), and whether its clock is running.

    If OSS is unavailable, this is its last known answer: `fresh` is false, and `age_seconds` is the
    age of the answer.
    """
    answer = await _service(request).query(
        "checkLicenseStatus", {"id_izin": license_id}, select=("kd_status",)
    )
    status = _code(answer.fields, "kd_status")
    return LicenceStatus(
        id=license_id,
        clock=clock_state(status or ""),
        **_status("status_izin", status),
        **_freshness(answer),
    )


@router.get("/references/{code}", operation_id="get_oss_reference")
async def get_oss_reference(
    request: Request,
    caller: AgencyKey,
    code: Annotated[Code, Path(description="Code of the table, as the guide numbers it.")],
) -> References:
    """Return a reference table of OSS (getDataReferensi), unchanged.

    If OSS is unavailable, this is its last known answer: `fresh` is false, and `age_seconds` is the
    age of the answer.
    """
    answer = await _service(request).query("getDataReferensi", {"kode": code}, select=())
    content = answer.content
    items = (
        [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []
    )
    return References(items=items, **_freshness(answer))


@router.post("/license-statuses", operation_id="send_oss_license_status")
async def send_oss_license_status(
    request: Request, caller: AgencyKey, fields: Fields, idempotency_key: IdempotencyKey = None
) -> SubmitResult:
    """Submit the state of a licence to OSS (receiveLicenseStatus); sent once, never retried.

    A state may be submitted again: the clock of a licence may stop several times. Requests with the
    same `Idempotency-Key` are submitted and counted once.
    """
    return await _submit(request, caller, "receiveLicenseStatus", fields, idempotency_key)


@router.post("/licenses", operation_id="send_oss_license")
async def send_oss_license(
    request: Request, caller: AgencyKey, fields: Fields, idempotency_key: IdempotencyKey = None
) -> SubmitResult:
    """Submit an issued licence to OSS (receiveLicense); sent once, never retried.

    Requests with the same `Idempotency-Key` are submitted once.
    """
    return await _submit(request, caller, "receiveLicense", fields, idempotency_key)


@router.get("/statistics", operation_id="get_oss_statistics")
async def get_oss_statistics(
    request: Request, session: ReadSessionDep, zone: ZoneDep, year: YearQuery
) -> Page[OssMonth]:
    """Return the number of messages from OSS by month of a year; counts below five are null."""
    items = await message_counts(session, get_region(request), year=year, zone=zone)
    return Page(items=items, next=None)


@router.get("/clock", operation_id="get_oss_clock")
async def get_oss_clock(
    request: Request, session: ReadSessionDep, zone: ZoneDep, year: YearQuery
) -> Page[OssClockMonth]:
    """Return how often and how long clocks of service standards were stopped, by month of a year.

    Counted from the states that agencies submitted through this hub; counts below five are null.
    """
    items = await clock_statistics(session, get_region(request), year=year, zone=zone)
    return Page(items=items, next=None)


def clock_state(status: str) -> ClockState:
    """Return the state of the service standard's clock after a code."""
    clock = guide().clock
    if status in clock["stops"]:
        return "stopped"
    ends = (*clock["approved"], *clock["rejected"], *clock["after"])
    return "ended" if status in ends else "running"


def _connector(request: Request) -> OssConnector:
    connectors: Connectors = request.app.state.connectors
    return connectors.get(OssConnector)


def _service(request: Request) -> OssService:
    service = _connector(request).service
    if service is None:
        raise NotFound("This hub is not connected to OSS; set EMALL_OSS_URL to connect it.")
    return service


async def _submit(
    request: Request,
    caller: Caller,
    message: Outbound,
    fields: dict[str, Any],
    idempotency_key: str | None,
) -> SubmitResult:
    agency = request.app.state.settings.oss_agency
    if not caller.can_write_for(agency):
        raise NotAllowed(f"Only {agency} may submit licences to OSS.")
    if not is_json(fields):
        detail = "must be valid JSON in UTF-8 and not nested too deeply"
        error = FieldError(pointer="#", parameter=None, detail=detail)
        raise Invalid("The message cannot be sent.", errors=[error])
    schema = guide().messages[message]
    body = {schema.root: fields}
    if errors := validate_message(message, body):
        raise Invalid(
            "The message does not match the guide of OSS; nothing was sent.",
            errors=[_field_error(error, schema.root) for error in errors],
        )
    if idempotency_key is not None:
        return await _submit_idempotent(request, caller, message, body, idempotency_key)
    answer = await _service(request).submit(message, fields)
    try:
        async with request.app.state.database.write_session() as session:
            await _store_submitted(request, session, message, body)
    except DATABASE_ERRORS:
        log.exception("message accepted by OSS but not stored, not counted", message=message)
    return SubmitResult(message=message, answer=answer)


class _MessageIdentity(BaseModel):
    """Identity of a submitted message for its `Idempotency-Key`, without the content."""

    message: str
    digest: str


async def _submit_idempotent(
    request: Request, caller: Caller, message: Outbound, body: dict[str, Any], idempotency_key: str
) -> SubmitResult:
    """Submit the message unless the key was used before; concurrent requests wait for the result.

    The transaction holds the key while OSS is called, and releases it if OSS does not accept.
    """
    result: SubmitResult | None = None
    [fields] = body.values()
    digest = digest_of(_connector(request).message_key, body).hex()
    database: Database = request.app.state.database
    try:
        async with database.write_session() as session:
            _, is_new = await claim_idempotency_key(
                session,
                Service.gateway,
                get_region(request),
                caller=caller.subject,
                operation=message,
                key=idempotency_key,
                body=_MessageIdentity(message=message, digest=digest),
                new_id=new_id(),
                now=datetime.now(UTC),
            )
            if not is_new:
                return SubmitResult(message=message, answer={"kode": "200"})
            answer = await _service(request).submit(message, fields)
            result = SubmitResult(message=message, answer=answer)
            await _store_submitted(request, session, message, body)
    except DATABASE_ERRORS:
        if result is None:
            detail = "The Idempotency-Key cannot be checked now; nothing was sent."
            raise Unavailable(detail) from None
        log.exception("message accepted by OSS but not stored, not counted", message=message)
    return result


async def _store_submitted(
    request: Request, session: WriteSession, message: Outbound, body: dict[str, Any]
) -> None:
    """Store what the statistics need of a message that OSS accepted."""
    if message == "receiveLicenseStatus":
        key, now = _connector(request).message_key, datetime.now(UTC)
        await store_message(session, get_region(request), message, body, key=key, now=now)


def _field_error(error: str, root: str) -> FieldError:
    field, _, detail = error.partition(": ")
    path = field.removeprefix(root).strip(".").replace(".", "/")
    return FieldError(pointer=f"#/{path}" if path else "#", parameter=None, detail=detail)


def _code(content: dict[str, Any], field: str) -> str | None:
    """Return a code in an answer of OSS; None if the field is missing or not a string."""
    value = content.get(field)
    return value if isinstance(value, str) and value else None


def _status(table: str, code: str | None) -> dict[str, str | None]:
    return {"status": code, "status_text": guide().codes[table].get(code or "")}


def _freshness(answer: OssAnswer) -> dict[str, Any]:
    return {
        "fetched_at": answer.fetched_at,
        "age_seconds": answer.age_seconds,
        "fresh": answer.fresh,
    }
