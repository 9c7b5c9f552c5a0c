"""Drafts of announcements over HTTP: write, submit, refuse, publish, discard."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import Request, Response
from pydantic import JsonValue

from services.gateway.announcements.access import (
    AnnouncementPut,
    AnnouncementReader,
    AnnouncementReview,
    AnnouncementWrite,
    check_author,
    check_reviewer,
)
from services.gateway.announcements.drafts import (
    Draft,
    count_open_drafts,
    find_agency,
    find_draft,
    find_revision,
    get_draft,
    lock_drafts,
    store_step,
)
from services.gateway.announcements.markup import to_html
from services.gateway.announcements.records import WrittenAnnouncement
from services.gateway.announcements.references import find_services
from services.gateway.announcements.routes import AnnouncementPath, show_versions
from services.gateway.announcements.schemas import (
    AnnouncementDraft,
    AnnouncementDraftStep,
    AnnouncementReason,
    AnnouncementVersions,
)
from services.gateway.announcements.versions import (
    find_last_version,
    find_versions,
    publish_version,
)
from services.gateway.connectors.announcements.store import get_by_id
from services.platform.conditional_writes import ConditionalWrite, check_version, version_tag
from services.platform.database import ReadSession, ReadSessionDep, WriteSession
from services.platform.differences import differences
from services.platform.draft_steps import State
from services.platform.identity import Caller
from services.platform.problems import Conflict, FieldError, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.translation import N_, localized

router = Router(
    prefix=f"{API}/announcements/{{announcement}}/draft",
    tags=["announcements"],
    responses=problem_responses(401, 422),
)

MAX_OPEN_DRAFTS = 200
"""Open drafts of an agency."""
STEP_RESPONSES = problem_responses(403, 404, 409, 412, 428)


@router.get("", operation_id="get_announcement_draft", responses=problem_responses(403, 404))
async def read_announcement_draft(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    caller: AnnouncementReader,
    announcement: AnnouncementPath,
) -> AnnouncementDraft:
    """Return the open draft of an announcement, as it will look and with what it changes."""
    region = get_region(request)
    draft = await get_draft(session, region, announcement)
    await check_reviewer(session, region, caller, draft.written.agency)
    shown = await _show(session, region, draft, caller)
    response.headers["ETag"] = version_tag(draft.last.revision, shown)
    return shown


@router.put(
    "",
    operation_id="put_announcement_draft",
    responses={201: {"model": AnnouncementDraft}} | problem_responses(403, 409, 412, 413, 428),
)
async def put_announcement_draft(
    write: AnnouncementPut, announcement: AnnouncementPath, written: WrittenAnnouncement
) -> AnnouncementDraft:
    """Save the draft of a new or published announcement; what pages show does not change.

    The author chooses the id of a new one, so that one that is sent twice is one. A draft that is
    changed is no longer in review.
    """
    session, region = write.session, write.region
    await lock_drafts(session, region)
    await _check_agency(write, announcement, written)
    draft = await find_draft(session, region, announcement)
    if draft is None:
        write.check_creation(f"draft of {announcement}")
        if await count_open_drafts(session, region, written.agency) >= MAX_OPEN_DRAFTS:
            many = N_(
                "%(agency)s mempunyai %(most)s konsep terbuka; terbitkan atau buang sebagian."
            )
            raise Conflict(localized(many, agency=written.agency, most=MAX_OPEN_DRAFTS))
    else:
        await _check_revision(write, draft)
    last = await find_last_version(session, region, announcement)
    await store_step(
        session,
        region,
        announcement,
        written,
        "draft",
        base_version=None if last is None else last.number,
        caller=write.caller,
        now=datetime.now(UTC),
    )
    write.response.status_code = 201 if draft is None else 200
    return await _answer(write, announcement)


@router.delete(
    "",
    operation_id="delete_announcement_draft",
    status_code=204,
    responses=STEP_RESPONSES,
)
async def delete_announcement_draft(
    write: AnnouncementWrite, announcement: AnnouncementPath
) -> None:
    """Discard the open draft of an announcement; what is published stays."""
    draft = await _find_to_write(write, announcement)
    await _store(write, draft, "discarded")


@router.post("/review", operation_id="submit_announcement_draft", responses=STEP_RESPONSES)
async def submit_announcement_draft(
    request: Request, write: AnnouncementWrite, announcement: AnnouncementPath
) -> AnnouncementDraft:
    """Submit a draft for review by a second person; the services that it names must exist."""
    draft = await _find_to_write(write, announcement)
    if draft.last.state == "in_review":
        raise Conflict(localized(N_("Konsep ini sudah diajukan.")))
    _check_end(draft)
    await find_services(request, draft.written)
    await _store(write, draft, "in_review")
    return await _answer(write, announcement)


@router.post("/refusal", operation_id="refuse_announcement_draft", responses=STEP_RESPONSES)
async def refuse_announcement_draft(
    write: AnnouncementReview, announcement: AnnouncementPath, refusal: AnnouncementReason
) -> AnnouncementDraft:
    """Refuse a draft that is in review, with the reason; its author changes it.

    Only by a second person: with another key than those that wrote the draft.
    """
    draft = await _find_to_review(write, announcement)
    await _store(write, draft, "refused", reason=refusal.reason)
    return await _answer(write, announcement)


@router.post("/publication", operation_id="publish_announcement_draft", responses=STEP_RESPONSES)
async def publish_announcement_draft(
    request: Request, write: AnnouncementReview, announcement: AnnouncementPath
) -> AnnouncementVersions:
    """Publish a draft that is in review as the next version of its announcement.

    Only by a second person: with another key than those that wrote the draft. Pages show it at
    once, or from `publish_from`. If it was withdrawn since the draft was saved, the answer is 409.
    """
    session, region = write.session, write.region
    draft = await _find_to_review(write, announcement)
    last = await find_last_version(session, region, announcement)
    if draft.base_version != (None if last is None else last.number):
        raise Conflict(
            "The announcement was withdrawn since the draft was saved; save the draft again to "
            "publish it nevertheless."
        )
    _check_end(draft)
    services = await find_services(request, draft.written)
    await publish_version(
        session,
        region,
        announcement,
        draft.written,
        before=last,
        services=services,
        by=draft.author,
        approved_by=write.caller.actor,
        now=datetime.now(UTC),
    )
    await _store(write, draft, "published")
    versions = await find_versions(session, region, announcement)
    shown = show_versions(announcement, versions)
    write.response.headers["ETag"] = version_tag(versions[0].number, shown)
    return shown


async def _check_agency(
    write: ConditionalWrite, announcement: UUID, written: WrittenAnnouncement
) -> None:
    """Check that the caller may write for the agency, and that the id is of no one else's."""
    owner = await find_agency(write.session, write.region, announcement)
    check_author(write.caller, written.agency if owner is None else owner)
    if owner is not None and owner != written.agency:
        error = FieldError.at("#/agency", localized(N_("harus tetap '%(key)s'"), key=owner))
        raise Conflict(localized(N_("Konsep ini tidak disimpan; lihat errors[].")), errors=[error])
    read = await get_by_id(write.session, write.region, announcement, now=datetime.now(UTC))
    if owner is None and read is not None:
        website = N_("Pengumuman ini dari sebuah situs web, dan diubah di sana.")
        raise Conflict(localized(website))


async def _find_to_write(write: ConditionalWrite, announcement: UUID) -> Draft:
    """Return the draft that the caller writes and has read."""
    await lock_drafts(write.session, write.region)
    draft = await get_draft(write.session, write.region, announcement)
    check_author(write.caller, draft.written.agency)
    await _check_revision(write, draft)
    return draft


async def _find_to_review(write: ConditionalWrite, announcement: UUID) -> Draft:
    """Return the draft in review that the caller, who did not write it, has read."""
    await lock_drafts(write.session, write.region)
    draft = await get_draft(write.session, write.region, announcement)
    await check_reviewer(write.session, write.region, write.caller, draft.written.agency)
    await _check_revision(write, draft)
    draft.check_second_person(write.caller)
    if draft.last.state != "in_review":
        raise Conflict(
            "The draft is not in review; POST "
            f"{API}/announcements/{announcement}/draft/review first."
        )
    return draft


def _check_end(draft: Draft) -> None:
    """Raise `Conflict` if pages would never show the announcement."""
    until = draft.written.publish_until
    if until is not None and until <= datetime.now(UTC):
        error = FieldError.at("#/publish_until", localized(N_("harus waktu yang akan datang")))
        raise Conflict(
            localized(N_("Waktu tampil pengumuman ini sudah lewat; lihat errors[].")),
            errors=[error],
        )


async def _check_revision(write: ConditionalWrite, draft: Draft) -> None:
    """Check that the caller has read the last step of the draft."""

    async def content_of(number: int) -> JsonValue:
        return await find_revision(write.session, write.region, draft.id, number)

    shown = await _show(write.session, write.region, draft, write.caller)
    await check_version(
        write,
        version=draft.last.revision,
        tag=version_tag(draft.last.revision, shown),
        current=draft.written.model_dump(mode="json"),
        content_of=content_of,
    )


async def _store(
    write: ConditionalWrite, draft: Draft, state: State, *, reason: str | None = None
) -> None:
    await store_step(
        write.session,
        write.region,
        draft.id,
        draft.written,
        state,
        base_version=draft.base_version,
        caller=write.caller,
        now=datetime.now(UTC),
        reason=reason,
    )


async def _answer(write: ConditionalWrite, announcement: UUID) -> AnnouncementDraft:
    """Return the draft after a step, with its entity tag."""
    draft = await get_draft(write.session, write.region, announcement)
    shown = await _show(write.session, write.region, draft, write.caller)
    write.response.headers["ETag"] = version_tag(draft.last.revision, shown)
    return shown


async def _show(
    session: ReadSession | WriteSession, region: str, draft: Draft, caller: Caller
) -> AnnouncementDraft:
    written = draft.written
    last = await find_last_version(session, region, draft.id)
    before = None if last is None else last.written.model_dump(mode="json")
    return AnnouncementDraft(
        id=draft.id,
        announcement=written,
        content=to_html(written.text),
        content_en=None if written.text_en is None else to_html(written.text_en),
        state=draft.last.state,
        base_version=draft.base_version,
        differences=[] if before is None else differences(before, written.model_dump(mode="json")),
        steps=[
            AnnouncementDraftStep(
                state=step.state,
                recorded_at=step.recorded_at,
                recorded_by=step.recorded_by,
                reason=step.reason,
            )
            for step in draft.steps
        ],
        is_own=draft.is_written_by(caller),
        href=f"{API}/announcements/{draft.id}/draft",
    )
