"""`/kelola/layanan/{slug}/ubah` and `/kelola/layanan/baru`: the form that writes a draft."""

from collections.abc import Mapping

import httpx
from fastapi.responses import HTMLResponse, Response

from services.gateway.portal.workspace.access import Workspace
from services.gateway.portal.workspace.catalog.differences import ShownDifference, describe
from services.gateway.portal.workspace.catalog.fields import Tables
from services.gateway.portal.workspace.catalog.reading import read_values
from services.gateway.portal.workspace.catalog.refusals import (
    NO_LETTERS,
    SAVE,
    changed_by_others,
    own_errors,
    refused_fields,
)
from services.gateway.portal.workspace.catalog.rendering import form_context
from services.gateway.portal.workspace.catalog.service_fields import (
    SERVICE_FORM,
    complete,
    slug_of,
)
from services.gateway.portal.workspace.catalog.service_records import (
    SERVICES,
    Found,
    Slug,
    Writer,
    find_service,
)
from services.gateway.portal.workspace.catalog.tables import read_tables
from services.gateway.portal.workspace.catalog.values import (
    Content,
    Values,
    values_of,
    with_more_rows,
)
from services.gateway.portal.workspace.hidden_fields import given_tag
from services.platform.router import Router
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

NO_AGENCY = N_("Pilih dulu instansi yang memberi layanan ini.")


@router.get(f"{SERVICES}/baru")
async def show_new_form(workspace: Writer) -> Response:
    """Show the form of a new service."""
    return await _form(workspace, None, content={"channels": [{}]})


@router.post(f"{SERVICES}/baru")
async def write_new_draft(workspace: Writer) -> Response:
    """Save the draft of a new service."""
    return await _save(workspace, None)


@router.get(f"{SERVICES}/{{slug}}/ubah")
async def show_form(workspace: Writer, slug: Slug) -> Response:
    """Show the form with the draft, or with what is published."""
    try:
        found = await find_service(workspace, slug)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if found is None:
        return workspace.page.not_found()
    return await _form(workspace, found, content=dict(found.content))


@router.post(f"{SERVICES}/{{slug}}/ubah")
async def write_draft(workspace: Writer, slug: Slug) -> Response:
    """Save the draft of a service; nothing is stored over what somebody else saved."""
    try:
        found = await find_service(workspace, slug)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    return workspace.page.not_found() if found is None else await _save(workspace, found)


async def _save(workspace: Workspace, found: Found | None) -> Response:
    fields = workspace.fields
    agency = (found.agency if found else workspace.agency or fields.get("instansi")) or ""
    try:
        tables = await read_tables(workspace, agency=agency)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if "tambah" in fields:
        kept = read_values(SERVICE_FORM.fields, fields, tables, keep_blank_rows=True).content
        values = values_of(SERVICE_FORM.fields, kept, tables)
        more = with_more_rows(values, fields["tambah"])
        return await _form(workspace, found, values=more, tables=tables)
    read = read_values(SERVICE_FORM.fields, fields, tables)
    checked_on = workspace.today if fields.get("periksa") == "1" else None
    content = complete(read.content, agency=agency, checked_on=checked_on)
    slug = found.service.slug if found else slug_of(str(content.get("name") or ""))
    content["slug"] = slug
    values = values_of(SERVICE_FORM.fields, content, tables)
    errors = own_errors(workspace, read)
    if not slug:
        errors.setdefault("name", workspace.page.messages.translate(NO_LETTERS))
    if not agency:
        errors["instansi"] = workspace.page.messages.translate(NO_AGENCY)
    if errors:
        return await _form(workspace, found, values=values, errors=errors, tables=tables)
    tag = given_tag(fields)
    try:
        await workspace.catalog.save_draft(
            slug,
            content,
            tag=tag,
            base_version=_base_version(found, tag),
        )
    except httpx.HTTPError as error:
        status, errors = refused_fields(
            workspace, error, form=SERVICE_FORM, values=values, is_new=found is None
        )
        changed = changed_by_others(workspace, error, SERVICE_FORM, tables)
        if status == 412 and found is not None and found.draft is not None and not changed:
            # The form was opened before anybody had begun a draft.
            changed = describe(
                found.draft.differences, SERVICE_FORM, tables, workspace.page.messages
            )
        is_current = isinstance(error, RequestRejectedError) and status == 412
        return await _form(
            workspace, found, values=values, errors=errors, tables=tables, status=status,
            changed=changed, is_reread=is_current,
        )  # fmt: skip
    return workspace.redirect(f"{SERVICES}/{slug}")


def _base_version(found: Found | None, tag: str | None) -> int | None:
    """Return the published version that the form was made from.

    A draft keeps its own, unless others have published since: who saves it then has seen that.
    """
    if found is None or found.published is None or (tag is not None and not found.is_overtaken):
        return None
    return found.published.version


async def _form(
    workspace: Workspace,
    found: Found | None,
    *,
    content: Content | None = None,
    values: Values | None = None,
    errors: Mapping[str, str] | None = None,
    tables: Tables | None = None,
    status: int = 422,
    changed: list[ShownDifference] | None = None,
    is_reread: bool = False,
) -> Response:
    """Return the form; with `is_reread` saving it again replaces what others saved."""
    agency = found.agency if found else workspace.agency
    try:
        tables = tables or await read_tables(workspace, agency=agency)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if values is None:
        values = values_of(SERVICE_FORM.fields, content or {}, tables)
    tag = found.tag if found is not None and (is_reread or content is not None) else None
    if not is_reread and content is None:
        tag = given_tag(workspace.fields)
    return workspace.render(
        "workspace/service-form.html",
        status=status if errors else 200,
        **form_context(
            workspace,
            SERVICE_FORM,
            values=values,
            tables=tables,
            errors=errors or {},
            action=f"{SERVICES}/{found.content['slug']}/ubah" if found else f"{SERVICES}/baru",
        ),
        found=found,
        slug=found.content["slug"] if found else None,
        name=values.get("name", ""),
        agency=tables["agencies"].get(agency or "", agency),
        tag=tag or "",
        changed=changed or [],
        save=SAVE,
        fields=workspace.fields,
    )
