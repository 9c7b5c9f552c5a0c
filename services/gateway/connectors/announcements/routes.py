"""Announcements over HTTP: `/api/v1/announcements`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime, Field

from services.gateway.connectors.announcements.store import get_by_id, list_newest
from services.gateway.connectors.source_leases import Source, list_sources
from services.platform.api_model import ApiModel
from services.platform.database import ReadSessionDep
from services.platform.paging import next_page_url
from services.platform.parameters import Limit
from services.platform.problems import NotFound, problem_responses
from services.platform.service import API, get_region
from services.platform.types import Href, Slug

router = APIRouter(
    prefix=f"{API}/announcements", tags=["connectors"], responses=problem_responses(401, 422)
)


class MentionedService(ApiModel):
    """A service that an announcement speaks of, by the catalogue's words."""

    service: str
    name: str
    name_en: str
    words: list[str] = Field(description="The words of the catalogue that stand in it.")
    href: Href


class Announcement(ApiModel):
    """What a website of the regency announced, in its own language."""

    id: UUID
    source: str = Field(description="The website; see `sources` of the list.")
    title: str
    summary: str = Field(description="Its beginning, without markup.")
    content: str = Field(
        description="HTML of a few harmless elements: no script, no style, no picture."
    )
    url: str | None = Field(description="Its page on the website.")
    published_at: AwareDatetime
    changed_at: AwareDatetime = Field(description="When the hub last saw its words change.")
    services: list[MentionedService]
    href: Href


class AnnouncementSource(ApiModel):
    """A website that is read, and how old what is known of it is."""

    name: str
    title: str
    title_en: str
    url: str
    fetched_at: AwareDatetime | None = Field(description="When it last gave its announcements.")
    age_seconds: int | None
    fresh: bool = Field(description="False where it gives nothing now and was read before.")
    reason: str | None = Field(description="Why it gives nothing now.")


class Announcements(ApiModel):
    """A page of announcements, and where they are from."""

    items: list[Announcement]
    next: str | None = Field(description="Address of the next page, or null on the last one.")
    sources: list[AnnouncementSource]


@router.get("", operation_id="list_announcements")
async def list_announcements(
    request: Request,
    session: ReadSessionDep,
    *,
    service: Annotated[Slug | None, Query(description="Only those that speak of it.")] = None,
    cursor: Annotated[
        UUID | None, Query(description="Where the page starts; taken from `next`.")
    ] = None,
    limit: Limit = 20,
) -> Announcements:
    """What the regency's websites announce, the newest first; as they said it last."""
    region = get_region(request)
    rows = await list_newest(session, region, limit=limit + 1, service=service, after=cursor)
    following = str(rows[limit - 1]["id"]) if len(rows) > limit else None
    sources = await list_sources(session, region)
    return Announcements(
        items=[to_announcement(row) for row in rows[:limit]],
        next=next_page_url(request, following),
        sources=announcement_sources(sources, now=datetime.now(UTC)),
    )


@router.get("/{announcement}", operation_id="get_announcement", responses=problem_responses(404))
async def get_announcement(
    request: Request,
    session: ReadSessionDep,
    announcement: Annotated[UUID, Path(description="Id of the announcement.")],
) -> Announcement:
    """One announcement, as its website said it last, with the address where it stands there."""
    row = await get_by_id(session, get_region(request), announcement)
    if row is None:
        raise NotFound(f"There is no announcement {announcement}; {API}/announcements lists all.")
    return to_announcement(row)


def to_announcement(row: dict[str, Any]) -> Announcement:
    """An announcement as it is stored."""
    services = [
        MentionedService(**each, href=f"{API}/services/{each['service']}")
        for each in row["services"]
    ]
    return Announcement.model_validate(
        row | {"services": services, "href": f"{API}/announcements/{row['id']}"}
    )


def announcement_sources(sources: Sequence[Source], *, now: datetime) -> list[AnnouncementSource]:
    """The websites among the sources, each with the age of what is known."""
    return [
        AnnouncementSource(
            name=source.slug,
            title=source.content["title"],
            title_en=source.content["title_en"],
            url=source.content["url"],
            fetched_at=source.fetched_at,
            age_seconds=(
                None
                if source.fetched_at is None
                else max(round((now - source.fetched_at).total_seconds()), 0)
            ),
            fresh=source.fetched_at is not None and source.reason is None,
            reason=source.reason,
        )
        for source in sources
        if source.kind == "feed"
    ]
