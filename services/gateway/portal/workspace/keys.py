"""`/kelola/kunci`: keys of the API and links with codes, issued, replaced and revoked by people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Path, Request
from fastapi.responses import HTMLResponse, Response

from services.gateway.api_keys.consumption import count_requests
from services.gateway.api_keys.key_rotation import issue_first_key, list_keys, rotate_key
from services.gateway.api_keys.keys import revoke_key
from services.gateway.api_keys.routes import ApiKey, KeyRequest, KeyRotation
from services.gateway.api_keys.signed_links import (
    MAX_WRONG_CODES,
    SCOPE_OF,
    LinkUse,
    SignedLink,
)
from services.gateway.api_keys.signed_links import issue_link as issue_signed_link
from services.gateway.people.sign_in import SignIn
from services.gateway.portal.secret_links import hub_address
from services.gateway.portal.workspace.access import Workspace, database_of
from services.gateway.portal.workspace.labels import SCOPES as SCOPE_LABELS
from services.gateway.portal.workspace.people import Administrator, ConfirmedAdministrator
from services.platform.api_model import ApiModel
from services.platform.concurrency_control import claim_idempotency_key
from services.platform.database import WriteSession
from services.platform.ids import new_id
from services.platform.problems import Conflict
from services.platform.router import Router
from services.platform.scopes import SCOPES, Scope
from services.platform.service import get_region
from services.platform.settings import Service
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

KEYS = "/kelola/kunci"
MAX_KEYS = 2000
MAX_DAYS, MAX_LINK_DAYS, MAX_OVERLAP = 1825, 366, 90
DEFAULT_DAYS, DEFAULT_LINK_DAYS, DEFAULT_OVERLAP = 365, 30, 7
COUNTED = timedelta(days=30)
"""For how long back the requests of a key are counted."""

LINK_KINDS: Mapping[LinkUse, Message] = {
    "upload": N_("Tautan unggah"),
    "device": N_("Tautan perangkat survei"),
}
NO_USE = N_("Pilih untuk apa tautannya.")
NO_AGENCY = N_("Pilih instansi.")
NO_SCOPE = N_("Pilih sedikitnya satu cakupan.")
BAD_DAYS = N_("Tulis jumlah hari, 1 sampai %(most)s.")
BAD_OVERLAP = N_("Tulis jumlah hari, 0 sampai 90.")
TOO_MANY = N_(
    "Sudah ada dua kunci dengan cakupan ini yang berlaku di instansi itu. Cabut atau ganti salah "
    "satunya."
)
SHOWN_BEFORE = N_(
    "Formulir ini sudah dikirim; rahasianya tidak ditampilkan lagi. Cabut yang itu, lalu buat lagi."
)
NOT_VALID = N_("Kunci ini sudah tidak berlaku.")

KeyId = Annotated[str, Path(pattern=r"^[0-9a-z]{1,40}$")]


@dataclass(frozen=True)
class Secret:
    """What is shown once, and what it is about."""

    id: str
    text: str
    agency: str
    expires_at: datetime
    link: SignedLink | None = None
    replaces: str | None = None
    old_expires_at: datetime | None = None


@router.get(KEYS)
async def show_keys(request: Request, workspace: Administrator, semua: bool = False) -> Response:
    """List the keys and links that are valid, or all, by agency."""
    region, now = get_region(request), datetime.now(UTC)
    async with database_of(request).read_session() as session:
        rows = await list_keys(session, region, agency=None, cursor=None, limit=MAX_KEYS)
        counts = await count_requests(session, region, since=now - COUNTED)
    keys = [ApiKey.model_validate(row) for row in rows]
    names = await workspace.agency_names()
    return workspace.render(
        "workspace/keys.html",
        keys=sorted(
            (key for key in keys if semua or _is_valid(key, now)),
            key=lambda key: (names.get(key.agency, key.agency), key.created_at),
        ),
        is_all=semua,
        others=sum(not _is_valid(key, now) for key in keys),
        counts=counts,
        names=names,
        labels=_labels(workspace, now),
    )


@router.get(f"{KEYS}/baru")
async def show_key_form(workspace: ConfirmedAdministrator) -> Response:
    """Show the form of a new key."""
    return await _key_form(workspace)


@router.post(f"{KEYS}/baru")
async def issue(request: Request, workspace: ConfirmedAdministrator) -> Response:
    """Issue a key and show it once."""
    fields, errors = workspace.fields, dict[str, Message]()
    scopes: list[Scope] = [scope for scope in SCOPES if f"cakupan-{scope}" in fields]
    days = _number(fields, "hari", least=1, most=MAX_DAYS)
    agency = await _agency(workspace)
    if agency is None:
        errors["instansi"] = NO_AGENCY
    if not scopes:
        errors[f"cakupan-{SCOPES[0]}"] = NO_SCOPE
    if days is None:
        errors["hari"] = BAD_DAYS
    if errors or agency is None or days is None:
        return await _key_form(workspace, errors)
    body = KeyRequest(agency=agency, scopes=scopes, days=days)
    now = datetime.now(UTC)
    try:
        async with database_of(request).write_session() as session:
            key_id = await _claim(session, workspace, body, operation="issue key", now=now)
            if key_id is None:
                return await _key_form(workspace, {"kirim": SHOWN_BEFORE}, status=409)
            issued = await issue_first_key(
                session,
                get_region(request),
                agency=agency,
                scopes=scopes,
                now=now,
                lifetime=timedelta(days=days),
                key_id=key_id,
            )
    except Conflict:
        return await _key_form(workspace, {"kirim": TOO_MANY}, status=409)
    return await _secret_page(workspace, Secret(issued.id, issued.key, agency, issued.expires_at))


@router.get(f"{KEYS}/tautan")
async def show_link_form(workspace: ConfirmedAdministrator) -> Response:
    """Show the form of a new link."""
    return await _link_form(workspace)


@router.post(f"{KEYS}/tautan")
async def issue_link(request: Request, workspace: ConfirmedAdministrator) -> Response:
    """Make a link with its code and show both once."""
    errors: dict[str, Message] = {}
    days = _number(workspace.fields, "hari", least=1, most=MAX_LINK_DAYS)
    agency = await _agency(workspace)
    chosen = workspace.fields.get("untuk")
    use: LinkUse | None = next((each for each in SCOPE_OF if each == chosen), None)
    if use is None:
        errors["untuk"] = NO_USE
    if agency is None:
        errors["instansi"] = NO_AGENCY
    if days is None:
        errors["hari"] = BAD_DAYS
    if use is None or agency is None or days is None:
        return await _link_form(workspace, errors)
    key: Ed25519PrivateKey = request.app.state.secrets_key
    sign_in: SignIn = request.app.state.sign_in
    async with database_of(request).write_session() as session:
        link = await issue_signed_link(
            session,
            get_region(request),
            key=key,
            hashes=sign_in.hashes,
            use=use,
            agency=agency,
            now=datetime.now(UTC),
            lifetime=timedelta(days=days),
        )
    text = f"{hub_address(request)}{link.path}"
    return await _secret_page(workspace, Secret(link.id, text, agency, link.expires_at, link=link))


@router.get(f"{KEYS}/{{id}}")
async def show_key(request: Request, workspace: Administrator, id: KeyId) -> Response:
    """Show a key with what can be done about it."""
    return await _key_page(request, workspace, id)


@router.post(f"{KEYS}/{{id}}/ganti")
async def replace(request: Request, workspace: ConfirmedAdministrator, id: KeyId) -> Response:
    """Issue the successor of a key and show it once; the old one stays valid for an overlap."""
    overlap = _number(workspace.fields, "tumpang", least=0, most=MAX_OVERLAP)
    if overlap is None:
        return await _key_page(request, workspace, id, {"tumpang": BAD_OVERLAP})
    body, now = KeyRotation(overlap_days=overlap), datetime.now(UTC)
    try:
        async with database_of(request).write_session() as session:
            new_key_id = await _claim(
                session, workspace, body, operation=f"rotate key {id}", now=now
            )
            if new_key_id is None:
                errors = {"tumpang": SHOWN_BEFORE}
                return await _key_page(request, workspace, id, errors, status=409)
            rotated = await rotate_key(
                session,
                get_region(request),
                id,
                now=now,
                overlap=timedelta(days=overlap),
                new_key_id=new_key_id,
            )
    except Conflict:
        return await _key_page(request, workspace, id, {"tumpang": TOO_MANY}, status=409)
    if rotated is None:
        return await _key_page(request, workspace, id, {"tumpang": NOT_VALID}, status=409)
    new = rotated.new_key
    secret = Secret(
        new.id,
        new.key,
        rotated.agency,
        new.expires_at,
        replaces=id,
        old_expires_at=rotated.old_expires_at,
    )
    return await _secret_page(workspace, secret)


@router.post(f"{KEYS}/{{id}}/cabut")
async def revoke(request: Request, workspace: ConfirmedAdministrator, id: KeyId) -> Response:
    """Revoke a key with those that hang on it, or its whole family."""
    async with database_of(request).write_session() as session:
        revoked = await revoke_key(
            session,
            get_region(request),
            id,
            now=datetime.now(UTC),
            family="keluarga" in workspace.fields,
        )
    if not revoked:
        return await _key_page(request, workspace, id, {"cabut": NOT_VALID}, status=409)
    return workspace.redirect(f"{KEYS}/{id}")


async def _claim(
    session: WriteSession, workspace: Workspace, body: ApiModel, *, operation: str, now: datetime
) -> str | None:
    """Return the id of a key to be made; None if this form made one before."""
    try:
        form = str(UUID(workspace.fields.get("id", "")))
    except ValueError:
        form = None
    claimed, is_new = await claim_idempotency_key(
        session,
        Service.gateway,
        get_region(workspace.page.request),
        caller=workspace.person.subject,
        operation=operation,
        key=form,
        body=body,
        new_id=new_id(),
        now=now,
    )
    return claimed.hex[-12:] if is_new else None


async def _agency(workspace: Workspace) -> str | None:
    """Return the agency that a form names; None if it is none of the catalogue."""
    chosen = workspace.fields.get("instansi", "")
    return chosen if chosen in await workspace.agency_names() else None


def _number(fields: Mapping[str, str], name: str, *, least: int, most: int) -> int | None:
    typed = fields.get(name, "")
    if not (typed.isascii() and typed.isdecimal()) or len(typed) > 6:
        return None
    return int(typed) if least <= int(typed) <= most else None


async def _key_form(
    workspace: Workspace, errors: Mapping[str, Message] | None = None, *, status: int = 422
) -> Response:
    return workspace.render(
        "workspace/key-form.html",
        status=status if errors else 200,
        errors=_texts(workspace, errors, most=MAX_DAYS),
        names=await workspace.agency_names(),
        scopes=workspace.page.messages.labels(SCOPE_LABELS),
        default_days=DEFAULT_DAYS,
        form_id=str(new_id()),
        typed=workspace.fields,
    )


async def _link_form(workspace: Workspace, errors: Mapping[str, Message] | None = None) -> Response:
    return workspace.render(
        "workspace/link-form.html",
        status=422 if errors else 200,
        errors=_texts(workspace, errors, most=MAX_LINK_DAYS),
        names=await workspace.agency_names(),
        default_days=DEFAULT_LINK_DAYS,
        typed=workspace.fields,
    )


async def _key_page(
    request: Request,
    workspace: Workspace,
    id: str,
    errors: Mapping[str, Message] | None = None,
    *,
    status: int = 422,
) -> Response:
    region, now = get_region(request), datetime.now(UTC)
    async with database_of(request).read_session() as session:
        rows = await list_keys(session, region, agency=None, cursor=None, limit=MAX_KEYS)
        counts = await count_requests(session, region, since=now - COUNTED)
    keys = [ApiKey.model_validate(row) for row in rows]
    found = next((key for key in keys if key.id == id), None)
    if found is None:
        return workspace.page.not_found()
    names = await workspace.agency_names()
    return workspace.render(
        "workspace/key.html",
        status=status if errors else 200,
        key=found,
        agency=names.get(found.agency, found.agency),
        is_valid=_is_valid(found, now),
        is_locked=found.wrong_codes >= MAX_WRONG_CODES,
        family=[key for key in keys if key.family == found.family and key.id != id],
        requests=counts.get(id, 0),
        errors=_texts(workspace, errors),
        default_overlap=DEFAULT_OVERLAP,
        form_id=str(new_id()),
        typed=workspace.fields,
        labels=_labels(workspace, now),
    )


async def _secret_page(workspace: Workspace, secret: Secret) -> Response:
    names = await workspace.agency_names()
    return workspace.render(
        "workspace/key-shown.html",
        secret=secret,
        agency=names.get(secret.agency, secret.agency),
        day=workspace.page.local_date,
    )


def _texts(
    workspace: Workspace, errors: Mapping[str, Message] | None, **values: object
) -> dict[str, str]:
    translate = workspace.page.messages.translate
    return {name: translate(message, **values) for name, message in (errors or {}).items()}


def _is_valid(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is None and key.expires_at > now


@dataclass(frozen=True)
class KeyLabels:
    """The words, dates and numbers of keys in the page's language."""

    kind: Callable[[ApiKey], str]
    state: Callable[[ApiKey], str]
    scopes: Callable[[ApiKey], Sequence[str]]
    day: Callable[[datetime], str]
    number: Callable[[int], str]


def _labels(workspace: Workspace, now: datetime) -> KeyLabels:
    messages = workspace.page.messages

    def kind(key: ApiKey) -> str:
        for use, label in LINK_KINDS.items():
            if key.is_link and SCOPE_OF[use] in key.scopes:
                return messages.translate(label)
        return messages.gettext("Kunci")

    def state(key: ApiKey) -> str:
        if key.wrong_codes >= MAX_WRONG_CODES:
            return messages.gettext("Dicabut, kode salah")
        if key.revoked_at is not None:
            return messages.pgettext("key", "Dicabut")
        if key.expires_at <= now:
            return messages.pgettext("key", "Kedaluwarsa")
        return messages.pgettext("key", "Berlaku")

    def scopes(key: ApiKey) -> Sequence[str]:
        return [messages.translate(SCOPE_LABELS[scope]) for scope in key.scopes]

    return KeyLabels(kind, state, scopes, workspace.page.local_date, messages.number)
