"""Versions of a record of the catalogue: who published each, and what it changed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
from fastapi.responses import Response

from services.catalog.client import Difference
from services.gateway.portal.workspace.access import Workspace
from services.gateway.portal.workspace.catalog.differences import ShownDifference, describe
from services.gateway.portal.workspace.catalog.fields import RecordForm
from services.gateway.portal.workspace.catalog.tables import read_tables
from services.gateway.portal.workspace.evidence.stored_records import author_name

MAX_SHOWN = 20
"""Versions whose changes are shown; of earlier ones author and day."""


@dataclass(frozen=True)
class Version:
    """A version in the list of a record's versions."""

    number: int
    recorded_at: datetime
    recorded_by: str
    withdrawn: bool


ReadChanges = Callable[[int], Awaitable[Sequence[Difference]]]
"""Returns what a version changed of the one before."""


async def show_versions(
    workspace: Workspace,
    versions: Sequence[Version],
    read_changes: ReadChanges,
    *,
    form: RecordForm,
    name: str,
    back: str,
) -> Response:
    """Return the page with the versions of a record, the newest first."""
    try:
        tables = await read_tables(workspace, agency=workspace.agency)
        changes: dict[int, list[ShownDifference]] = {}
        for before, version in zip(versions[1:], versions[:MAX_SHOWN], strict=False):
            if not version.withdrawn and not before.withdrawn:
                found = await read_changes(version.number)
                changes[version.number] = describe(found, form, tables, workspace.page.messages)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    return workspace.render(
        "workspace/record-history.html",
        versions=versions,
        changes=changes,
        name=name,
        back=back,
        author=author_name(workspace, tables["agencies"]),
        at=workspace.page.local_date,
    )


async def show_catalog_versions(
    workspace: Workspace, path: str, key: str, *, form: RecordForm, name: str, back: str
) -> Response:
    """Return the page with the versions of a record that the catalogue keeps.

    `path` is that of the kind in the API.
    """
    catalog = workspace.catalog
    try:
        found = await catalog.list_versions(path, key)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if found is None:
        return workspace.page.not_found()

    async def read_changes(number: int) -> Sequence[Difference]:
        return (await catalog.get_version_changes(path, key, number)).differences

    versions = [
        Version(one.number, one.recorded_at, one.recorded_by, one.withdrawn) for one in found
    ]
    return await show_versions(workspace, versions, read_changes, form=form, name=name, back=back)
