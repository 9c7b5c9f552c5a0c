"""Lines of the desk about announcements: drafts to review, and drafts to mend."""

from services.gateway.announcements.routes import list_announcements_written
from services.gateway.announcements.schemas import WrittenAnnouncementItem
from services.gateway.portal.workspace.access import Workspace, database_of
from services.gateway.portal.workspace.announcements.announcement_records import ANNOUNCEMENTS
from services.gateway.portal.workspace.tasks import Task
from services.platform.draft_steps import OpenState
from services.platform.problems import NotAllowed

MOST = 100


async def find_announcements_to_review(workspace: Workspace) -> list[Task]:
    """Return the announcements that others wrote and the person can publish."""
    return [
        Task(
            workspace.page.messages.gettext(
                "Pengumuman “%(title)s” menunggu pemeriksaan Anda", title=each.title
            ),
            f"{ANNOUNCEMENTS}/{each.id}",
        )
        for each in await _find(workspace, "in_review")
        if not each.is_own
    ]


async def find_refused_announcements(workspace: Workspace) -> list[Task]:
    """Return the announcements of the agency that were given back."""
    return [
        Task(
            workspace.page.messages.gettext(
                "Pengumuman “%(title)s” dikembalikan untuk diperbaiki", title=each.title
            ),
            f"{ANNOUNCEMENTS}/{each.id}",
        )
        for each in await _find(workspace, "refused")
        if each.agency == workspace.agency
    ]


async def _find(workspace: Workspace, state: OpenState) -> list[WrittenAnnouncementItem]:
    request = workspace.page.request
    async with database_of(request).read_session() as session:
        try:
            page = await list_announcements_written(
                request, session, caller=workspace.caller, draft=state, limit=MOST
            )
        except NotAllowed:  # of a person who works for no agency
            return []
    return page.items
