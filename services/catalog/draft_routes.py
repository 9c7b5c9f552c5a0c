"""Drafts of services over HTTP: write, submit, refuse, publish, discard."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import JsonValue
from sqlalchemy import text

from services.catalog import queries
from services.catalog.drafts import (
    OPEN_DRAFTS,
    Draft,
    find_draft,
    find_revision,
    get_draft,
    store_step,
)
from services.catalog.editing import (
    check_edit,
    lock_publishing,
    publish_edit,
    undefined_targets,
)
from services.catalog.publishing_routes import check_creator
from services.catalog.records import Service
from services.catalog.references import references_of
from services.catalog.schemas import (
    DraftItem,
    DraftSaved,
    DraftStep,
    Refusal,
    ServiceDetail,
    ServiceDraft,
)
from services.catalog.service_detail import find_service, get_service_detail
from services.catalog.similar_services import similar_candidates, similar_services
from services.platform.conditional_writes import (
    CatalogPut,
    CatalogReview,
    CatalogWrite,
    ConditionalWrite,
    check_version,
    normalised,
    version_tag,
)
from services.platform.database import ReadSession, ReadSessionDep, WriteSession
from services.platform.differences import differences
from services.platform.draft_steps import OpenState, State
from services.platform.identity import Caller, CatalogReviewer
from services.platform.paging import Page, paginate
from services.platform.parameters import AgencyQuery, Limit, SlugCursor, SlugPath
from services.platform.problems import Conflict, FieldError, NotAllowed, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.translation import N_, localized

router = Router(prefix=API, tags=["catalog"], responses=problem_responses(401, 422))

STEP_RESPONSES = problem_responses(403, 404, 409, 412, 428)


@router.get("/catalog/drafts", operation_id="list_drafts", responses=problem_responses(403))
async def list_drafts(
    request: Request,
    session: ReadSessionDep,
    *,
    caller: CatalogReviewer,
    agency: AgencyQuery = None,
    state: Annotated[
        OpenState | None, Query(description="Only drafts in this state, such as `in_review`.")
    ] = None,
    cursor: SlugCursor = None,
    limit: Limit = 50,
) -> Page[DraftItem]:
    """List the open drafts of the key's agency; an administrator's key lists those of all."""
    wanted = agency or caller.agency
    if "admin" in caller.scopes:
        wanted = agency
    elif wanted is None or not caller.can_write_for(wanted):
        raise NotAllowed(f"Drafts of {wanted} are shown to its own keys.")
    parameters = {
        "region": get_region(request),
        "agency": wanted,
        "state": state,
        "person": caller.person,
        "cursor": cursor,
        "limit": limit + 1,
    }
    rows = (await session.execute(text(OPEN_DRAFTS), parameters)).all()
    items = [
        DraftItem(
            slug=row.slug,
            name=row.name,
            agency=row.agency,
            state=row.state,
            base_version=row.base_version,
            recorded_at=row.recorded_at,
            recorded_by=row.recorded_by,
            is_own=row.is_own,
            href=f"{API}/services/{row.slug}/draft",
        )
        for row in rows
    ]
    return paginate(request, items, limit=limit, cursor_of=lambda item: item.slug)


@router.get(
    "/services/{slug}/draft", operation_id="get_draft", responses=problem_responses(403, 404)
)
async def read_draft(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    caller: CatalogReviewer,
    slug: SlugPath,
) -> ServiceDraft:
    """Return the open draft of a service, with what it changes of the published version."""
    region = get_region(request)
    draft = await get_draft(session, region, slug)
    _check_agency(caller, slug, draft.service.agency)
    shown = await _show(session, region, draft, caller)
    response.headers["ETag"] = version_tag(draft.last.revision, shown)
    return shown


@router.put(
    "/services/{slug}/draft",
    operation_id="put_draft",
    responses={201: {"model": DraftSaved}} | problem_responses(403, 409, 412, 413, 428),
)
async def put_draft(
    request: Request,
    write: CatalogPut,
    *,
    slug: SlugPath,
    service: Service,
    base_version: Annotated[
        int | None,
        Query(
            ge=1,
            le=1_000_000,
            description="The published version that the draft changes. Default: that of the draft, "
            "of a new draft the present one. A draft that others overtook takes the present one.",
        ),
    ] = None,
) -> DraftSaved:
    """Save the draft of a new or published service; what pages show does not change.

    A draft that is changed is no longer in review.
    """
    session, region = write.session, write.region
    candidates = await similar_candidates(request, service)
    now = await lock_publishing(session, region, datetime.now(UTC))
    published = await find_service(session, region, slug)
    if published is None:
        await check_creator(write, slug, service)
    else:
        _check_agency(write.caller, slug, published.service.agency)
    draft = await find_draft(session, region, slug)
    if draft is None:
        write.check_creation(f"draft of {slug!r}")
        base = None if published is None else published.version
    else:
        _check_agency(write.caller, slug, draft.service.agency)
        await _check_revision(write, draft)
        base = draft.base_version
    errors = check_edit(slug, None if published is None else published.service, service)
    if base_version is not None:
        base = None if published is None else published.version
        if base_version != base:
            reason = (
                localized(N_("harus versi yang terbit, %(version)s"), version=base)
                if base
                else localized(N_("bukan dari layanan baru"))
            )
            errors.append(FieldError.of_parameter("base_version", reason))
    if errors:
        raise Conflict(localized(N_("Konsep ini tidak disimpan; lihat errors[].")), errors=errors)
    await store_step(
        session, region, service, "draft", base_version=base, caller=write.caller, now=now
    )
    shown = await _answer(write, slug)
    write.response.status_code = 201 if draft is None else 200
    similar = await similar_services(session, region, service, candidates)
    return DraftSaved(**dict(shown), similar=similar)


@router.delete(
    "/services/{slug}/draft",
    operation_id="delete_draft",
    status_code=204,
    responses=STEP_RESPONSES,
)
async def delete_draft(write: CatalogWrite, slug: SlugPath) -> None:
    """Discard the open draft of a service; what is published stays."""
    draft, now = await _find_to_step(write, slug)
    await _store(write, draft, "discarded", now=now)


@router.post("/services/{slug}/draft/review", operation_id="submit_draft", responses=STEP_RESPONSES)
async def submit_draft(write: CatalogWrite, slug: SlugPath) -> ServiceDraft:
    """Submit a draft for review; what it refers to must exist by now."""
    draft, now = await _find_to_step(write, slug)
    if draft.last.state == "in_review":
        raise Conflict(localized(N_("Konsep ini sudah diajukan.")))
    references = references_of(draft.service)
    if errors := await undefined_targets(write.session, write.region, references):
        raise Conflict(localized(N_("Konsep ini tidak diajukan; lihat errors[].")), errors=errors)
    await _store(write, draft, "in_review", now=now)
    return await _answer(write, slug)


@router.post(
    "/services/{slug}/draft/refusal", operation_id="refuse_draft", responses=STEP_RESPONSES
)
async def refuse_draft(write: CatalogReview, slug: SlugPath, refusal: Refusal) -> ServiceDraft:
    """Refuse a draft that is in review, with the reason; its author changes it.

    Only by a second person: with another key than those that wrote the draft.
    """
    draft, now = await _find_to_review(write, slug)
    await _store(write, draft, "refused", now=now, reason=refusal.reason)
    return await _answer(write, slug)


@router.post(
    "/services/{slug}/draft/publication", operation_id="publish_draft", responses=STEP_RESPONSES
)
async def publish_draft(write: CatalogReview, slug: SlugPath) -> ServiceDetail:
    """Publish a draft that is in review as the next version of its service.

    Only by a second person: with another key than those that wrote the draft. If others have
    published since the draft began, the answer is 409 with what they changed.
    """
    session, region = write.session, write.region
    draft, now = await _find_to_review(write, slug)
    published = await find_service(session, region, slug)
    await _check_base(write, draft, published)
    await publish_edit(
        session,
        region,
        slug,
        None if published is None else published.service,
        draft.service,
        by=draft.author,
        approved_by=write.caller.actor,
        now=now,
    )
    await _store(write, draft, "published", now=now)
    detail = await get_service_detail(session, region, slug)
    write.response.headers["ETag"] = version_tag(detail.version, detail)
    return detail


async def _find_to_step(write: ConditionalWrite, slug: str) -> tuple[Draft, datetime]:
    """Return the draft that the caller may change and has read, and the moment of the step."""
    now = await lock_publishing(write.session, write.region, datetime.now(UTC))
    draft = await get_draft(write.session, write.region, slug)
    _check_agency(write.caller, slug, draft.service.agency)
    await _check_revision(write, draft)
    return draft, now


async def _find_to_review(write: ConditionalWrite, slug: str) -> tuple[Draft, datetime]:
    """Return the draft in review that the caller, who did not write it, has read."""
    draft, now = await _find_to_step(write, slug)
    draft.check_second_person(write.caller)
    if draft.last.state != "in_review":
        raise Conflict(
            f"The draft is not in review; POST {API}/services/{slug}/draft/review first."
        )
    return draft, now


async def _check_base(
    write: ConditionalWrite, draft: Draft, published: ServiceDetail | None
) -> None:
    """Raise `Conflict` with what others have published since the draft began."""
    present = None if published is None else published.version
    if present == draft.base_version:
        return
    base = await _published_content(write.session, write.region, draft)
    now = None if published is None else published.service.model_dump(mode="json")
    raise Conflict(
        "Others have published since the draft began: differences[] names each field. Take them "
        f"into the draft and save it with base_version={present}.",
        extra={
            "base_version": draft.base_version,
            "current_version": present,
            "differences": [one.model_dump(mode="json") for one in differences(base, now)],
        },
    )


async def _published_content(
    session: ReadSession | WriteSession, region: str, draft: Draft
) -> JsonValue:
    parameters = {
        "region": region,
        "slug": draft.service.slug,
        "number": draft.base_version or 0,
    }
    row = (await session.execute(text(queries.VERSION), parameters)).one_or_none()
    return None if row is None else normalised(Service, row.content)


def _check_agency(caller: Caller, slug: str, agency: str) -> None:
    if not caller.can_write_for(agency):
        raise NotAllowed(f"{slug} is a service of {agency}, not of this key.")


async def _check_revision(write: ConditionalWrite, draft: Draft) -> None:
    """Check that the caller has read the last step of the draft."""

    async def content_of(number: int) -> JsonValue:
        return await find_revision(write.session, write.region, draft.service.slug, number)

    shown = await _show(write.session, write.region, draft, write.caller)
    await check_version(
        write,
        version=draft.last.revision,
        tag=version_tag(draft.last.revision, shown),
        current=draft.service.model_dump(mode="json"),
        content_of=content_of,
    )


async def _store(
    write: ConditionalWrite,
    draft: Draft,
    state: State,
    *,
    now: datetime,
    reason: str | None = None,
) -> None:
    await store_step(
        write.session,
        write.region,
        draft.service,
        state,
        base_version=draft.base_version,
        caller=write.caller,
        now=now,
        reason=reason,
    )


async def _answer(write: ConditionalWrite, slug: str) -> ServiceDraft:
    """Return the draft after a step, with its entity tag."""
    draft = await get_draft(write.session, write.region, slug)
    shown = await _show(write.session, write.region, draft, write.caller)
    write.response.headers["ETag"] = version_tag(draft.last.revision, shown)
    return shown


async def _show(
    session: ReadSession | WriteSession, region: str, draft: Draft, caller: Caller
) -> ServiceDraft:
    slug = draft.service.slug
    published = await find_service(session, region, slug)
    own = draft.service.model_dump(mode="json")
    return ServiceDraft(
        service=draft.service,
        state=draft.last.state,
        base_version=draft.base_version,
        published_version=None if published is None else published.version,
        differences=[]
        if published is None
        else differences(published.service.model_dump(mode="json"), own),
        steps=[
            DraftStep(
                state=step.state,
                recorded_at=step.recorded_at,
                recorded_by=step.recorded_by,
                reason=step.reason,
            )
            for step in draft.steps
        ],
        is_own=draft.is_written_by(caller),
        href=f"{API}/services/{slug}/draft",
    )
