"""Announcements that agencies write, over HTTP: list, versions, withdrawal."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import JsonValue

from services.gateway.announcements.access import (
    AnnouncementReader,
    AnnouncementReview,
    check_reviewer,
    reads_all,
)
from services.gateway.announcements.drafts import lock_drafts
from services.gateway.announcements.listing import list_written
from services.gateway.announcements.schemas import (
    AnnouncementReason,
    AnnouncementVersion,
    AnnouncementVersions,
    WrittenAnnouncementItem,
)
from services.gateway.announcements.versions import Version, find_versions, withdraw_version
from services.platform.conditional_writes import check_version, version_tag
from services.platform.database import ReadSession, ReadSessionDep, WriteSession
from services.platform.draft_steps import OpenState
from services.platform.paging import Page, paginate
from services.platform.parameters import AgencyQuery, Limit
from services.platform.problems import Conflict, NotAllowed, NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.translation import N_, localized

router = Router(
    prefix=f"{API}/announcements", tags=["announcements"], responses=problem_responses(401, 422)
)

AnnouncementPath = Annotated[UUID, Path(description="Id of the announcement.")]


@router.get("/written", operation_id="list_written_announcements", responses=problem_responses(403))
async def list_announcements_written(
    request: Request,
    session: ReadSessionDep,
    *,
    caller: AnnouncementReader,
    agency: AgencyQuery = None,
    draft: Annotated[
        OpenState | None,
        Query(description="Only those whose draft is in this state, such as `in_review`."),
    ] = None,
    cursor: Annotated[
        UUID | None, Query(description="Start of the page; taken from `next`.")
    ] = None,
    limit: Limit = 50,
) -> Page[WrittenAnnouncementItem]:
    """List what the key's agency writes, drafts and published; the lead agency's lists all."""
    region = get_region(request)
    wanted = agency
    if not await reads_all(session, region, caller):
        wanted = agency or caller.agency
        if wanted is None or not caller.can_write_for(wanted):
            raise NotAllowed(f"Announcements of {wanted} are shown to its own keys.")
    items = await list_written(
        session,
        region,
        agency=wanted,
        draft=draft,
        person=caller.person,
        cursor=cursor,
        limit=limit + 1,
        now=datetime.now(UTC),
    )
    return paginate(request, items, limit=limit, cursor_of=lambda item: str(item.id))


@router.get(
    "/{announcement}/versions",
    operation_id="get_announcement_versions",
    responses=problem_responses(403, 404),
)
async def get_announcement_versions(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    caller: AnnouncementReader,
    announcement: AnnouncementPath,
) -> AnnouncementVersions:
    """Return all versions of an announcement, with who published or withdrew each."""
    region = get_region(request)
    versions = await _get_versions(session, region, announcement)
    await check_reviewer(session, region, caller, versions[0].written.agency)
    shown = show_versions(announcement, versions)
    response.headers["ETag"] = version_tag(versions[0].number, shown)
    return shown


@router.post(
    "/{announcement}/withdrawal",
    operation_id="withdraw_announcement",
    responses=problem_responses(403, 404, 409, 412, 428),
)
async def withdraw_announcement(
    write: AnnouncementReview, announcement: AnnouncementPath, withdrawal: AnnouncementReason
) -> AnnouncementVersions:
    """Withdraw an announcement with a reason: pages stop to show it at once, versions remain.

    With the `ETag` of its versions as `If-Match`. A new draft can publish it again.
    """
    session, region = write.session, write.region
    await lock_drafts(session, region)
    versions = await _get_versions(session, region, announcement)
    last = versions[0]
    await check_reviewer(session, region, write.caller, last.written.agency)

    async def content_of(number: int) -> JsonValue:
        found = (each for each in versions if each.number == number)
        return next((each.written.model_dump(mode="json") for each in found), None)

    await check_version(
        write,
        version=last.number,
        tag=version_tag(last.number, show_versions(announcement, versions)),
        current=last.written.model_dump(mode="json"),
        content_of=content_of,
    )
    if last.reason is not None:
        raise Conflict(localized(N_("Pengumuman ini sudah ditarik.")))
    await withdraw_version(
        session,
        region,
        announcement,
        last,
        by=write.caller.actor,
        reason=withdrawal.reason,
        now=datetime.now(UTC),
    )
    versions = await _get_versions(session, region, announcement)
    shown = show_versions(announcement, versions)
    write.response.headers["ETag"] = version_tag(versions[0].number, shown)
    return shown


async def _get_versions(
    session: ReadSession | WriteSession, region: str, announcement: UUID
) -> list[Version]:
    versions = await find_versions(session, region, announcement)
    if not versions:
        raise NotFound(
            f"No agency published an announcement {announcement}; {API}/announcements/written "
            "lists those that agencies write."
        )
    return versions


def show_versions(announcement: UUID, versions: Sequence[Version]) -> AnnouncementVersions:
    """Return the API model of the versions of an announcement, the newest first."""
    return AnnouncementVersions(
        id=announcement,
        agency=versions[0].written.agency,
        visibility=versions[0].visibility(datetime.now(UTC)),
        versions=[
            AnnouncementVersion(
                number=each.number,
                announcement=each.written,
                recorded_at=each.recorded_at,
                recorded_by=each.recorded_by,
                approved_by=each.approved_by,
                reason=each.reason,
                shown_from=each.shown_from,
            )
            for each in versions
        ],
        href=f"{API}/announcements/{announcement}/versions",
    )
