"""What the pages of announcements share: one with its draft and versions, and who enters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from services.gateway.announcements.draft_routes import read_announcement_draft
from services.gateway.announcements.records import WrittenAnnouncement
from services.gateway.announcements.routes import get_announcement_versions
from services.gateway.announcements.schemas import (
    AnnouncementDraft,
    AnnouncementVersions,
    Visibility,
)
from services.gateway.portal.workspace.access import (
    Enter,
    RefusedError,
    Workspace,
    database_of,
)
from services.gateway.portal.workspace.catalog.fields import Tables
from services.platform.conditional_writes import ConditionalWrite
from services.platform.database import WriteSession
from services.platform.draft_steps import OpenState
from services.platform.problems import NotAllowed, NotFound
from services.platform.service import get_region
from services.platform.translation import N_, NC_, Message

ANNOUNCEMENTS = "/kelola/pengumuman"
MAX_SERVICES = 2000

Reader = Annotated[Workspace, Depends(Enter("editor", "approver", "lead"))]
Writer = Annotated[Workspace, Depends(Enter("editor", "lead"))]
Publisher = Annotated[Workspace, Depends(Enter("approver", "lead"))]

STATES: Mapping[OpenState, Message] = {
    "draft": NC_("announcement draft", "Konsep"),
    "in_review": NC_("announcement draft", "Menunggu pemeriksaan"),
    "refused": NC_("announcement draft", "Dikembalikan"),
}
VISIBILITIES: Mapping[Visibility, Message] = {
    "scheduled": NC_("announcement", "Dijadwalkan"),
    "shown": NC_("announcement", "Tampil"),
    "ended": NC_("announcement", "Selesai"),
    "withdrawn": NC_("announcement", "Ditarik"),
}
NOT_YOURS = N_("Pengumuman ini milik instansi lain.")


@dataclass(frozen=True)
class Found:
    """An announcement: its open draft, its versions, or both, with their entity tags."""

    id: UUID
    draft: AnnouncementDraft | None
    draft_tag: str
    history: AnnouncementVersions | None
    history_tag: str

    @property
    def written(self) -> WrittenAnnouncement:
        """The announcement as the draft has it, or without one as the last version has it."""
        if self.draft is not None:
            return self.draft.announcement
        if self.history is None:
            raise ValueError("neither drafted nor published")
        return self.history.versions[0].announcement


async def find_announcement(request: Request, workspace: Workspace, id: UUID) -> Found | None:
    """Return an announcement of the agency; None if there is none.

    Raises:
        RefusedError: The announcement is of another agency.
    """
    caller = workspace.caller
    of_draft, of_history = Response(), Response()
    draft = history = None
    async with database_of(request).read_session() as session:
        try:
            draft = await read_announcement_draft(request, of_draft, session, caller, id)
        except NotFound:
            pass
        except NotAllowed:
            raise RefusedError(NOT_YOURS) from None
        try:
            history = await get_announcement_versions(request, of_history, session, caller, id)
        except NotFound:
            pass
        except NotAllowed:
            raise RefusedError(NOT_YOURS) from None
    if draft is None and history is None:
        return None
    tags = (each.headers.get("ETag", "") for each in (of_draft, of_history))
    return Found(id, draft, next(tags), history, next(tags))


def write_of(
    request: Request,
    workspace: Workspace,
    session: WriteSession,
    tag: str | None,
    *,
    only_creates: bool = False,
) -> ConditionalWrite:
    """Return the request of a page as the operations of the API take it."""
    return ConditionalWrite(
        get_region(request), session, workspace.caller, Response(), tag, only_creates=only_creates
    )


async def read_service_table(workspace: Workspace, *, agency: str | None) -> Tables:
    """Return the services that an announcement can name, those of the agency first."""
    found = await workspace.catalog.list_service_names(most=MAX_SERVICES)
    names: dict[str, str] = {}
    taken: set[str] = set()
    for each in sorted(found, key=lambda one: one.agency.slug != agency):
        name = workspace.page.in_language(each, "name") or each.name
        names[each.slug] = f"{name} ({each.slug})" if name in taken else name
        taken.add(name)
    return {"services": names}
