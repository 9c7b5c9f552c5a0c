"""Lines of the desk about the catalogue: drafts to review or to mend, services to check."""

from services.catalog.client import DraftItem
from services.gateway.portal.workspace.access import Workspace
from services.gateway.portal.workspace.catalog.service_records import SERVICES
from services.gateway.portal.workspace.tasks import Task

MAX_SERVICES = 5


async def find_drafts_to_review(workspace: Workspace) -> list[Task]:
    """Return the drafts that others wrote and the person can publish."""
    return [
        Task(
            workspace.page.messages.gettext("%(name)s menunggu pemeriksaan Anda", name=draft.name),
            _address(draft),
        )
        for draft in await workspace.once(_own_drafts)
        if draft.state == "in_review" and not draft.is_own
    ]


async def find_refused_drafts(workspace: Workspace) -> list[Task]:
    """Return the drafts that were given back."""
    return [
        Task(
            workspace.page.messages.gettext(
                "%(name)s dikembalikan untuk diperbaiki", name=one.name
            ),
            _address(one),
        )
        for one in await workspace.once(_own_drafts)
        if one.state == "refused"
    ]


async def find_services_to_check(workspace: Workspace) -> list[Task]:
    """Return the services of the agency that are to be checked first."""
    services = await workspace.catalog.list_services_to_check(
        agency=workspace.agency, limit=MAX_SERVICES
    )
    messages = workspace.page.messages
    return [
        Task(
            messages.gettext(
                "Periksa layanan %(name)s: terakhir diperiksa %(day)s",
                name=workspace.page.in_language(each, "name") or each.name,
                day=messages.long_date(each.oldest_check),
            )
            if each.oldest_check is not None
            else messages.gettext(
                "Periksa layanan %(name)s: belum pernah diperiksa",
                name=workspace.page.in_language(each, "name") or each.name,
            ),
            f"{SERVICES}/{each.slug}",
        )
        for each in services
    ]


async def _own_drafts(workspace: Workspace) -> list[DraftItem]:
    return await workspace.catalog.list_drafts(agency=workspace.agency)


def _address(draft: DraftItem) -> str:
    return f"{SERVICES}/{draft.slug}"
