"""`/kelola/pengumuman/{id}/ubah` and `/kelola/pengumuman/baru`: the form that writes a draft."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup
from pydantic import TypeAdapter, ValidationError

from services.gateway.announcements.draft_routes import put_announcement_draft
from services.gateway.announcements.markup import to_html
from services.gateway.announcements.records import WrittenAnnouncement
from services.gateway.portal.workspace.access import Workspace, database_of
from services.gateway.portal.workspace.announcements.announcement_records import (
    ANNOUNCEMENTS,
    Found,
    Writer,
    find_announcement,
    read_service_table,
    write_of,
)
from services.gateway.portal.workspace.announcements.fields import (
    ANNOUNCEMENT_FORM,
    TIMES,
    local_differences,
    with_local_times,
)
from services.gateway.portal.workspace.catalog.differences import ShownDifference, describe
from services.gateway.portal.workspace.catalog.fields import Tables
from services.gateway.portal.workspace.catalog.reading import read_values
from services.gateway.portal.workspace.catalog.refusals import (
    CHANGED,
    NOT_ALLOWED,
    SAVE,
    named_errors,
    own_errors,
)
from services.gateway.portal.workspace.catalog.rendering import form_context
from services.gateway.portal.workspace.catalog.values import (
    Content,
    Values,
    values_of,
    with_more_rows,
)
from services.gateway.portal.workspace.hidden_fields import form_id_of, given_tag
from services.gateway.portal.workspace.links.link_fields import validation_errors, with_zone
from services.gateway.portal.workspace.reasons import reasons_of
from services.platform.differences import Difference
from services.platform.problems import FieldError, ProblemError
from services.platform.router import Router
from services.platform.translation import N_

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

DIFFERENCES: TypeAdapter[list[Difference]] = TypeAdapter(list[Difference])
NO_AGENCY = N_("Pilih dulu instansi yang mengumumkan.")


@dataclass(frozen=True)
class Preview:
    """What citizens would read of what is typed."""

    title: str
    content: Markup
    title_en: str | None
    content_en: Markup | None


@router.get(f"{ANNOUNCEMENTS}/baru")
async def show_new_form(workspace: Writer) -> Response:
    """Show the form of a new announcement."""
    return await _form(workspace, None, content={})


@router.post(f"{ANNOUNCEMENTS}/baru")
async def write_new_draft(request: Request, workspace: Writer) -> Response:
    """Save the draft of a new announcement."""
    return await _save(request, workspace, None)


@router.get(f"{ANNOUNCEMENTS}/{{id}}/ubah")
async def show_form(request: Request, workspace: Writer, id: UUID) -> Response:
    """Show the form with the draft, or with what is published."""
    found = await find_announcement(request, workspace, id)
    if found is None:
        return workspace.page.not_found()
    content = with_local_times(found.written.model_dump(mode="json"), workspace.page.zone)
    return await _form(workspace, found, content=content)


@router.post(f"{ANNOUNCEMENTS}/{{id}}/ubah")
async def write_draft(request: Request, workspace: Writer, id: UUID) -> Response:
    """Save the draft of an announcement; nothing is stored over what somebody else saved."""
    found = await find_announcement(request, workspace, id)
    return workspace.page.not_found() if found is None else await _save(request, workspace, found)


def preview_of(written: WrittenAnnouncement) -> Preview:
    """Return what citizens would read of an announcement."""
    # Sanitised by `to_html`: a few elements, no script, style or image.
    english = None if written.text_en is None else Markup(to_html(written.text_en))  # noqa: S704
    content = Markup(to_html(written.text))  # noqa: S704
    return Preview(written.title, content, written.title_en, english)


async def _save(request: Request, workspace: Workspace, found: Found | None) -> Response:
    fields = workspace.fields
    agency = (found.written.agency if found else workspace.agency or fields.get("instansi")) or ""
    form = ANNOUNCEMENT_FORM
    try:
        tables = await read_service_table(workspace, agency=agency)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if "tambah" in fields:
        kept = read_values(form.fields, fields, tables, keep_blank_rows=True).content
        more = with_more_rows(values_of(form.fields, kept, tables), fields["tambah"])
        return await _form(workspace, found, values=more, tables=tables)
    read = read_values(form.fields, fields, tables)
    values = values_of(form.fields, read.content, tables)
    errors = own_errors(workspace, read)
    if not agency:
        errors["instansi"] = workspace.page.messages.translate(NO_AGENCY)
    if errors:
        return await _form(workspace, found, values=values, tables=tables, errors=errors)
    return await _store(request, workspace, found, {**read.content, "agency": agency}, tables)


async def _store(
    request: Request, workspace: Workspace, found: Found | None, content: Content, tables: Tables
) -> Response:
    """Save what was typed as the draft, or show it as citizens would read it."""
    fields, zone = workspace.fields, workspace.page.zone
    values = values_of(ANNOUNCEMENT_FORM.fields, content, tables)
    tag = given_tag(fields)
    announcement = found.id if found else form_id_of(fields)
    try:
        written = WrittenAnnouncement.model_validate(with_zone(content, TIMES, zone))
        if "pratinjau" in fields:
            preview = preview_of(written)
            return await _form(workspace, found, values=values, tables=tables, preview=preview)
        async with database_of(request).write_session() as session:
            write = write_of(request, workspace, session, tag, only_creates=tag is None)
            await put_announcement_draft(write, announcement, written)
    except ValidationError as error:
        wrong = validation_errors(error, workspace.page.language)
        return await _refuse(workspace, found, values, tables, errors=wrong, status=422)
    except ProblemError as error:
        if error.status != 412 or found or not await _is_saved(request, workspace, announcement):
            changed = DIFFERENCES.validate_python(error.extra.get("differences", []))
            return await _refuse(
                workspace, found, values, tables, errors=error.errors, status=error.status,
                reason=reasons_of(workspace, error),
                changed=describe(
                    local_differences(changed, zone), ANNOUNCEMENT_FORM, tables,
                    workspace.page.messages,
                ),
            )  # fmt: skip
    return workspace.redirect(f"{ANNOUNCEMENTS}/{announcement}")


async def _is_saved(request: Request, workspace: Workspace, id: UUID) -> bool:
    """Return whether the draft that a new form makes is there already: it was sent twice."""
    found = await find_announcement(request, workspace, id)
    return found is not None and found.draft is not None and found.draft.is_own


async def _refuse(
    workspace: Workspace,
    found: Found | None,
    values: Values,
    tables: Tables,
    *,
    errors: list[FieldError],
    status: int,
    reason: str = "",
    changed: list[ShownDifference] | None = None,
) -> Response:
    told = workspace.page.messages.translate
    shown = named_errors(workspace, errors, form=ANNOUNCEMENT_FORM, values=values) or {SAVE: reason}
    if status in {403, 412}:
        shown = {SAVE: told(NOT_ALLOWED if status == 403 else CHANGED)}
    return await _form(
        workspace, found, values=values, tables=tables, errors=shown, changed=changed,
        status=status if status in {403, 412} else 422, is_reread=status == 412,
    )  # fmt: skip


async def _form(
    workspace: Workspace,
    found: Found | None,
    *,
    content: Content | None = None,
    values: Values | None = None,
    tables: Tables | None = None,
    errors: Mapping[str, str] | None = None,
    changed: list[ShownDifference] | None = None,
    preview: Preview | None = None,
    status: int = 422,
    is_reread: bool = False,
) -> Response:
    """Return the form; with `is_reread` saving it again replaces what others saved."""
    agency = found.written.agency if found else workspace.agency
    try:
        tables = tables or await read_service_table(workspace, agency=agency)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if values is None:
        values = values_of(ANNOUNCEMENT_FORM.fields, content or {}, tables)
    is_fresh = is_reread or content is not None
    names = await workspace.agency_names()
    action = f"{ANNOUNCEMENTS}/{found.id}/ubah" if found else f"{ANNOUNCEMENTS}/baru"
    return workspace.render(
        "workspace/announcement-form.html",
        status=status if errors else 200,
        **form_context(
            workspace, ANNOUNCEMENT_FORM, values=values, tables=tables, errors=errors or {},
            action=action,
        ),
        found=found,
        form_id=form_id_of(workspace.fields),
        agency=names.get(agency or "", agency),
        agencies=names,
        tag=(found.draft_tag if found else "") if is_fresh else given_tag(workspace.fields) or "",
        changed=changed or [],
        preview=preview,
        save=SAVE,
        fields=workspace.fields,
    )  # fmt: skip
