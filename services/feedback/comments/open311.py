"""Comments as Open311 GeoReport v2, for programs that support it: `/open311/v2/...`.

GeoReport's services are the hub's categories; the public service and the kind are attributes. The
list contains the texts of comments that an agency published, as their senders allowed. Errors are
the hub's problem documents (RFC 9457), not GeoReport's.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Annotated, Any, Literal, Self
from xml.etree import ElementTree

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import text

from services.feedback.comments.cases import CommentRow, Viewer, find_case, viewer_of
from services.feedback.comments.contacts import CONSENT
from services.feedback.comments.dependencies import Keys, Sender, TicketPath, TicketToken
from services.feedback.comments.schemas import CommentText, Email, NewComment, Phone, Ticket
from services.feedback.comments.service_levels import KIND_NAMES, Category, Kind, service_levels
from services.feedback.comments.submit import submit_comment
from services.platform.api_model import ApiModel
from services.platform.concurrency_control import IdempotencyKey
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import CurrentCaller
from services.platform.local_time import ZoneDep
from services.platform.personal_data import mask_personal_data
from services.platform.problems import problem_responses
from services.platform.service import get_region
from services.platform.types import TEXT_PATTERN, ShortText, Slug, UtcDatetime

BASE = "/open311/v2"
router = APIRouter(prefix="/open311", tags=["open311"], responses=problem_responses(401, 422))

OPEN = ("received", "in_progress", "reopened", "forwarded")
MAX_REQUESTS = 200
LAST_SECOND = time(23, 59, 59)
DEFAULT_RANGE = timedelta(days=90)
"""The range of a list without dates, as in GeoReport."""

PUBLIC = """
-- Comments that an agency published, as their senders allowed.
SELECT * FROM feedback.comment
WHERE region = :region AND published_text IS NOT NULL
  AND (cardinality(CAST(:tickets AS text[])) = 0 OR ticket = ANY(:tickets))
  AND (cardinality(CAST(:categories AS text[])) = 0 OR category = ANY(:categories))
  AND (CAST(:open AS boolean) IS NULL OR (state = ANY(:open_states)) = :open)
  AND (CAST(:first AS timestamptz) IS NULL OR created_at >= :first)
  AND (CAST(:last AS timestamptz) IS NULL OR created_at <= :last)
ORDER BY id DESC LIMIT :max_requests
"""

Extension = Annotated[Literal["json", "xml"], Path(description="The format of the response.")]
CategoryPath = Annotated[Category, Path(description="A category: `service_code`.")]


class Open311Service(ApiModel):
    """A category, which is a service in GeoReport."""

    service_code: Category
    service_name: str
    description: str
    metadata: bool
    type: Literal["realtime"]
    keywords: str
    group: str


class Open311Value(ApiModel):
    """A value of an attribute."""

    key: str
    name: str


class Open311Attribute(ApiModel):
    """An attribute of a request."""

    variable: bool
    code: str
    datatype: Literal["string", "singlevaluelist"]
    required: bool
    datatype_description: str | None
    order: int
    description: str
    values: list[Open311Value]


class Open311Definition(ApiModel):
    """The attributes of a category."""

    service_code: Category
    attributes: list[Open311Attribute]


class Open311Receipt(ApiModel):
    """The receipt of a new request; its secret is in the header `Ticket-Token`."""

    service_request_id: Ticket
    service_notice: str
    account_id: None = None


class Open311Request(ApiModel):
    """A comment, which is a request in GeoReport."""

    service_request_id: Ticket
    status: Literal["open", "closed"]
    status_notes: str
    service_name: str
    service_code: Category
    description: str | None
    agency_responsible: str | None
    service_notice: str | None
    requested_datetime: datetime
    updated_datetime: datetime
    expected_datetime: str = Field(description="Last day for the answer.")
    address: str | None
    lat: float | None
    long: float | None


class Endpoint(ApiModel):
    """The URL of an API and its formats."""

    specification: str
    url: str
    changeset: str
    type: Literal["production"]
    formats: list[str]


OneReceipt = Annotated[list[Open311Receipt], Field(max_length=1)]
OneRequest = Annotated[list[Open311Request], Field(max_length=1)]
Requests = Annotated[list[Open311Request], Field(max_length=MAX_REQUESTS)]


class Discovery(ApiModel):
    """The Open311 APIs of the hub."""

    changeset: str
    contact: str
    key_service: str
    endpoints: list[Endpoint]


def _to_form_schema(schema: dict[str, Any]) -> None:
    """Replace null in the schema: a form omits a field or sends it empty."""
    for name, field in schema["properties"].items():
        if name in schema["required"]:
            continue
        kinds = [kind for kind in field.pop("anyOf", ()) if kind != {"type": "null"}]
        if not kinds:
            annotations = {"title", "description", "default"}
            kinds = [{key: field.pop(key) for key in list(field) if key not in annotations}]
        elif field.get("default", "") is None:
            del field["default"]
        field["anyOf"] = [*kinds, {"type": "string", "maxLength": 0}]


class Open311Form(BaseModel):
    """A new request in GeoReport's form fields; unknown fields are ignored."""

    model_config = ConfigDict(
        extra="ignore", allow_inf_nan=False, json_schema_extra=_to_form_schema
    )

    service_code: Category
    description: CommentText
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    long: Annotated[float, Field(ge=-180, le=180)] | None = None
    address_string: ShortText | None = None
    email: Email | None = None
    phone: Phone | None = None
    kind: Kind = Field("complaint", alias="attribute[kind]")
    service: Slug | None = Field(None, alias="attribute[service]")
    public: Literal["true", "false"] = Field("false", alias="attribute[public]")
    consent: str | None = Field(
        None,
        alias="attribute[consent]",
        max_length=20,
        description="Required with `email` or `phone`: the version of the consent that was shown.",
    )

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        if (self.lat is None) != (self.long is None):
            raise ValueError("`lat` and `long` must be given together")
        if (self.email or self.phone) and self.consent != CONSENT.version:
            raise ValueError(f"a contact needs `attribute[consent]`={CONSENT.version}")
        return self

    def to_comment(self) -> NewComment:
        """Return the request as a comment."""
        contact = {"email": self.email, "phone": self.phone, "consent": CONSENT.version}
        return NewComment.model_validate(
            {
                "kind": self.kind,
                "category": self.service_code,
                "text": self.description,
                "service": self.service,
                "place": self.address_string,
                "latitude": self.lat,
                "longitude": self.long,
                "public": self.public == "true",
                "contact": contact if self.email or self.phone else None,
            }
        )


def _encode(
    extension: Extension,
    items: Sequence[ApiModel] | ApiModel,
    *,
    names: tuple[str, str],
    **more: Any,
) -> Response:
    """Return items as JSON, or as XML with these element names."""
    is_list = not isinstance(items, ApiModel)
    content: Any = (
        [item.model_dump(mode="json") for item in items]
        if is_list
        else items.model_dump(mode="json")
    )
    if extension == "json":
        return JSONResponse(content, **more)
    root = ElementTree.Element(names[0])
    if is_list:
        for item in content:
            _fill(ElementTree.SubElement(root, names[1]), item)
    else:
        _fill(root, content)
    xml = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(xml, media_type="text/xml; charset=utf-8", **more)


SINGULAR = {"attributes": "attribute", "values": "value"}


def _fill(element: ElementTree.Element, item: Mapping[str, Any]) -> None:
    for name, value in item.items():
        inner = ElementTree.SubElement(element, name)
        if isinstance(value, list):
            for one in value:
                _fill(ElementTree.SubElement(inner, SINGULAR[name]), one)
        elif isinstance(value, bool):
            inner.text = str(value).lower()
        elif value is not None:
            inner.text = "".join(c for c in str(value) if c not in "\ufffe\uffff")


def _with_xml(model: Any) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": model, "content": {"text/xml": {"schema": {"type": "string"}}}}}


@router.get("/discovery.json", operation_id="get_open311_discovery")
async def get_open311_discovery(request: Request) -> Discovery:
    """Return the URL and the formats of the hub's Open311 API (GeoReport v2)."""
    public_url = request.app.state.settings.public_url
    changeset = "2026-01-01T00:00:00Z"
    return Discovery(
        changeset=changeset,
        contact="/aduan",
        key_service="No key is needed.",
        endpoints=[
            Endpoint(
                specification="http://wiki.open311.org/GeoReport_v2",
                url=f"{str(public_url).rstrip('/') if public_url else ''}{BASE}",
                changeset=changeset,
                type="production",
                formats=["application/json", "text/xml"],
            )
        ],
    )


@router.get(
    "/v2/services.{extension}",
    operation_id="list_open311_services",
    responses=_with_xml(list[Open311Service]),
    response_model=None,
)
async def list_open311_services(extension: Extension) -> Response:
    """List the categories of comments, which are the services of GeoReport."""
    services = [
        Open311Service(
            service_code=category.code,
            service_name=category.name,
            description=category.name_en,
            metadata=True,
            type="realtime",
            keywords="",
            group="pelayanan publik",
        )
        for category in service_levels().categories
    ]
    return _encode(extension, services, names=("services", "service"))


@router.get(
    "/v2/services/{code}.{extension}",
    operation_id="get_open311_service",
    responses=_with_xml(Open311Definition),
    response_model=None,
)
async def get_open311_service(code: CategoryPath, extension: Extension) -> Response:
    """Return the attributes of a category, which are the same for all categories."""
    definition = Open311Definition(
        service_code=code,
        attributes=[
            _attribute("kind", 1, "Jenis pesan", values=KIND_NAMES),
            _attribute("service", 2, "Kode layanan, seperti ktp-el"),
            _attribute("public", 3, "true: boleh dibaca semua orang"),
            _attribute("consent", 4, "Versi persetujuan, bila email atau phone diisi"),
        ],
    )
    return _encode(extension, definition, names=("service_definition", ""))


def _attribute(
    code: str,
    order: int,
    description: str,
    *,
    values: Mapping[Kind, tuple[str, str]] | None = None,
) -> Open311Attribute:
    return Open311Attribute(
        variable=True,
        code=code,
        datatype="string" if values is None else "singlevaluelist",
        required=False,
        datatype_description=None,
        order=order,
        description=description,
        values=[Open311Value(key=key, name=names[0]) for key, names in (values or {}).items()],
    )


@router.post(
    "/v2/requests.{extension}",
    operation_id="post_open311_request",
    status_code=201,
    responses=problem_responses(409, 413)
    | {
        201: {
            "model": OneReceipt,
            "content": {"text/xml": {"schema": {"type": "string"}}},
        }
    },
    response_model=None,
)
async def post_open311_request(
    request: Request,
    session: WriteSessionDep,
    keys: Keys,
    caller: CurrentCaller,
    zone: ZoneDep,
    *,
    extension: Extension,
    sender: Sender,
    form: Annotated[Open311Form, Form()],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Submit a request, which a person reviews before it counts unless an agency's key sends it."""
    filed, _ = await submit_comment(
        session,
        keys,
        get_region(request),
        form.to_comment(),
        caller=caller,
        sender=sender,
        source="open311",
        key=idempotency_key,
        now=datetime.now(UTC),
        zone=zone,
    )
    notice = f"Tindak lanjut paling lambat {filed.service_level.answer_by}; {filed.page}"
    if filed.personal_data:
        notice += "; data pribadi dalam pesan disamarkan"
    receipt = Open311Receipt(service_request_id=filed.ticket, service_notice=notice)
    response = _encode(extension, [receipt], names=("service_requests", "request"), status_code=201)
    response.headers["Ticket-Token"] = filed.token
    response.headers["Cache-Control"] = "no-store"
    return response


@router.get(
    "/v2/requests.{extension}",
    operation_id="list_open311_requests",
    responses=_with_xml(Requests),
    response_model=None,
)
async def list_open311_requests(
    request: Request,
    session: ReadSessionDep,
    zone: ZoneDep,
    *,
    extension: Extension,
    service_request_id: Annotated[
        str | None,
        Query(
            description="Comma-separated tickets; other filters by date are ignored.",
            max_length=999,
            pattern=TEXT_PATTERN,
        ),
    ] = None,
    service_code: Annotated[
        str | None,
        Query(description="Comma-separated categories.", max_length=200, pattern=TEXT_PATTERN),
    ] = None,
    start_date: Annotated[
        UtcDatetime | None, Query(description="Default: 90 days before the end.")
    ] = (None),
    end_date: Annotated[UtcDatetime | None, Query(description="Default: now.")] = None,
    status: Annotated[
        Literal["open", "closed"] | None, Query(description="Only this status.")
    ] = None,
) -> Response:
    """List published requests, newest first, at most 200."""
    tickets = _split(service_request_id)
    last = end_date or datetime.now(UTC)
    first = (
        start_date or max(last, datetime.min.replace(tzinfo=UTC) + DEFAULT_RANGE) - DEFAULT_RANGE
    )
    rows = await session.execute(
        text(PUBLIC),
        {
            "region": get_region(request),
            "tickets": tickets,
            "categories": _split(service_code),
            "open": None if status is None else status == "open",
            "open_states": list(OPEN),
            "first": None if tickets else first,
            "last": None if tickets else last,
            "max_requests": MAX_REQUESTS,
        },
    )
    requests = [_to_request(row, row.published_text, with_place=False, zone=zone) for row in rows]
    return _encode(extension, requests, names=("service_requests", "request"))


@router.get(
    "/v2/requests/{ticket}.{extension}",
    operation_id="get_open311_request",
    responses=problem_responses(403, 404) | _with_xml(OneRequest),
    response_model=None,
)
async def get_open311_request(
    request: Request,
    session: ReadSessionDep,
    caller: CurrentCaller,
    zone: ZoneDep,
    *,
    ticket: TicketPath,
    extension: Extension,
    token: TicketToken = None,
) -> Response:
    """Return a request; its text if it is published, or with its token or the agency's key."""
    stored = await find_case(session, get_region(request), ticket)
    has_access = viewer_of(stored, caller, token) is not Viewer.public
    shown = mask_personal_data(stored.content).text if has_access else stored.published_text
    response = _encode(
        extension,
        [_to_request(stored, shown, with_place=has_access, zone=zone)],
        names=("service_requests", "request"),
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _split(listed: str | None) -> list[str]:
    return [part.strip() for part in (listed or "").split(",") if part.strip()]


def _to_request(
    stored: CommentRow, shown: str | None, *, with_place: bool, zone: tzinfo
) -> Open311Request:
    """Return a request with this text.

    Only the text is published: its writer allowed nothing else, and the place may be their home.
    """
    names = {category.code: category.name for category in service_levels().categories}
    return Open311Request(
        service_request_id=stored.ticket,
        status="open" if stored.state in OPEN else "closed",
        status_notes=stored.state,
        service_name=names[stored.category],
        service_code=stored.category,
        description=shown,
        agency_responsible=stored.agency or None,
        service_notice=None,
        requested_datetime=stored.created_at,
        updated_datetime=stored.updated_at,
        expected_datetime=datetime.combine(stored.answer_by, LAST_SECOND, zone).isoformat(),
        address=(mask_personal_data(stored.place).text or None) if with_place else None,
        lat=stored.latitude if with_place else None,
        long=stored.longitude if with_place else None,
    )
