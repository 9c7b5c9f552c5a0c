"""`/kelola/layanan`: the services of an agency, each with its draft and what is done with it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date

import httpx
from fastapi.responses import HTMLResponse, Response

from services.catalog.client import DraftItem, ServiceFreshness, service_content
from services.gateway.portal.workspace.access import NOT_STORED, Workspace
from services.gateway.portal.workspace.catalog.differences import describe
from services.gateway.portal.workspace.catalog.history import show_catalog_versions
from services.gateway.portal.workspace.catalog.refusals import (
    PUBLISHED_VERSION,
    WITHDRAW,
    changed_by_others,
    named_reasons,
    withdrawal_refused,
)
from services.gateway.portal.workspace.catalog.service_fields import SERVICE_FORM
from services.gateway.portal.workspace.catalog.service_records import (
    SERVICES,
    STATES,
    Editor,
    Reviewer,
    Slug,
    Writer,
    find_service,
)
from services.gateway.portal.workspace.catalog.tables import read_tables
from services.gateway.portal.workspace.hidden_fields import tag_of
from services.platform.differences import differences
from services.platform.router import Router
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

COMPONENTS = 14
MAX_REASON = 2000

NEEDS_REASON = N_("Tulis apa yang harus diperbaiki, paling banyak 2.000 huruf.")
OTHER_STATE = N_("Keadaan konsep ini sudah berubah. Baca lagi sebelum melanjutkan.")
SAME_PERSON = N_("Anda ikut menulis konsep ini. Orang lain di instansi Anda yang memeriksanya.")
OVERTAKEN = N_(
    "Versi lain terbit sesudah konsep ini dimulai; perbedaannya di bawah. Buka konsepnya, ambil "
    "yang perlu, dan simpan lagi."
)
INCOMPLETE = N_("Konsep ini menyebut hal yang tidak ada di katalog: %(reasons)s")

Act = Callable[[str, str], Awaitable[None]]


@dataclass(frozen=True)
class ServiceLine:
    """A service of the list."""

    slug: str
    name: str
    agency: str
    state: str | None
    """The state of its draft; None without one."""
    checked_on: date | None
    is_due: bool
    components: int
    is_new: bool


@router.get(SERVICES)
async def list_services(workspace: Editor) -> Response:
    """Show the services of the agency, or those of all agencies without one."""
    try:
        services = await workspace.catalog.list_freshness(agency=workspace.agency)
        drafts = await workspace.catalog.list_drafts(agency=workspace.agency)
    except httpx.HTTPError as error:
        if isinstance(error, RequestRejectedError) and error.status == 403:
            return workspace.render("workspace/services.html", lines=None, agency=None)
        return workspace.page.unavailable()
    by_slug = {each.slug: each for each in drafts}
    published = {each.slug for each in services}
    lines = [
        ServiceLine(each.slug, each.name, each.agency, each.state, None, False, 0, True)
        for each in drafts
        if each.slug not in published
    ]
    lines += [_line(workspace, each, by_slug) for each in services]
    names = await workspace.agency_names()
    return workspace.render(
        "workspace/services.html",
        lines=lines,
        agency=names.get(workspace.agency or "", workspace.agency),
        names=names,
        states=workspace.page.messages.labels(STATES),
        counts=Counter(line.state for line in lines),
        due=sum(line.is_due for line in lines),
        day=workspace.page.messages.long_date,
        of=COMPONENTS,
    )


def _line(
    workspace: Workspace, each: ServiceFreshness, drafts: Mapping[str, DraftItem]
) -> ServiceLine:
    draft = drafts.get(each.slug)
    return ServiceLine(
        each.slug,
        workspace.page.in_language(each, "name") or each.name,
        each.agency,
        None if draft is None else draft.state,
        each.oldest_check,
        each.is_due,
        each.components,
        False,
    )


@router.get(f"{SERVICES}/{{slug}}")
async def show_service(workspace: Editor, slug: Slug) -> Response:
    """Show where a service stands, and what its draft changes of the published version."""
    return await _show(workspace, slug)


@router.get(f"{SERVICES}/{{slug}}/riwayat")
async def show_history(workspace: Editor, slug: Slug) -> Response:
    """Show the published versions of a service and what each changed."""
    try:
        found = await find_service(workspace, slug)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if found is None:
        return workspace.page.not_found()
    return await show_catalog_versions(
        workspace,
        "services",
        slug,
        form=SERVICE_FORM,
        name=workspace.page.in_language(found.service, "name"),
        back=f"{SERVICES}/{slug}",
    )


@router.post(f"{SERVICES}/{{slug}}/tarik")
async def withdraw_service(workspace: Writer, slug: Slug) -> Response:
    """Withdraw a published service to which no other one leads; its versions remain."""
    try:
        tag = tag_of(workspace.fields, PUBLISHED_VERSION)
        await workspace.catalog.withdraw_record("services", slug, tag=tag)
    except httpx.HTTPError as error:
        status = error.status if isinstance(error, RequestRejectedError) else 503
        if status in {404, 410}:
            return workspace.page.not_found()
        refusal = {WITHDRAW: withdrawal_refused(status)}
        return await _show(workspace, slug, errors=refusal, status=status)
    return workspace.redirect(SERVICES)


@router.post(f"{SERVICES}/{{slug}}/ajukan")
async def submit_draft(workspace: Writer, slug: Slug) -> Response:
    """Send a draft to a second person for review."""
    catalog = workspace.catalog

    async def submit(slug: str, tag: str) -> None:
        await catalog.submit_draft(slug, tag=tag)

    return await _act(workspace, slug, submit, at="ajukan")


@router.post(f"{SERVICES}/{{slug}}/terbitkan")
async def publish_draft(workspace: Reviewer, slug: Slug) -> Response:
    """Publish a draft that somebody else wrote."""
    catalog = workspace.catalog

    async def publish(slug: str, tag: str) -> None:
        await catalog.publish_draft(slug, tag=tag)

    return await _act(workspace, slug, publish, at="terbitkan")


@router.post(f"{SERVICES}/{{slug}}/kembalikan")
async def refuse_draft(workspace: Reviewer, slug: Slug) -> Response:
    """Give a draft back to who wrote it, with the reason."""
    catalog, reason = workspace.catalog, workspace.fields.get("alasan", "")
    if not reason or len(reason) > MAX_REASON:
        return await _show(workspace, slug, errors={"alasan": NEEDS_REASON}, status=422)

    async def refuse(slug: str, tag: str) -> None:
        await catalog.refuse_draft(slug, reason, tag=tag)

    return await _act(workspace, slug, refuse, at="alasan")


@router.post(f"{SERVICES}/{{slug}}/buang")
async def discard_draft(workspace: Writer, slug: Slug) -> Response:
    """Discard a draft; what is published stays."""
    catalog = workspace.catalog

    async def discard(slug: str, tag: str) -> None:
        await catalog.discard_draft(slug, tag=tag)

    return await _act(workspace, slug, discard, at="buang")


async def _act(workspace: Workspace, slug: str, act: Act, *, at: str) -> Response:
    """Do something with the draft that the page showed."""
    try:
        await act(slug, tag_of(workspace.fields))
    except httpx.HTTPError as error:
        return await _refuse(workspace, slug, error, at=at)
    try:
        found = await find_service(workspace, slug)
    except httpx.HTTPError:
        return workspace.redirect(SERVICES)
    return workspace.redirect(SERVICES if found is None else f"{SERVICES}/{slug}")


async def _refuse(workspace: Workspace, slug: str, error: httpx.HTTPError, *, at: str) -> Response:
    """Show the service with why nothing was done."""
    if not isinstance(error, RequestRejectedError):
        return await _show(workspace, slug, errors={at: NOT_STORED}, status=503)
    if error.status == 404:
        return workspace.page.not_found()
    if error.status == 403:
        return await _show(workspace, slug, errors={at: SAME_PERSON}, status=403)
    if error.status == 409 and error.problem.errors:
        message, reasons = INCOMPLETE, named_reasons(workspace, error.problem.errors, SERVICE_FORM)
        return await _show(workspace, slug, errors={at: message}, status=409, reasons=reasons)
    try:
        tables = await read_tables(workspace, agency=workspace.agency)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    changed = changed_by_others(workspace, error, SERVICE_FORM, tables)
    message = OVERTAKEN if error.status == 409 and changed else OTHER_STATE
    return await _show(workspace, slug, errors={at: message}, status=error.status)


async def _show(
    workspace: Workspace,
    slug: str,
    *,
    errors: dict[str, Message] | None = None,
    status: int = 200,
    reasons: str = "",
) -> Response:
    messages = workspace.page.messages
    try:
        found = await find_service(workspace, slug)
        if found is None:
            return workspace.page.not_found()
        tables = await read_tables(workspace, agency=found.agency)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    draft = found.draft
    # What a new service says, as differences from nothing.
    changed = draft.differences if draft is not None else []
    if found.published is None:
        changed = differences({}, service_content(found.service))
    return workspace.render(
        "workspace/service.html",
        status=status,
        slug=slug,
        found=found,
        name=workspace.page.in_language(found.service, "name"),
        agency=tables["agencies"].get(found.agency, found.agency),
        state=None if draft is None else messages.translate(STATES[draft.state]),
        states=messages.labels(STATES),
        differences=describe(changed, SERVICE_FORM, tables, messages),
        errors={
            name: messages.translate(text, reasons=reasons) for name, text in (errors or {}).items()
        },
        names=tables["agencies"],
        may_write=workspace.holds("editor", "lead"),
        moment=workspace.page.local_date,
        of=COMPONENTS,
        reason=workspace.fields.get("alasan", ""),
    )
