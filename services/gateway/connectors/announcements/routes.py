"""Announcements that pages show, over HTTP: `/api/v1/announcements`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request
from pydantic import AwareDatetime, Field

from services.gateway.connectors.announcements.connector import WebsiteConnector
from services.gateway.connectors.announcements.store import get_by_id, list_newest
from services.gateway.connectors.source_leases import Source, list_sources
from services.platform.api_model import ApiModel
from services.platform.database import ReadSessionDep
from services.platform.paging import next_page_url
from services.platform.parameters import Limit
from services.platform.problems import NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import Href, Slug

router = Router(
    prefix=f"{API}/announcements", tags=["announcements"], responses=problem_responses(401, 422)
)


class MentionedService(ApiModel):
    """A service that an announcement concerns, or mentions by a name in the catalogue."""

    service: str
    name: str
    name_en: str
    words: list[str] = Field(
        description="Names of the service by which it was found in the text; empty if the agency "
        "that wrote the announcement names the service."
    )
    href: Href


class Announcement(ApiModel):
    """An announcement of a website of the regency, or one that an agency wrote in the hub."""

    id: UUID
    source: str | None = Field(
        description="Name of the website in `sources` of the list; null if an agency wrote it in "
        "the hub."
    )
    agency: Slug | None = Field(
        description="Agency that wrote it in the hub; null if it was read from a website."
    )
    title: str = Field(description="Title as the website or the agency gives it.")
    title_en: str | None = Field(description="The title in English; null if there is none.")
    summary: str = Field(description="Beginning of the text, without markup.")
    summary_en: str | None = Field(description="The beginning in English; null if there is none.")
    content: str = Field(
        description="Sanitised HTML: a few elements, no script, no style, no image."
    )
    content_en: str | None = Field(description="The text in English; null if there is none.")
    url: str | None = Field(
        description="Address of the announcement on the website; null if an agency wrote it here."
    )
    published_at: AwareDatetime | None = Field(
        description="Null if the website says no date that can be known; these are listed last."
    )
    shown_until: AwareDatetime | None = Field(
        description="When it is shown no more; null: never, or as long as the website has it."
    )
    changed_at: AwareDatetime = Field(description="When the hub last saw the text change.")
    services: list[MentionedService] = Field(
        description="Public services that the announcement concerns or mentions."
    )
    href: Href


class AnnouncementSource(ApiModel):
    """A website that is polled, with the age of its announcements."""

    name: str = Field(description="Name of the source in the pack.")
    title: str
    title_en: str
    url: str
    fetched_at: AwareDatetime | None = Field(
        description="Time of the last successful poll; null if never."
    )
    age_seconds: int | None = Field(
        description="Seconds since the website was last read; null if never."
    )
    fresh: bool = Field(description="False if the last poll failed, or before the first one.")
    reason: str | None = Field(description="Why the last poll failed; null if it succeeded.")
    detail: str | None = Field(
        description="What the last successful poll read, and what of it could not be read; null "
        "if it failed."
    )


class Announcements(ApiModel):
    """A page of announcements, with the websites they come from."""

    items: list[Announcement]
    next: str | None = Field(description="Address of the next page, or null on the last one.")
    sources: list[AnnouncementSource] = Field(
        description="Websites from which the announcements come."
    )


@router.get("", operation_id="list_announcements")
async def list_announcements(
    request: Request,
    session: ReadSessionDep,
    *,
    service: Annotated[
        Slug | None, Query(description="Only announcements that concern or mention this service.")
    ] = None,
    cursor: Annotated[
        UUID | None, Query(description="Start of the page; taken from `next`.")
    ] = None,
    limit: Limit = 20,
) -> Announcements:
    """List announcements of websites and agencies, newest first, those without a date last.

    While a website is down its announcements stay, with the age of the last successful poll.
    """
    region, now = get_region(request), datetime.now(UTC)
    rows = await list_newest(
        session, region, limit=limit + 1, now=now, service=service, after=cursor
    )
    following = str(rows[limit - 1]["id"]) if len(rows) > limit else None
    sources = await list_sources(session, region)
    return Announcements(
        items=[to_announcement(row) for row in rows[:limit]],
        next=next_page_url(request, following),
        sources=announcement_sources(sources, now=now),
    )


@router.get("/{announcement}", operation_id="get_announcement", responses=problem_responses(404))
async def get_announcement(
    request: Request,
    session: ReadSessionDep,
    announcement: Annotated[UUID, Path(description="Id of the announcement.")],
) -> Announcement:
    """Return one announcement as its website or its agency has it; 404 outside its time."""
    row = await get_by_id(session, get_region(request), announcement, now=datetime.now(UTC))
    if row is None:
        raise NotFound(f"There is no announcement {announcement}; {API}/announcements lists all.")
    return to_announcement(row)


def to_announcement(row: dict[str, Any]) -> Announcement:
    """Return the API model of a stored announcement."""
    services = [
        MentionedService(**each, href=f"{API}/services/{each['service']}")
        for each in row["services"]
    ]
    return Announcement.model_validate(
        row | {"services": services, "href": f"{API}/announcements/{row['id']}"}
    )


def announcement_sources(sources: Sequence[Source], *, now: datetime) -> list[AnnouncementSource]:
    """Return the websites among the sources, with the age of their announcements."""
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
            # That of a failure is for administrators.
            detail=source.detail if source.reason is None else None,
        )
        for source in sources
        if source.kind == WebsiteConnector.kind
    ]
