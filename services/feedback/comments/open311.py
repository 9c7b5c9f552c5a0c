"""Comments in the form of Open311 GeoReport v2, for programs that speak it: `/open311/v2/...`.

Its services are the hub's categories; which public service it is about, and of which kind, are
attributes. Its list holds what its sender made public and an agency has looked at. Errors are
the hub's problem documents (RFC 9457), not GeoReport's.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self
from xml.etree import ElementTree

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import text

from services.feedback.comments.cases import Reader, Stored, find_case, reader_of
from services.feedback.comments.contacts import CONSENT
from services.feedback.comments.dependencies import OwnKeys, Sender, TicketPath, TicketToken
from services.feedback.comments.schemas import Email, NewComment, Phone, Said, Ticket
from services.feedback.comments.service_levels import KIND_NAMES, Category, Kind, promises
from services.feedback.comments.submit import file_comment
from services.platform.api_model import ApiModel
from services.platform.concurrency_control import IdempotencyKey
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import CurrentCaller
from services.platform.problems import problem_responses
from services.platform.service import get_region
from services.platform.types import TEXT_PATTERN, ShortText, Slug, UtcDatetime

BASE = "/open311/v2"
router = APIRouter(prefix="/open311", tags=["open311"], responses=problem_responses(401, 422))

OPEN = ("received", "in_progress", "reopened", "forwarded")
MOST = 200
SPAN = timedelta(days=90)
"""What a list spans where nobody says, as GeoReport has it."""

PUBLIC = """
-- Comments that everybody may read: their senders wanted it, and an agency has looked at them.
SELECT * FROM feedback.comment
WHERE region = :region AND is_public AND cardinality(held) = 0 AND verified_at IS NOT NULL
  AND content <> ''
  AND (cardinality(CAST(:tickets AS text[])) = 0 OR ticket = ANY(:tickets))
  AND (cardinality(CAST(:categories AS text[])) = 0 OR category = ANY(:categories))
  AND (CAST(:open AS boolean) IS NULL OR (state = ANY(:open_states)) = :open)
  AND (CAST(:first AS timestamptz) IS NULL OR created_at >= :first)
  AND (CAST(:last AS timestamptz) IS NULL OR created_at <= :last)
ORDER BY id DESC LIMIT :most
"""

Extension = Annotated[Literal["json", "xml"], Path(description="The form of the answer.")]
CategoryPath = Annotated[Category, Path(description="A category: `service_code`.")]


class Open311Service(ApiModel):
    """A category, as GeoReport calls it a service."""

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
    """A further field of a request."""

    variable: bool
    code: str
    datatype: Literal["string", "singlevaluelist"]
    required: bool
    datatype_description: str | None
    order: int
    description: str
    values: list[Open311Value]


class Open311Definition(ApiModel):
    """The further fields of a category."""

    service_code: Category
    attributes: list[Open311Attribute]


class Open311Receipt(ApiModel):
    """What a new request is answered with; its secret comes as header `Ticket-Token`."""

    service_request_id: Ticket
    service_notice: str
    account_id: None = None


class Open311Request(ApiModel):
    """A comment, as GeoReport calls it a request."""

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
    """Where an interface is, and which forms it speaks."""

    specification: str
    url: str
    changeset: str
    type: Literal["production"]
    formats: list[str]


OneReceipt = Annotated[list[Open311Receipt], Field(max_length=1)]
OneRequest = Annotated[list[Open311Request], Field(max_length=1)]
Requests = Annotated[list[Open311Request], Field(max_length=MOST)]


class Discovery(ApiModel):
    """What Open311 interfaces there are."""

    changeset: str
    contact: str
    key_service: str
    endpoints: list[Endpoint]


def _as_a_form_says_it(schema: dict[str, Any]) -> None:
    """A form cannot say null: it leaves a field out, or empty, which is the same."""
    for name, field in schema["properties"].items():
        if name in schema["required"]:
            continue
        kinds = [kind for kind in field.pop("anyOf", ()) if kind != {"type": "null"}]
        if not kinds:
            told = {"title", "description", "default"}
            kinds = [{key: field.pop(key) for key in list(field) if key not in told}]
        elif field.get("default", "") is None:
            del field["default"]
        field["anyOf"] = [*kinds, {"type": "string", "maxLength": 0}]


class Open311Form(BaseModel):
    """A new request as GeoReport sends it; what else it may carry is left out."""

    model_config = ConfigDict(
        extra="ignore", allow_inf_nan=False, json_schema_extra=_as_a_form_says_it
    )

    service_code: Category
    description: Said
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
        description="Needed with `email` or `phone`: the version of the consent that was shown.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.lat is None) != (self.long is None):
            raise ValueError("`lat` and `long` come together")
        if (self.email or self.phone) and self.consent != CONSENT.version:
            raise ValueError(f"a contact needs `attribute[consent]`={CONSENT.version}")
        return self

    def comment(self) -> NewComment:
        """The same as a comment."""
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


def _answer(
    extension: Extension,
    items: Sequence[ApiModel] | ApiModel,
    *,
    names: tuple[str, str],
    **more: Any,
) -> Response:
    """JSON as it is, or XML whose elements have these names."""
    many = not isinstance(items, ApiModel)
    content: Any = (
        [item.model_dump(mode="json") for item in items] if many else items.model_dump(mode="json")
    )
    if extension == "json":
        return JSONResponse(content, **more)
    root = ElementTree.Element(names[0])
    if many:
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
    """Where the Open311 interface of this hub is, and in which forms it answers (GeoReport v2)."""
    public = request.app.state.settings.public_url
    changed = "2026-01-01T00:00:00Z"
    return Discovery(
        changeset=changed,
        contact="/aduan",
        key_service="No key is needed.",
        endpoints=[
            Endpoint(
                specification="http://wiki.open311.org/GeoReport_v2",
                url=f"{str(public).rstrip('/') if public else ''}{BASE}",
                changeset=changed,
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
    """What requests can be about: the categories of comments, each with the same further fields."""
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
        for category in promises().categories
    ]
    return _answer(extension, services, names=("services", "service"))


@router.get(
    "/v2/services/{code}.{extension}",
    operation_id="get_open311_service",
    responses=_with_xml(Open311Definition),
    response_model=None,
)
async def get_open311_service(code: CategoryPath, extension: Extension) -> Response:
    """The further fields of a category: the same for all."""
    definition = Open311Definition(
        service_code=code,
        attributes=[
            _attribute("kind", 1, "Jenis pesan", values=KIND_NAMES),
            _attribute("service", 2, "Kode layanan, seperti ktp-el"),
            _attribute("public", 3, "true: boleh dibaca semua orang"),
            _attribute("consent", 4, "Versi persetujuan, bila email atau phone diisi"),
        ],
    )
    return _answer(extension, definition, names=("service_definition", ""))


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
    keys: OwnKeys,
    caller: CurrentCaller,
    *,
    extension: Extension,
    sender: Sender,
    form: Annotated[Open311Form, Form()],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Files a request; a person looks at it before it counts, unless an agency's key sends it."""
    filed, _ = await file_comment(
        session,
        keys,
        get_region(request),
        form.comment(),
        caller=caller,
        sender=sender,
        source="open311",
        key=idempotency_key,
        now=datetime.now(UTC),
    )
    receipt = Open311Receipt(
        service_request_id=filed.ticket,
        service_notice=f"Tindak lanjut paling lambat {filed.promise.answer_by}; {filed.page}",
    )
    response = _answer(extension, [receipt], names=("service_requests", "request"), status_code=201)
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
    *,
    extension: Extension,
    service_request_id: Annotated[
        str | None,
        Query(
            description="Tickets, with commas between; others do not count then.",
            max_length=999,
            pattern=TEXT_PATTERN,
        ),
    ] = None,
    service_code: Annotated[
        str | None,
        Query(description="Categories, with commas between.", max_length=200, pattern=TEXT_PATTERN),
    ] = None,
    start_date: Annotated[
        UtcDatetime | None, Query(description="Default: 90 days before the end.")
    ] = (None),
    end_date: Annotated[UtcDatetime | None, Query(description="Default: now.")] = None,
    status: Annotated[
        Literal["open", "closed"] | None, Query(description="Those in this state alone.")
    ] = None,
) -> Response:
    """Requests that everybody may read, newest first, at most 200."""
    tickets = _parts(service_request_id)
    last = end_date or datetime.now(UTC)
    first = start_date or max(last, datetime.min.replace(tzinfo=UTC) + SPAN) - SPAN
    rows = await session.execute(
        text(PUBLIC),
        {
            "region": get_region(request),
            "tickets": tickets,
            "categories": _parts(service_code),
            "open": None if status is None else status == "open",
            "open_states": list(OPEN),
            "first": None if tickets else first,
            "last": None if tickets else last,
            "most": MOST,
        },
    )
    shown = [_shown(row, described=True) for row in rows]
    return _answer(extension, shown, names=("service_requests", "request"))


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
    *,
    ticket: TicketPath,
    extension: Extension,
    token: TicketToken = None,
) -> Response:
    """One request; what was said in it where it is public, or with its token or a key."""
    stored = await find_case(session, get_region(request), ticket)
    inner = reader_of(stored, caller, token) is not Reader.anybody
    published = stored.is_public and not stored.held and stored.verified_at is not None
    response = _answer(
        extension,
        [_shown(stored, described=inner or published)],
        names=("service_requests", "request"),
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _parts(listed: str | None) -> list[str]:
    return [part.strip() for part in (listed or "").split(",") if part.strip()]


def _shown(stored: Stored, *, described: bool) -> Open311Request:
    names = {category.code: category.name for category in promises().categories}
    return Open311Request(
        service_request_id=stored.ticket,
        status="open" if stored.state in OPEN else "closed",
        status_notes=stored.state,
        service_name=names[stored.category],
        service_code=stored.category,
        description=stored.content if described else None,
        agency_responsible=stored.agency or None,
        service_notice=None,
        requested_datetime=stored.created_at,
        updated_datetime=stored.updated_at,
        expected_datetime=f"{stored.answer_by}T23:59:59+07:00",
        address=(stored.place or None) if described else None,
        lat=stored.latitude if described else None,
        long=stored.longitude if described else None,
    )
