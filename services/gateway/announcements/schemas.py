"""Requests and responses about announcements that agencies write in the hub."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.gateway.announcements.records import Body, Title, WrittenAnnouncement
from services.platform.api_model import ApiModel
from services.platform.differences import Difference
from services.platform.draft_steps import OpenState
from services.platform.types import Href, Slug

Visibility = Literal["scheduled", "shown", "ended", "withdrawn"]

IS_OWN = "Whether the caller wrote any part of the draft; others review and publish it."


class WrittenAnnouncementItem(ApiModel):
    """An announcement of an agency: its open draft, what is published of it, or both."""

    id: UUID
    agency: Slug
    title: Title = Field(description="Title of the draft, or without one of the last version.")
    draft: OpenState | None = Field(description="State of the open draft; null if there is none.")
    is_own: bool = Field(description=IS_OWN)
    version: int | None = Field(description="The last version; null if it was never published.")
    visibility: Visibility | None = Field(
        description="What pages show of the last version: `scheduled`: nothing yet; `ended`: "
        "nothing any more, its time is over; null if it was never published."
    )
    shown_from: AwareDatetime | None = Field(
        description="When pages first show the last version; null if it was never published."
    )
    shown_until: AwareDatetime | None = Field(
        description="When pages stop to show the last version; null: never."
    )
    recorded_at: AwareDatetime = Field(description="When the last step of either was taken.")
    href: Href = Field(description="Address of its draft or, without one, of its versions.")


class AnnouncementDraftStep(ApiModel):
    """What was done with a draft."""

    state: OpenState
    recorded_at: AwareDatetime
    recorded_by: str
    reason: str | None = Field(description="Why it was refused; null of other steps.")


class AnnouncementDraft(ApiModel):
    """The open draft of an announcement."""

    id: UUID
    announcement: WrittenAnnouncement = Field(description="The announcement as the draft has it.")
    content: str = Field(description="The text as pages will show it: sanitised HTML.")
    content_en: str | None = Field(description="The English text as HTML; null without one.")
    state: OpenState = Field(description="State of the draft.")
    base_version: int | None = Field(
        description="The last version when the draft was saved; null if there was none."
    )
    differences: list[Difference] = Field(
        description="What it changes of the last version; empty if it was never published."
    )
    steps: list[AnnouncementDraftStep] = Field(
        description="What was done with the draft, the oldest first."
    )
    is_own: bool = Field(description=IS_OWN)
    href: Href


class AnnouncementVersion(ApiModel):
    """A version of an announcement: what was published, or withdrawn."""

    number: int
    announcement: WrittenAnnouncement = Field(
        description="The announcement as this version has it; of a withdrawal what was withdrawn."
    )
    recorded_at: AwareDatetime
    recorded_by: str = Field(description="Whose draft it was, or who withdrew it.")
    approved_by: str | None = Field(description="Who published it; null of a withdrawal.")
    reason: str | None = Field(description="Why it was withdrawn; null if it was published.")
    shown_from: AwareDatetime = Field(description="When pages first show it.")


class AnnouncementVersions(ApiModel):
    """All versions of an announcement, and what pages show now."""

    id: UUID
    agency: Slug
    visibility: Visibility = Field(description="What pages show of the last version now.")
    versions: list[AnnouncementVersion] = Field(description="The newest first, at most 100.")
    href: Href


class AnnouncementReason(ApiModel):
    """Why an announcement is withdrawn, or its draft is not published."""

    reason: Annotated[Body, Field(max_length=2000)] = Field(
        description="In words that its author understands; citizens do not see it."
    )
