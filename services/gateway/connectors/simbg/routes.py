"""SIMBG over HTTP: permit numbers and imports of recaps: `/api/v1/simbg/...`."""

import asyncio
from datetime import UTC, date, datetime
from typing import Annotated, Literal

import httpx
from fastapi import Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field, StringConstraints

from services.feedback.client import FeedbackClient
from services.gateway.connectors.base import Connectors
from services.gateway.connectors.simbg.connector import SimbgConnector
from services.gateway.connectors.simbg.permit_numbers import (
    PATTERN,
    PermitNumberError,
    parse_permit_number,
)
from services.gateway.connectors.simbg.recap_import import convert_recap
from services.gateway.link_monitoring.health import LinkHealth, read_link_health
from services.gateway.regency.districts import list_districts
from services.platform.api_model import ApiModel
from services.platform.bounded_process import Limits, call_bounded
from services.platform.database import ReadSessionDep
from services.platform.file_upload import file_body, read_file
from services.platform.identity import UsageWriter
from services.platform.local_time import ZoneDep
from services.platform.parameters import LanguageQuery
from services.platform.problems import (
    Conflict,
    FieldError,
    Invalid,
    NotAllowed,
    NotAuthenticated,
    ProblemError,
    TooLarge,
    Unavailable,
    problem_responses,
)
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.service_client import RequestRejectedError
from services.platform.spreadsheets.model import CSV, ODS, XLSX, SpreadsheetError
from services.platform.spreadsheets.problems import field_errors
from services.platform.spreadsheets.reading import read_sheets
from services.platform.types import DistrictCode, Href, RegionCode

router = Router(prefix=f"{API}/simbg", tags=["connectors"], responses=problem_responses(401, 422))

LINK = "simbg"
MAX_FILE = 2 * 1024 * 1024
SERVICES = {"PBG": "pbg", "SLF": "slf"}
"""Slugs of the two services in the catalogue."""

Number = Annotated[
    str,
    StringConstraints(pattern=PATTERN),
    Path(
        description="Such as SK-PBG-121201-31032024-001.", examples=["SK-PBG-121201-31032024-001"]
    ),
]


class Permit(ApiModel):
    """The parts of a permit's number, and the page of SIMBG for it.

    The state of the permit is not included: SIMBG has no interface for it, see `href`.
    """

    number: str = Field(description="Number of the permit as printed.")
    kind: Literal["PBG", "SLF"] = Field(
        description="Building permit (PBG) or certificate of fitness (SLF)."
    )
    region: RegionCode = Field(description="Regency of the building, such as 12.12.")
    in_this_region: bool = Field(description="Whether the number belongs to this regency.")
    district: DistrictCode = Field(description="District of the building, such as 12.12.01.")
    district_name: str | None = Field(description="Null if this hub does not know the district.")
    issued_on: date = Field(description="The date in the number.")
    sequence: int = Field(description="Sequence number of the day.")
    href: Href = Field(description="The page of SIMBG for this number.")
    portal: LinkHealth | None = Field(
        description="Health of the link `simbg`; null if this hub has no such link."
    )


@router.get("/permits/{number}", operation_id="get_simbg_permit")
async def get_simbg_permit(
    request: Request, session: ReadSessionDep, zone: ZoneDep, number: Number
) -> Permit:
    """Return the parts of the number of a PBG or SLF, with its page of SIMBG.

    The format is that of SIMBG's own program; no regulation describes it. Only SIMBG knows whether
    the permit exists.
    """
    region = get_region(request)
    try:
        permit = parse_permit_number(number, today=datetime.now(zone).date())
    except PermitNumberError as error:
        field_error = FieldError(pointer=None, parameter="number", detail=str(error))
        raise Invalid("SIMBG cannot have issued this number.", errors=[field_error]) from None
    names = dict(await list_districts(session, region))
    health = await read_link_health(session, region, now=datetime.now(UTC), slug=LINK)
    return Permit(
        number=permit.number,
        kind=permit.kind,
        region=permit.region,
        in_this_region=permit.region == region,
        district=permit.district,
        district_name=names.get(permit.district),
        issued_on=permit.day,
        sequence=permit.sequence,
        href=permit.url,
        portal=health.get(LINK),
    )


@router.post(
    "/recaps",
    operation_id="import_simbg_recap",
    responses=problem_responses(400, 403, 409, 413, 415, 503)
    | {200: {"description": "The response of `POST /api/v1/usage/statistics/upload`."}},
    response_class=JSONResponse,
    openapi_extra=file_body(XLSX, ODS, CSV),
)
async def import_simbg_recap(
    request: Request,
    caller: UsageWriter,
    *,
    dry_run: Annotated[bool, Query(description="Validate the file and store nothing.")] = False,
    language: LanguageQuery = "id",
) -> JSONResponse:
    """Import SIMBG's monthly recap (XLSX, ODS or CSV) as statistics of the key's agency.

    A row needs the headings `jenis` (PBG or SLF), `bulan`, and at least one of `masuk`,
    `proses`, `selesai` (or `terbit`), `ditolak`, `dikembalikan`. Every invalid cell is reported as
    `#/<sheet>/<cell>`; a changed figure needs a reason in a column `alasan`; importing the same
    file again changes nothing.
    """
    content = await read_file(
        request, media_type_to_send=XLSX, max_bytes=MAX_FILE, language=language
    )
    try:
        sheets = await call_bounded(Limits(), read_sheets, content, name="Rekap")
        table = await asyncio.to_thread(convert_recap, sheets, services=SERVICES)
    except SpreadsheetError as error:
        raise Invalid(
            "The recap is invalid; nothing was stored.",
            errors=field_errors(error, language),
        ) from None
    connectors: Connectors = request.app.state.connectors
    simbg = connectors.get(SimbgConnector)
    feedback = FeedbackClient(simbg.feedback, auth=simbg.auth_for(caller))
    try:
        receipt = await feedback.upload_statistics(
            table, media_type=XLSX, dry_run=dry_run, language=language
        )
    except RequestRejectedError as error:
        raise _problem_of(error) from None
    except httpx.HTTPError:
        raise Unavailable(
            "The statistics service is unavailable; send the recap again later.",
            retry_after=30,
        ) from None
    return JSONResponse(receipt.model_dump(mode="json"))


def _problem_of(rejected: RequestRejectedError) -> ProblemError:
    """Return the problem that feedback answered with."""
    problem = rejected.problem
    detail = problem.detail or ""
    if rejected.status == NotAuthenticated.status:
        return NotAuthenticated(detail)
    for kind in (NotAllowed, Conflict, TooLarge, Invalid):
        if kind.status == rejected.status:
            return kind(detail, errors=problem.errors)
    return Unavailable(detail)
