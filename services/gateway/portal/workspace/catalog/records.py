"""`/kelola/instansi`, `/kelola/tempat`, `/kelola/sumber`: what services refer to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import httpx
from fastapi import Depends, Path
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel

from services.gateway.portal.workspace.access import Enter, RefusedError, Workspace
from services.gateway.portal.workspace.catalog.differences import ShownDifference
from services.gateway.portal.workspace.catalog.fields import RecordForm, Tables
from services.gateway.portal.workspace.catalog.history import show_catalog_versions
from services.gateway.portal.workspace.catalog.reading import read_values
from services.gateway.portal.workspace.catalog.record_fields import (
    AGENCY_FORM,
    PLACE_FORM,
    SOURCE_FORM,
)
from services.gateway.portal.workspace.catalog.refusals import (
    NO_LETTERS,
    NOT_ALLOWED,
    PUBLISHED_VERSION,
    SAVE,
    WITHDRAW,
    changed_by_others,
    own_errors,
    refused_fields,
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
from services.platform.router import Router
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

KindName = Literal["instansi", "tempat", "sumber"]
Keeper = Annotated[Workspace, Depends(Enter("editor", "lead"))]


@dataclass(frozen=True)
class Kind:
    """A kind of record: its address in the API, its form, its words."""

    path: Literal["agencies", "places", "sources"]
    table: str
    key: Literal["slug", "id"]
    called: Literal["name", "title"]
    """The field that names a record."""
    form: RecordForm
    title: Message
    add: Message
    may_be_withdrawn: bool = True
    """Whether the catalogue withdraws it; sources stay, since what cited them can be read again."""


KINDS: Mapping[KindName, Kind] = {
    "instansi": Kind(
        "agencies", "agencies", "slug", "name", AGENCY_FORM, N_("Instansi"), N_("Tambah instansi")
    ),
    "tempat": Kind(
        "places", "places", "slug", "name", PLACE_FORM, N_("Tempat"), N_("Tambah tempat")
    ),
    "sumber": Kind(
        "sources",
        "sources",
        "id",
        "title",
        SOURCE_FORM,
        N_("Sumber"),
        N_("Tambah sumber"),
        may_be_withdrawn=False,
    ),
}
KindPath = Annotated[KindName, Path()]


@dataclass(frozen=True)
class Found:
    """A stored record with its entity tag."""

    key: str
    content: Content
    tag: str


@router.get("/kelola/katalog/{jenis}")
async def list_records(workspace: Keeper, jenis: KindPath) -> Response:
    """List the records of a kind by name."""
    kind = KINDS[jenis]
    _check_role(workspace, jenis)
    try:
        tables = await read_tables(workspace, agency=workspace.agency)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    return workspace.render(
        "workspace/records.html",
        kind=jenis,
        title=workspace.page.messages.translate(kind.title),
        add=workspace.page.messages.translate(kind.add),
        records=tables[kind.table],
    )


@router.get("/kelola/katalog/{jenis}/baru")
async def show_new_form(workspace: Keeper, jenis: KindPath) -> Response:
    """Show the form of a new record."""
    _check_role(workspace, jenis)
    own: Content = {"agency": workspace.agency} if jenis == "tempat" else {}
    return await _form(workspace, jenis, None, own)


@router.post("/kelola/katalog/{jenis}/baru")
async def add_record(workspace: Keeper, jenis: KindPath) -> Response:
    """Publish a new record."""
    _check_role(workspace, jenis)
    return await _save(workspace, jenis, None)


@router.get("/kelola/katalog/{jenis}/{slug}")
async def show_form(workspace: Keeper, jenis: KindPath, slug: Slug) -> Response:
    """Show the form with a stored record."""
    _check_role(workspace, jenis)
    try:
        found = await _find(workspace, jenis, slug)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if found is None:
        return workspace.page.not_found()
    return await _form(workspace, jenis, found, found.content)


@router.post("/kelola/katalog/{jenis}/{slug}")
async def change_record(workspace: Keeper, jenis: KindPath, slug: Slug) -> Response:
    """Publish a change of a record; nothing is stored over what somebody else changed."""
    _check_role(workspace, jenis)
    try:
        found = await _find(workspace, jenis, slug)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if found is None:
        return workspace.page.not_found()
    return await _save(workspace, jenis, found)


@router.get("/kelola/katalog/{jenis}/{slug}/riwayat")
async def show_history(workspace: Keeper, jenis: KindPath, slug: Slug) -> Response:
    """Show the versions of a record and what each changed."""
    _check_role(workspace, jenis)
    kind = KINDS[jenis]
    try:
        found = await _find(workspace, jenis, slug)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if found is None:
        return workspace.page.not_found()
    return await show_catalog_versions(
        workspace,
        kind.path,
        slug,
        form=kind.form,
        name=workspace.page.in_language(found.content, kind.called),
        back=f"/kelola/katalog/{jenis}/{slug}",
    )


@router.post("/kelola/katalog/{jenis}/{slug}/tarik")
async def withdraw_record(workspace: Keeper, jenis: KindPath, slug: Slug) -> Response:
    """Withdraw an agency or place that nothing refers to any more; its versions remain."""
    _check_role(workspace, jenis)
    kind = KINDS[jenis]
    try:
        found = await _find(workspace, jenis, slug)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if found is None or not kind.may_be_withdrawn:
        return workspace.page.not_found()
    try:
        tag = tag_of(workspace.fields, PUBLISHED_VERSION)
        await workspace.catalog.withdraw_record(kind.path, slug, tag=tag)
    except httpx.HTTPError as error:
        status = error.status if isinstance(error, RequestRejectedError) else 503
        errors = {WITHDRAW: workspace.page.messages.translate(withdrawal_refused(status))}
        return await _form(workspace, jenis, found, found.content, errors=errors, status=status)
    return workspace.redirect(f"/kelola/katalog/{jenis}")


def _check_role(workspace: Workspace, kind: KindName) -> None:
    if kind == "instansi" and not workspace.holds("lead"):
        raise RefusedError(NOT_ALLOWED)


async def _find(workspace: Workspace, name: KindName, slug: str) -> Found | None:
    catalog = workspace.catalog
    record: BaseModel
    match name:
        case "instansi":
            agency = await catalog.find_tagged_agency(slug)
            if agency is None:
                return None
            record, tag = agency[0].agency, agency[1]
        case "tempat":
            place = await catalog.find_tagged_place(slug)
            if place is None:
                return None
            record, tag = place[0].place, place[1]
        case "sumber":
            source = await catalog.find_tagged_source(slug)
            if source is None:
                return None
            record, tag = source
    return Found(slug, record.model_dump(mode="json", exclude={"href"}), tag)


async def _save(workspace: Workspace, name: KindName, found: Found | None) -> Response:
    kind, fields = KINDS[name], workspace.fields
    form = kind.form
    try:
        tables = await read_tables(workspace, agency=workspace.agency)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if "tambah" in fields:
        kept = read_values(form.fields, fields, tables, keep_blank_rows=True).content
        more = with_more_rows(values_of(form.fields, kept, tables), fields["tambah"])
        return await _form(workspace, name, found, {}, values=more, tables=tables)
    read = read_values(form.fields, fields, tables)
    content = read.content
    key = slug_of(str(content.get(kind.called) or "")) if found is None else found.key
    content[kind.key] = key
    errors = own_errors(workspace, read)
    if not key:
        errors.setdefault(kind.called, workspace.page.messages.translate(NO_LETTERS))
    values = values_of(form.fields, content, tables)
    if errors:
        return await _form(workspace, name, found, {}, values=values, tables=tables, errors=errors)
    try:
        await workspace.catalog.put_record(kind.path, key, content, tag=given_tag(fields))
    except httpx.HTTPError as error:
        status, errors = refused_fields(
            workspace, error, form=form, values=values, is_new=found is None
        )
        return await _form(
            workspace, name, found, {}, values=values, tables=tables, errors=errors, status=status,
            changed=changed_by_others(workspace, error, form, tables), is_reread=status == 412,
        )  # fmt: skip
    return workspace.redirect(f"/kelola/katalog/{name}")


async def _form(
    workspace: Workspace,
    name: KindName,
    found: Found | None,
    content: Content,
    *,
    values: Values | None = None,
    tables: Tables | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 422,
    changed: list[ShownDifference] | None = None,
    is_reread: bool = False,
) -> Response:
    """Return the form; with `is_reread` saving it again replaces what others saved."""
    kind = KINDS[name]
    try:
        tables = tables or await read_tables(workspace, agency=workspace.agency)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    is_fresh = values is None or is_reread
    tag = found.tag if found is not None and is_fresh else None
    return workspace.render(
        "workspace/record.html",
        status=status if errors else 200,
        **form_context(
            workspace,
            kind.form,
            values=values_of(kind.form.fields, content, tables) if values is None else values,
            tables=tables,
            errors=errors or {},
            action=f"/kelola/katalog/{name}/{found.key if found else 'baru'}",
        ),
        back=f"/kelola/katalog/{name}",
        back_text=workspace.page.messages.translate(kind.title),
        button=workspace.page.messages.gettext("Simpan dan terbitkan"),
        heading=(found and content.get(kind.called))
        or workspace.page.messages.translate(kind.title if found else kind.add),
        tag=tag or ("" if is_fresh else given_tag(workspace.fields) or ""),
        changed=changed or [],
        save=SAVE,
        history=f"/kelola/katalog/{name}/{found.key}/riwayat" if found else None,
        withdrawal=f"/kelola/katalog/{name}/{found.key}/tarik"
        if found and kind.may_be_withdrawn
        else None,
        present_tag=found.tag if found else "",
    )
