"""Incidents and maintenance of a link, as administrators of the hub tell citizens."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from services.gateway.link_monitoring.incident_routes import (
    cancel_maintenance,
    open_incident,
    plan_maintenance,
    post_incident_update,
)
from services.gateway.link_monitoring.incidents import NewIncident, NewIncidentUpdate
from services.gateway.link_monitoring.maintenance import NewMaintenance
from services.gateway.portal.workspace.access import Workspace, database_of
from services.gateway.portal.workspace.catalog.fields import RecordForm
from services.gateway.portal.workspace.catalog.reading import read_values
from services.gateway.portal.workspace.catalog.refusals import SAVE, named_errors, own_errors
from services.gateway.portal.workspace.catalog.rendering import form_context
from services.gateway.portal.workspace.catalog.service_records import Slug
from services.gateway.portal.workspace.catalog.values import Content, Values, values_of
from services.gateway.portal.workspace.links.link_fields import (
    INCIDENT_FORM,
    MAINTENANCE_FORM,
    UPDATE_FORM,
    validation_errors,
    with_zone,
)
from services.gateway.portal.workspace.links.link_records import LINKS, Administrator, find_item
from services.platform.problems import ProblemError
from services.platform.router import Router
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True)
class Notice:
    """A form that tells citizens something of a link."""

    form: RecordForm
    title: Message


INCIDENT = Notice(INCIDENT_FORM, N_("Umumkan gangguan"))
UPDATE = Notice(UPDATE_FORM, N_("Kabarkan perkembangan gangguan"))
MAINTENANCE = Notice(MAINTENANCE_FORM, N_("Umumkan pemeliharaan"))


@router.get(f"{LINKS}/{{slug}}/gangguan")
async def show_incident_form(request: Request, workspace: Administrator, slug: Slug) -> Response:
    """Show the form of an incident that checks cannot detect."""
    return await _form(request, workspace, slug, INCIDENT)


@router.post(f"{LINKS}/{{slug}}/gangguan")
async def announce_incident(request: Request, workspace: Administrator, slug: Slug) -> Response:
    """Open an incident, which the page of states shows at once."""

    async def store(record: Content) -> None:
        incident = NewIncident.model_validate({**record, "link": slug})
        async with database_of(request).write_session() as session:
            await open_incident(
                request, Response(), session, caller=workspace.caller, incident=incident
            )

    return await _save(request, workspace, slug, INCIDENT, store)


@router.get(f"{LINKS}/{{slug}}/gangguan/{{id}}")
async def show_update_form(
    request: Request, workspace: Administrator, slug: Slug, id: UUID
) -> Response:
    """Show the form of an update."""
    return await _form(request, workspace, slug, UPDATE)


@router.post(f"{LINKS}/{{slug}}/gangguan/{{id}}")
async def tell_update(request: Request, workspace: Administrator, slug: Slug, id: UUID) -> Response:
    """Add an update to an incident, or close it with one."""

    async def store(record: Content) -> None:
        update = NewIncidentUpdate.model_validate(record)
        async with database_of(request).write_session() as session:
            await post_incident_update(request, session, workspace.caller, id, update)

    return await _save(request, workspace, slug, UPDATE, store)


@router.get(f"{LINKS}/{{slug}}/pemeliharaan")
async def show_maintenance_form(request: Request, workspace: Administrator, slug: Slug) -> Response:
    """Show the form of maintenance."""
    return await _form(request, workspace, slug, MAINTENANCE)


@router.post(f"{LINKS}/{{slug}}/pemeliharaan")
async def announce_maintenance(request: Request, workspace: Administrator, slug: Slug) -> Response:
    """Announce maintenance, during which no incident opens."""

    async def store(record: Content) -> None:
        zoned = with_zone(record, ("starts_at", "ends_at"), workspace.page.zone)
        planned = NewMaintenance.model_validate({**zoned, "link": slug})
        async with database_of(request).write_session() as session:
            await plan_maintenance(request, session, workspace.caller, planned)

    return await _save(request, workspace, slug, MAINTENANCE, store)


@router.post(f"{LINKS}/{{slug}}/pemeliharaan/{{id}}/batal")
async def cancel(request: Request, workspace: Administrator, slug: Slug, id: UUID) -> Response:
    """End current maintenance or cancel upcoming maintenance."""
    try:
        async with database_of(request).write_session() as session:
            await cancel_maintenance(request, session, workspace.caller, id)
    except ProblemError:
        return workspace.page.not_found()
    return workspace.redirect(f"{LINKS}/{slug}")


async def _save(
    request: Request,
    workspace: Workspace,
    slug: str,
    notice: Notice,
    store: Callable[[Content], Awaitable[None]],
) -> Response:
    """Store what was typed, or show what is wrong with it."""
    fields = notice.form.fields
    read = read_values(fields, workspace.fields, {})
    values = values_of(fields, read.content, {})
    errors = own_errors(workspace, read)
    if not errors:
        try:
            await store(read.content)
        except ValidationError as error:
            found = validation_errors(error, workspace.page.language)
        except ProblemError as error:
            if not error.errors or error.errors[0].pointer == "#/link":
                return workspace.page.not_found()
            found = error.errors
        else:
            return workspace.redirect(f"{LINKS}/{slug}")
        errors = named_errors(workspace, found, form=notice.form, values=values)
    return await _form(request, workspace, slug, notice, values=values, errors=errors)


async def _form(
    request: Request,
    workspace: Workspace,
    slug: str,
    notice: Notice,
    *,
    values: Values | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    item = await find_item(request, slug)
    if item is None:
        return workspace.page.not_found()
    title = workspace.page.messages.translate(notice.title)
    context = form_context(
        workspace,
        notice.form,
        values=values or values_of(notice.form.fields, {}, {}),
        tables={},
        errors=errors or {},
        action=request.url.path,
    )
    return workspace.render(
        "workspace/record.html",
        status=422 if errors else 200,
        **context,
        heading=title,
        back=f"{LINKS}/{slug}",
        back_text=workspace.page.in_language(item, "title"),
        button=title,
        tag="",
        changed=[],
        save=SAVE,
    )
