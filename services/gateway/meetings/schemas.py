"""Planned meetings as the API takes and returns them."""

from datetime import timedelta
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from services.assessment.client import MeetingKind
from services.platform.api_model import ApiModel
from services.platform.packs import rule_error
from services.platform.translation import N_
from services.platform.types import Href, ShortText, Slug, Text, UtcDatetime

MAX_INVITED = 200
MAX_AGENDA = 50
MAX_DURATION = timedelta(days=7)


class PlannedMeeting(ApiModel):
    """A meeting that is to take place: its time, its subject, and who is invited."""

    name: ShortText = Field(description="Title of the meeting.")
    name_en: ShortText = Field(description="The title in English.")
    kind: MeetingKind = Field(description="Kind of meeting, as its record will have it.")
    starts_at: UtcDatetime = Field(description="When it begins.")
    ends_at: UtcDatetime = Field(description="When it ends, at most seven days later.")
    place: ShortText | None = Field(None, description="Where it takes place; null: not known yet.")
    problem_statement: Text | None = Field(
        None, description="The problem that it is about; null: not stated."
    )
    agenda: list[ShortText] = Field(
        default_factory=list[str], max_length=MAX_AGENDA, description="Items of the agenda."
    )
    invited: list[Slug] = Field(
        min_length=1, max_length=MAX_INVITED, description="Keys of the stakeholders invited to it."
    )

    @model_validator(mode="after")
    def _agrees(self) -> "PlannedMeeting":
        if self.ends_at <= self.starts_at:
            raise rule_error(self, ("ends_at",), N_("harus sesudah starts_at"))
        if self.ends_at - self.starts_at > MAX_DURATION:
            raise rule_error(self, ("ends_at",), N_("harus dalam tujuh hari sejak starts_at"))
        if len(set(self.invited)) < len(self.invited):
            raise rule_error(
                self, ("invited",), N_("harus menyebut setiap pemangku kepentingan satu kali")
            )
        return self


class InvitedStakeholder(ApiModel):
    """A stakeholder that is invited, by the names it had when the plan was saved."""

    key: Slug = Field(description="Key of the stakeholder.")
    name: ShortText = Field(description="Its name.")
    name_en: ShortText = Field(description="Its name in English.")
    agency: Slug | None = Field(description="Agency that it belongs to; null if to none.")


class MailedInvitation(ApiModel):
    """When the invitation was mailed last."""

    at: AwareDatetime = Field(description="When its mails were stored to be sent.")
    version: int = Field(ge=1, le=2**31 - 1, description="Version of the plan that was mailed.")
    people: int = Field(ge=0, le=2**31 - 1, description="Number of people it was mailed to.")


class MeetingPlan(ApiModel):
    """A planned meeting with who plans it and what was sent about it."""

    id: UUID = Field(description="Id of the plan, chosen by who made it.")
    organiser: str = Field(
        description="Agency that plans and will record the meeting; the id of a key without one."
    )
    meeting: PlannedMeeting = Field(description="What is planned, as it was saved.")
    invited: list[InvitedStakeholder] = Field(description="Those who are invited, by name.")
    version: int = Field(ge=1, le=2**31 - 1, description="How often the plan was saved.")
    recorded_at: AwareDatetime = Field(description="When this version was saved.")
    mailed: MailedInvitation | None = Field(
        description="The last mailing of the invitation; null: it was not mailed."
    )
    record_key: Slug = Field(
        description="Key under which the meeting is recorded as evidence afterwards."
    )
    href: Href = Field(description="Address of the plan (path and query).")
