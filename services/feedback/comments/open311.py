"""Comments as Open311 GeoReport v2, for programs that support it: `/open311/v2/...`.

GeoReport's services are the hub's categories; the public service and the kind are attributes. The
list contains the texts of comments that an agency published, as their senders allowed. Errors have
GeoReport's form (`platform/georeport.py`). Programs of other cities send what they send everywhere:
what the hub does not store of a report is named in `service_notice`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any, Literal, Self
from xml.etree import ElementTree

from fastapi import Form, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from sqlalchemy import text
from starlette.datastructures import FormData

from services.feedback.comments.cases import CommentRow, Viewer, find_case, reader_of
from services.feedback.comments.contacts import CONSENT
from services.feedback.comments.dependencies import Keys, Sender, TicketToken
from services.feedback.comments.schemas import CommentText, NewComment, Ticket
from services.feedback.comments.service_levels import KIND_NAMES, Category, Kind, service_levels
from services.feedback.comments.submit import submit_comment
from services.platform.api_model import ApiModel
from services.platform.concurrency_control import IdempotencyKey
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import CurrentCaller
from services.platform.local_time import ZoneDep
from services.platform.personal_data import mask_personal_data
from services.platform.problems import (
    SEE_ERRORS,
    FieldError,
    Invalid,
    NotFound,
    problem_responses,
)
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.settings import Settings
from services.platform.translation import N_
from services.platform.types import TEXT_PATTERN, ShortText, Slug
from services.platform.validation_messages import InvalidValueError

BASE = "/open311/v2"
router = Router(prefix="/open311", tags=["open311"], responses=problem_responses(401, 422))

OPEN = ("received", "in_progress", "reopened", "forwarded")
MAX_REQUESTS = 1_000
"""As in GeoReport, which has no pages."""
LAST_SECOND = time(23, 59, 59)
IGNORED = frozenset({"jurisdiction_id", "api_key"})
"""Fields that have no meaning here: there is one jurisdiction, and no key is needed."""
MAX_NAMED = 10
"""Fields that are not stored, as far as the notice names them."""
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
ServiceCode = Annotated[
    str,
    StringConstraints(pattern=TEXT_PATTERN, max_length=80),
    WithJsonSchema(TypeAdapter(Category).json_schema()),
]
"""An unknown one is 404, as GeoReport has it."""
CategoryPath = Annotated[ServiceCode, Path(description="A category: `service_code`.")]


def _to_lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _to_upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


AnyTicketPath = Annotated[
    Annotated[Ticket, BeforeValidator(_to_upper)], Path(description="The ticket's code.")
]


class Open311Service(ApiModel):
    """A category, which is a service in GeoReport."""

    service_code: Category
    service_name: str
    description: str = Field(description="What belongs to the category, in Indonesian.")
    metadata: bool = Field(description="Whether the category has attributes of its own.")
    type: Literal["realtime"] = Field(
        description="When a request is answered: `realtime`, with its id at once."
    )
    keywords: str = Field(description="Words by which to find it, separated by commas.")
    group: str = Field(description="Group of categories (GeoReport v2).")


class Open311Value(ApiModel):
    """A value of an attribute."""

    key: str = Field(description="Value to send.")
    name: str = Field(description="Name of the value in Indonesian.")


class Open311Attribute(ApiModel):
    """An attribute of a request."""

    variable: bool = Field(
        description="Whether something is to be entered, rather than only shown."
    )
    code: str = Field(description="Name of the attribute in the form, `attribute[code]`.")
    datatype: Literal["string", "singlevaluelist"] = Field(
        description="Kind of input (GeoReport v2)."
    )
    required: bool = Field(description="Whether a value is needed.")
    datatype_description: str | None = Field(
        description="What to enter; null if nothing is to be said."
    )
    order: int = Field(description="Place in the form, from 1.")
    description: str = Field(description="Label of the input, in Indonesian.")
    values: list[Open311Value] = Field(description="Values to choose from; empty for free text.")


class Open311Definition(ApiModel):
    """The attributes of a category."""

    service_code: Category
    attributes: list[Open311Attribute] = Field(
        description="Inputs of the form beside the standard ones."
    )


class Open311Receipt(ApiModel):
    """The receipt of a new request; its secret is in the header `Ticket-Token`."""

    service_request_id: Ticket
    service_notice: str = Field(description="What happens next, in words.")
    account_id: str | None = Field(
        default=None, description="Always null: the hub has no accounts of citizens."
    )


class Open311Request(ApiModel):
    """A comment, which is a request in GeoReport."""

    service_request_id: Ticket
    status: Literal["open", "closed"] = Field(description="Whether it is still being handled.")
    status_notes: str = Field(description="State in the hub's words.")
    service_name: str
    service_code: Category
    description: str | None = Field(description="The text as published; null while it is not.")
    agency_responsible: str | None = Field(
        description="Name of the agency that handles it; null if not decided."
    )
    service_notice: str | None
    requested_datetime: datetime = Field(description="When it was submitted.")
    updated_datetime: datetime = Field(description="When it last changed.")
    expected_datetime: str = Field(description="Last day for the answer.")
    address: str | None = Field(description="Place in words; null if not given.")
    lat: float | None = Field(description="Latitude in degrees (WGS 84); null if not given.")
    long: float | None = Field(description="Longitude in degrees (WGS 84); null if not given.")


class Open311Error(ApiModel):
    """An error as GeoReport writes it; a request may have several."""

    code: int = Field(description="HTTP status of the response, repeated.")
    description: str = Field(description="What is wrong, and what would be right.")


class Endpoint(ApiModel):
    """The URL of an API and its formats."""

    specification: str = Field(description="Specification that the API follows.")
    url: str
    changeset: str = Field(description="When the API last changed (GeoReport v2).")
    type: Literal["production"] = Field(description="Whether it is for production or for tests.")
    formats: list[str] = Field(description="Media types of the answers.")


DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
UNESCAPED_PLUS = re.compile(r"(:\d{2}(?:\.\d+)?) (\d{2}:?\d{2})$", re.ASCII)
CATEGORY: TypeAdapter[Category] = TypeAdapter(Category)
DateText = Annotated[
    str,
    StringConstraints(pattern=TEXT_PATTERN, max_length=40),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
StatusList = Annotated[
    str,
    StringConstraints(pattern="^(open|closed)( ?, ?(open|closed)){0,4}$"),
    BeforeValidator(_to_lower),
]

OneReceipt = Annotated[list[Open311Receipt], Field(max_length=1)]
OneRequest = Annotated[list[Open311Request], Field(max_length=1)]
Requests = Annotated[list[Open311Request], Field(max_length=MAX_REQUESTS)]


class Discovery(ApiModel):
    """The Open311 APIs of the hub."""

    changeset: str = Field(description="When the description last changed (GeoReport v2).")
    contact: str = Field(description="How to reach those who run the hub.")
    key_service: str = Field(description="How to get an API key.")
    endpoints: list[Endpoint] = Field(description="APIs of the hub that follow GeoReport v2.")


OtherText = Annotated[str, StringConstraints(max_length=1_000)]
"""A field of another program that may not be stored, and is checked only if it is."""


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

    service_code: ServiceCode
    description: CommentText = Field(description="What the citizen writes.")
    lat: Annotated[float, Field(ge=-90, le=90)] | None = Field(
        None, description="Latitude in degrees (WGS 84)."
    )
    long: Annotated[float, Field(ge=-180, le=180)] | None = Field(
        None, description="Longitude in degrees (WGS 84)."
    )
    address_string: ShortText | None = Field(None, description="Place in words.")
    email: OtherText | None = None
    phone: OtherText | None = None
    kind: Kind = Field(
        "complaint",
        alias="attribute[kind]",
        description="What the comment is: a complaint, a question, praise or another comment.",
    )
    service: Slug | None = Field(
        None,
        alias="attribute[service]",
        description="Short name of the public service that it is about.",
    )
    public: Literal["true", "false"] = Field(
        "false", alias="attribute[public]", description="Whether the text may be published."
    )
    consent: str | None = Field(
        None,
        alias="attribute[consent]",
        max_length=20,
        description="Version of the consent that was shown; without it `email` and `phone` are not "
        "stored.",
    )

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        if (self.lat is None) != (self.long is None):
            raise InvalidValueError(N_("`lat` dan `long` harus diisi bersama"))
        return self

    @property
    def contact(self) -> dict[str, str | None] | None:
        """The contact, if there is one and its owner agreed that it is stored."""
        if not (self.email or self.phone) or self.consent != CONSENT.version:
            return None
        return {"email": self.email, "phone": self.phone, "consent": CONSENT.version}

    def to_comment(self) -> NewComment:
        """Return the request as a comment; raise `ValidationError` for what is none."""
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
                "contact": self.contact,
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


SINGULAR = {
    "attributes": "attribute",
    "values": "value",
    "endpoints": "endpoint",
    "formats": "format",
}


def _fill(element: ElementTree.Element, item: Mapping[str, Any]) -> None:
    for name, value in item.items():
        inner = ElementTree.SubElement(element, name)
        if isinstance(value, list):
            for one in value:
                part = ElementTree.SubElement(inner, SINGULAR[name])
                if isinstance(one, str):
                    part.text = one
                else:
                    _fill(part, one)
        elif isinstance(value, bool):
            inner.text = str(value).lower()
        elif value is not None:
            inner.text = "".join(c for c in str(value) if c not in "\ufffe\uffff")


def _with_xml(model: Any) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": model, "content": {"text/xml": {"schema": {"type": "string"}}}}}


@router.get("/discovery.json", operation_id="get_open311_discovery")
async def get_open311_discovery(request: Request) -> Discovery:
    """Return the URL and the formats of the hub's Open311 API (GeoReport v2)."""
    settings: Settings = request.app.state.settings
    address = settings.public_address or str(request.base_url).rstrip("/")
    changeset = "2026-01-01T00:00:00Z"
    return Discovery(
        changeset=changeset,
        contact="/aduan",
        key_service="No key is needed.",
        endpoints=[
            Endpoint(
                specification="http://wiki.open311.org/GeoReport_v2",
                url=f"{address}{BASE}",
                changeset=changeset,
                type="production",
                formats=["application/json", "text/xml"],
            )
        ],
    )


@router.get(
    "/discovery.xml",
    operation_id="get_open311_discovery_xml",
    response_class=Response,
    responses={200: {"content": {"text/xml": {"schema": {"type": "string"}}}}},
)
async def get_open311_discovery_xml(request: Request) -> Response:
    """Return the same as XML."""
    return _encode("xml", await get_open311_discovery(request), names=("discovery", ""))


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
    responses=problem_responses(404) | _with_xml(Open311Definition),
    response_model=None,
)
async def get_open311_service(code: CategoryPath, extension: Extension) -> Response:
    """Return the attributes of a category, which are the same for all categories."""
    definition = Open311Definition(
        service_code=_known_category(code),
        attributes=[
            _attribute("kind", 1, "Jenis pesan", values=KIND_NAMES),
            _attribute("service", 2, "Kode layanan, seperti ktp-el"),
            _attribute("public", 3, "true: boleh dibaca semua orang"),
            _attribute("consent", 4, "Versi persetujuan, bila email atau phone diisi"),
        ],
    )
    return _encode(extension, definition, names=("service_definition", ""))


def _known_category(code: str) -> Category:
    """Return the category with this code; raise `NotFound` if there is none."""
    codes = [category.code for category in service_levels().categories]
    if code not in codes:
        raise NotFound(f"service_code {code!r} was not found; it is one of {', '.join(codes)}.")
    return CATEGORY.validate_python(code)


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
    responses=problem_responses(404, 409, 413)
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
    _known_category(form.service_code)
    try:
        comment = form.to_comment()
    except ValidationError as error:  # of a contact, whose fields have its names here
        located = [
            {**item, "loc": ("body", *item["loc"][1:])}
            for item in error.errors(include_input=False)
        ]
        raise RequestValidationError(located, body=form.model_dump()) from None
    filed, _ = await submit_comment(
        session,
        keys,
        get_region(request),
        comment,
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
    if unstored := _unstored(await request.form(), form):
        notice += f"; tidak disimpan: {', '.join(unstored[:MAX_NAMED])}"
    if (form.email or form.phone) and form.contact is None:
        notice += f" (kontak memerlukan attribute[consent]={CONSENT.version})"
    receipt = Open311Receipt(service_request_id=filed.ticket, service_notice=notice)
    response = _encode(extension, [receipt], names=("service_requests", "request"), status_code=201)
    response.headers["Ticket-Token"] = filed.token
    response.headers["Cache-Control"] = "no-store"
    return response


def _unstored(sent: FormData, form: Open311Form) -> list[str]:
    """Return the names of the fields with content that are not stored."""
    stored = {field.alias or name for name, field in Open311Form.model_fields.items()}
    if form.contact is None:
        stored -= {"email", "phone"}
    filled = (name for name, value in sent.multi_items() if not isinstance(value, str) or value)
    return [
        "".join(filter(str.isprintable, name[:40]))
        for name in dict.fromkeys(filled)
        if name not in stored | IGNORED
    ]


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
        DateText | None,
        Query(description="Date, or time with or without a zone; default: 90 days before the end."),
    ] = None,
    end_date: Annotated[
        DateText | None, Query(description="As `start_date`, a date with its day; default: now.")
    ] = None,
    status: Annotated[
        StatusList | None, Query(description="Comma-separated: open, closed.")
    ] = None,
) -> Response:
    """List published requests, newest first, at most 1,000."""
    tickets = [ticket.upper() for ticket in _split(service_request_id)]
    statuses = set(_split(status))
    last = _moment("end_date", end_date, zone, at=time.max) or datetime.now(UTC)
    first = (
        _moment("start_date", start_date, zone, at=time.min)
        or max(last, datetime.min.replace(tzinfo=UTC) + DEFAULT_RANGE) - DEFAULT_RANGE
    )
    rows = await session.execute(
        text(PUBLIC),
        {
            "region": get_region(request),
            "tickets": tickets,
            "categories": _split(service_code),
            "open": "open" in statuses if len(statuses) == 1 else None,
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
    ticket: AnyTicketPath,
    extension: Extension,
    token: TicketToken = None,
) -> Response:
    """Return a request; its text if it is published, or with its token or the agency's key."""
    stored = await find_case(session, get_region(request), ticket)
    has_access = reader_of(stored, caller, token) is not Viewer.public
    shown = mask_personal_data(stored.content).text if has_access else stored.published_text
    response = _encode(
        extension,
        [_to_request(stored, shown, with_place=has_access, zone=zone)],
        names=("service_requests", "request"),
    )
    response.headers["Vary"] = "Ticket-Token"
    if has_access or token is not None:
        response.headers["Cache-Control"] = "private, no-store"
    return response


def _moment(name: str, text: str | None, zone: tzinfo, *, at: time) -> datetime | None:
    """Return a moment in UTC; of a date alone the time `at` of that day in the regency."""
    if text is None:
        return None
    # A query has `+` for a blank, also where a zone's sign was not escaped.
    text = UNESCAPED_PLUS.sub(r"\1+\2", text.strip())
    try:
        if DATE.fullmatch(text):
            found = datetime.combine(date.fromisoformat(text), at)
        else:
            found = datetime.fromisoformat(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        detail = "must be a date or a time, such as 2026-10-01 or 2026-10-01T08:00:00+07:00"
        error = FieldError(pointer=None, parameter=name, detail=detail)
        raise Invalid(SEE_ERRORS, errors=[error]) from None


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
