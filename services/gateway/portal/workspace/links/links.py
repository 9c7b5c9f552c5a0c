"""`/kelola/tautan`: the portals with their state, incidents and maintenance, and their form."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from pydantic import TypeAdapter, ValidationError

from services.gateway.connectors.routes import list_connectors
from services.gateway.connectors.source_leases import list_sources
from services.gateway.link_monitoring.check_routes import check_link
from services.gateway.link_monitoring.edit_routes import delete_link, put_link
from services.gateway.link_monitoring.incidents import list_incidents
from services.gateway.link_monitoring.maintenance import list_maintenance
from services.gateway.link_monitoring.reason_texts import STATE_NAMES, reason_text
from services.gateway.link_monitoring.records import Link
from services.gateway.link_monitoring.routes import LinkItem
from services.gateway.link_monitoring.routes import list_links as list_link_items
from services.gateway.link_monitoring.version_routes import get_link_version, list_link_versions
from services.gateway.portal.workspace.access import Workspace, database_of
from services.gateway.portal.workspace.catalog.differences import ShownDifference, describe
from services.gateway.portal.workspace.catalog.fields import Tables
from services.gateway.portal.workspace.catalog.history import Version, show_versions
from services.gateway.portal.workspace.catalog.reading import read_values
from services.gateway.portal.workspace.catalog.refusals import (
    CHANGED,
    NO_LETTERS,
    NOT_ALLOWED,
    PUBLISHED_VERSION,
    SAVE,
    TAKEN,
    WITHDRAW,
    named_errors,
    own_errors,
    withdrawal_refused,
)
from services.gateway.portal.workspace.catalog.rendering import form_context
from services.gateway.portal.workspace.catalog.service_fields import slug_of
from services.gateway.portal.workspace.catalog.service_records import Slug
from services.gateway.portal.workspace.catalog.tables import read_tables
from services.gateway.portal.workspace.catalog.values import (
    Content,
    Values,
    values_of,
    with_more_rows,
)
from services.gateway.portal.workspace.hidden_fields import given_tag, tag_of
from services.gateway.portal.workspace.links.link_fields import LINK_FORM, validation_errors
from services.gateway.portal.workspace.links.link_records import (
    LINKS,
    Administrator,
    Keeper,
    find_item,
    moment_text,
)
from services.gateway.portal.workspace.reasons import reasons_of
from services.platform.conditional_writes import ConditionalWrite, version_tag
from services.platform.differences import Difference
from services.platform.problems import FieldError, ProblemError
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.translation import N_, NC_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

MOST_INCIDENTS = 20
DIFFERENCES: TypeAdapter[list[Difference]] = TypeAdapter(list[Difference])
BREAKERS: Mapping[str, Message] = {
    "closed": NC_("breaker", "Berjalan"),
    "half_open": NC_("breaker", "Dicoba lagi"),
    "open": NC_("breaker", "Dihentikan sementara"),
}
CHECK = "periksa"
"""The id of the button that checks a link."""
BUSY = N_("Situs itu sedang diperiksa, atau baru saja diperiksa. Coba lagi sepuluh detik lagi.")


@router.get(LINKS)
async def list_links(request: Request, workspace: Keeper) -> Response:
    """Show the portals, those that do not work first, and the connections to other systems."""
    region, now = get_region(request), datetime.now(UTC)
    async with database_of(request).read_session() as session:
        items = (await list_link_items(request, session)).items
        connectors = (await list_connectors(request, session, workspace.caller)).items
        titles = {each.slug: each.content["title"] for each in await list_sources(session, region)}
        planned = await list_maintenance(session, region, now=now, upcoming=True, limit=50)
    order = {"broken": 0, "caution": 1, "pending": 2, "ok": 3}
    messages = workspace.page.messages
    return workspace.render(
        "workspace/links.html",
        links=sorted(items, key=lambda each: (order[each.health.state], each.title)),
        states=messages.labels(STATE_NAMES),
        reason=lambda code: reason_text(code, workspace.page.language),
        at=moment_text(workspace),
        planned=planned,
        connectors=connectors,
        titles=titles,
        breakers=messages.labels(BREAKERS),
    )


@router.get(f"{LINKS}/baru")
async def show_new_form(workspace: Keeper) -> Response:
    """Show the form of a new link."""
    return await _form(workspace, None, content={})


@router.post(f"{LINKS}/baru")
async def add_link(request: Request, workspace: Keeper) -> Response:
    """Publish a new link."""
    return await _save(request, workspace, None)


@router.get(f"{LINKS}/{{slug}}")
async def show_link(request: Request, workspace: Keeper, slug: Slug) -> Response:
    """Show a link with its state, its incidents and its maintenance."""
    return await _show(request, workspace, slug)


@router.post(f"{LINKS}/{{slug}}/periksa")
async def check_now(request: Request, workspace: Administrator, slug: Slug) -> Response:
    """Check a link now."""
    try:
        await check_link(request, workspace.caller, slug)
    except ProblemError as error:
        if error.status == 404:
            return workspace.page.not_found()
        return await _show(request, workspace, slug, errors={CHECK: BUSY}, status=409)
    return workspace.redirect(f"{LINKS}/{slug}")


@router.get(f"{LINKS}/{{slug}}/ubah")
async def show_form(request: Request, workspace: Keeper, slug: Slug) -> Response:
    """Show the form of a link."""
    item = await find_item(request, slug)
    if item is None:
        return workspace.page.not_found()
    return await _form(workspace, item, content=_content(item))


@router.post(f"{LINKS}/{{slug}}/ubah")
async def change_link(request: Request, workspace: Keeper, slug: Slug) -> Response:
    """Publish a change of a link; nothing is stored over what somebody else changed."""
    item = await find_item(request, slug)
    return workspace.page.not_found() if item is None else await _save(request, workspace, item)


@router.get(f"{LINKS}/{{slug}}/riwayat")
async def show_history(request: Request, workspace: Keeper, slug: Slug) -> Response:
    """Show the versions of a link and what each changed."""
    item = await find_item(request, slug)
    if item is None:
        return workspace.page.not_found()
    async with database_of(request).read_session() as session:
        found = await list_link_versions(request, session, slug)

        async def read_changes(number: int) -> Sequence[Difference]:
            return (await get_link_version(request, session, slug, number)).differences

        return await show_versions(
            workspace,
            [Version(one.number, one.recorded_at, one.recorded_by, one.withdrawn)
             for one in found.items],
            read_changes,
            form=LINK_FORM,
            name=workspace.page.in_language(item, "title"),
            back=f"{LINKS}/{slug}",
        )  # fmt: skip


@router.post(f"{LINKS}/{{slug}}/tarik")
async def withdraw_link(request: Request, workspace: Keeper, slug: Slug) -> Response:
    """Withdraw a link to which no service leads any more; its versions remain."""
    try:
        async with database_of(request).write_session() as session:
            tag = tag_of(workspace.fields, PUBLISHED_VERSION)
            write = ConditionalWrite(
                get_region(request), session, workspace.caller, Response(), tag, only_creates=False
            )
            await delete_link(request, write, slug)
    except ProblemError as error:
        if error.status == 404:
            return workspace.page.not_found()
        refusal = {WITHDRAW: withdrawal_refused(error.status)}
        return await _show(request, workspace, slug, errors=refusal, status=error.status)
    return workspace.redirect(LINKS)


def _content(item: LinkItem) -> Content:
    return item.model_dump(mode="json", include=set(Link.model_fields))


async def _show(
    request: Request,
    workspace: Workspace,
    slug: str,
    *,
    errors: Mapping[str, Message] | None = None,
    status: int = 200,
) -> Response:
    region, now = get_region(request), datetime.now(UTC)
    item = await find_item(request, slug)
    if item is None:
        return workspace.page.not_found()
    async with database_of(request).read_session() as session:
        incidents = await list_incidents(
            session, region, link=slug, is_open=None, cursor=None, limit=MOST_INCIDENTS
        )
        planned = await list_maintenance(
            session, region, now=now, link=slug, upcoming=True, limit=MOST_INCIDENTS
        )
    messages = workspace.page.messages
    return workspace.render(
        "workspace/link.html",
        status=status,
        item=item,
        tag=version_tag(item.version, item),
        state=messages.translate(STATE_NAMES[item.health.state]),
        reason=reason_text(item.health.reason, workspace.page.language),
        incidents=incidents,
        planned=planned,
        at=moment_text(workspace),
        errors=messages.labels(errors or {}),
    )


async def _save(request: Request, workspace: Workspace, item: LinkItem | None) -> Response:
    fields = workspace.fields
    try:
        tables = await read_tables(workspace, agency=workspace.agency)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if "tambah" in fields:
        kept = read_values(LINK_FORM.fields, fields, tables, keep_blank_rows=True).content
        more = with_more_rows(values_of(LINK_FORM.fields, kept, tables), fields["tambah"])
        return await _form(workspace, item, values=more, tables=tables)
    read = read_values(LINK_FORM.fields, fields, tables)
    content = read.content
    slug = slug_of(str(content.get("title") or "")) if item is None else item.slug
    content["slug"] = slug
    values = values_of(LINK_FORM.fields, content, tables)
    errors = own_errors(workspace, read)
    if not slug:
        errors.setdefault("title", workspace.page.messages.translate(NO_LETTERS))
    if errors:
        return await _form(workspace, item, values=values, tables=tables, errors=errors)
    tag = given_tag(fields)
    try:
        link = Link.model_validate(content)
        async with database_of(request).write_session() as session:
            write = ConditionalWrite(
                get_region(request), session, workspace.caller, Response(), tag,
                only_creates=tag is None,
            )  # fmt: skip
            await put_link(request, write, slug, link)
    except ValidationError as error:
        found = validation_errors(error, workspace.page.language)
        return await _refuse(workspace, item, values, tables, errors=found, status=422)
    except ProblemError as error:
        changed = DIFFERENCES.validate_python(error.extra.get("differences", []))
        return await _refuse(
            workspace, item, values, tables, errors=error.errors, status=error.status,
            reason=reasons_of(workspace, error),
            changed=describe(changed, LINK_FORM, tables, workspace.page.messages),
        )  # fmt: skip
    return workspace.redirect(f"{LINKS}/{slug}")


async def _refuse(
    workspace: Workspace,
    item: LinkItem | None,
    values: Values,
    tables: Tables,
    *,
    errors: list[FieldError],
    status: int,
    reason: str = "",
    changed: list[ShownDifference] | None = None,
) -> Response:
    told = workspace.page.messages.translate
    shown = named_errors(workspace, errors, form=LINK_FORM, values=values) or {SAVE: reason}
    if status == 403:
        shown = {SAVE: told(NOT_ALLOWED)}
    if status == 412:
        shown = {SAVE: told(CHANGED if item else TAKEN)}
    return await _form(
        workspace, item, values=values, tables=tables, errors=shown, changed=changed,
        status=status if status in {403, 412} else 422, is_reread=status == 412,
    )  # fmt: skip


async def _form(
    workspace: Workspace,
    item: LinkItem | None,
    *,
    content: Content | None = None,
    values: Values | None = None,
    tables: Tables | None = None,
    errors: Mapping[str, str] | None = None,
    changed: list[ShownDifference] | None = None,
    status: int = 422,
    is_reread: bool = False,
) -> Response:
    try:
        tables = tables or await read_tables(workspace, agency=workspace.agency)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if values is None:
        values = values_of(LINK_FORM.fields, content or {}, tables)
    is_fresh = content is not None or is_reread
    present = version_tag(item.version, item) if item else ""
    messages = workspace.page.messages
    return workspace.render(
        "workspace/record.html",
        status=status if errors else 200,
        **form_context(
            workspace, LINK_FORM, values=values, tables=tables, errors=errors or {},
            action=f"{LINKS}/{item.slug}/ubah" if item else f"{LINKS}/baru",
        ),
        heading=messages.gettext("Ubah portal") if item else messages.gettext("Tambah portal"),
        back=f"{LINKS}/{item.slug}" if item else LINKS,
        back_text=messages.gettext("Portal"),
        button=messages.gettext("Simpan dan terbitkan"),
        tag=present if is_fresh else given_tag(workspace.fields) or "",
        changed=changed or [],
        save=SAVE,
    )  # fmt: skip
