"""Comments over the wire."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from services.feedback.comments.service_levels import Category, Kind, PromiseId
from services.feedback.comments.states import State
from services.feedback.comments.tickets import TICKET_PATTERN
from services.platform.api_model import ApiModel
from services.platform.languages import Language
from services.platform.types import (
    TEXT_PATTERN,
    DistrictCode,
    Href,
    Sha256,
    ShortText,
    Slug,
    StrictNumber,
)

Ticket = Annotated[
    str, StringConstraints(pattern=TICKET_PATTERN), Field(examples=["7K3M-9QXT-2C86"])
]
LONGEST = 4000
# Something that can be seen stands in it.
Said = Annotated[
    str,
    StringConstraints(
        pattern=r"^[^\x00-\x08\x0B-\x1F\x7F]*[^\s\x00-\x1F\x7F][^\x00-\x08\x0B-\x1F\x7F]*$",
        min_length=3,
        max_length=LONGEST,
    ),
]
Email = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,4}$",
        max_length=254,
    ),
]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]([ -]?[0-9]){5,18}$", max_length=40)]
Latitude = Annotated[float, Field(ge=-90, le=90), StrictNumber]
Longitude = Annotated[float, Field(ge=-180, le=180), StrictNumber]


class Contact(ApiModel):
    """How somebody wants to be reached, with the consent to keep it."""

    email: Email | None = None
    phone: Phone | None = None
    consent: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{1,2}$")] = Field(
        description="Version of the text that was agreed to, as `GET comments/form` gives it."
    )

    @model_validator(mode="after")
    def _reaches(self) -> Self:
        if self.email is None and self.phone is None:
            raise ValueError("a contact needs `email` or `phone`")
        return self


class NewComment(ApiModel):
    """What somebody wants to say. Anonymous, unless a contact is given."""

    kind: Kind
    category: Category = "other"
    text: Said
    service: Slug | None = Field(None, description="The service it is about.")
    agency: Slug | None = Field(None, description="Default: the agency that offers the service.")
    link: Slug | None = Field(None, description="The portal it is about.")
    district: DistrictCode | None = None
    place: ShortText | None = Field(None, description="Where, in words.")
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    language: Language = "id"
    public: bool = Field(
        False, description="Whether everybody may read the text (Open311); default: no."
    )
    contact: Contact | None = None
    form: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=80)] | None = (
        Field(
            None,
            description="The token of `GET comments/form`. Without it a person looks at the "
            "comment before it counts.",
        )
    )
    website: Annotated[str, StringConstraints(pattern=TEXT_PATTERN, max_length=300)] = Field(
        "", description="Leave empty: people do not see this field, programs fill it in."
    )

    @model_validator(mode="after")
    def _whole_position(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("`latitude` and `longitude` come together")
        return self


class PromiseState(ApiModel):
    """The clock of a comment."""

    promise: PromiseId
    working_days: int = Field(description="The promised period.")
    verify_by: date = Field(description="Last day for the first look.")
    answer_by: date = Field(description="Last day for the answer.")
    verified_at: datetime | None
    answered_at: datetime | None
    standing: Literal["running", "late", "kept", "broken"] = Field(
        description="`running` and `late` while it waits, else `kept` or `broken`. The clock ends "
        "when it is first answered, forwarded or closed; of a merged one with the other's."
    )
    working_days_left: int | None = Field(
        description="Until `answer_by`, while it runs; null otherwise."
    )


class CommentFiled(ApiModel):
    """The receipt for a comment."""

    ticket: Ticket
    token: str = Field(
        description="Secret; shown to nobody else. As header `Ticket-Token` it opens the text, "
        "replies, attachments and the contact of this ticket."
    )
    state: State
    held: bool = Field(description="Whether a person looks at it before it counts.")
    promise: PromiseState
    href: Href
    page: Href


class Entry(ApiModel):
    """Something that happened to a comment."""

    number: int
    at: datetime
    who: Literal["citizen", "agency", "hub"]
    agency: str | None
    action: str = Field(
        description="`reply`, or what was done. What was done about a contact (`contact_given`, "
        "`contact_read`, ...) is not shown to everybody."
    )
    state: State = Field(description="The state afterwards.")
    text: str | None = Field(
        description="Of an agency's reply; of a citizen's only with the ticket's token or the "
        "agency's key. Of `contact_given` the version of the consent, for the agency."
    )


class AttachmentItem(ApiModel):
    """A picture to a comment."""

    id: UUID
    media_type: str
    size: int
    sha256: Sha256
    href: Href


class Inside(ApiModel):
    """What only the ticket's holder and the agency see."""

    text: str
    place: str | None
    latitude: float | None
    longitude: float | None
    public: bool
    held_for: list[str] = Field(description="Why it is held; for the agency alone.")
    has_contact: bool = Field(description="Whether contact details are kept now.")
    attachments: list[AttachmentItem]


class CommentCase(ApiModel):
    """A comment and what happened to it. Never the contact."""

    ticket: Ticket
    kind: Kind
    category: Category
    service: Slug | None
    agency: Slug | None
    link: Slug | None
    district: DistrictCode | None
    state: State
    held: bool
    merged_into: Ticket | None
    forwarded_number: ShortText | None = Field(description="At SP4N-LAPOR!, once it was forwarded.")
    created_at: datetime
    updated_at: datetime
    promise: PromiseState
    timeline: list[Entry]
    inside: Inside | None = Field(description="Null without the ticket's token or a key.")
    href: Href
    page: Href


class CommentItem(ApiModel):
    """A comment as it stands in the agency's list."""

    ticket: Ticket
    kind: Kind
    category: Category
    service: Slug | None
    agency: Slug | None
    link: Slug | None
    district: DistrictCode | None
    state: State
    held_for: list[str]
    text: str
    has_contact: bool
    created_at: datetime
    promise: PromiseState
    href: Href


class NewReply(ApiModel):
    """A reply: of the agency with its key, of whoever filed the comment with the token."""

    text: Said
    state: Literal["answered", "in_progress"] = Field(
        "answered",
        description="Of an agency's reply: whether it is the answer, or a word in between.",
    )


class StateChange(ApiModel):
    """A change of state by the agency."""

    state: Literal["received", "in_progress", "closed", "reopened", "merged", "forwarded"] = Field(
        description="`received` lets a held comment through, or hands it to another agency."
    )
    note: Said | None = Field(None, description="Everybody with the ticket reads it.")
    agency: Slug | None = Field(
        None, description="With `received`: the agency that it is handed to."
    )
    into: Ticket | None = Field(None, description="With `merged`: the ticket it goes into.")
    number: ShortText | None = Field(
        None, description="With `forwarded`: the number at SP4N-LAPOR!."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, state in (("agency", "received"), ("into", "merged"), ("number", "forwarded")):
            if getattr(self, name) is not None and self.state != state:
                raise ValueError(f"`{name}` goes with the state {state}")
        if self.state == "merged" and self.into is None:
            raise ValueError("the state merged needs `into`")
        if self.state == "forwarded" and self.number is None:
            raise ValueError("the state forwarded needs `number`")
        return self


class ContactDetails(ApiModel):
    """How the person is reached; each look at it stands in the timeline."""

    email: str | None
    phone: str | None
    consent_version: str
    consented_at: datetime


class ConsentText(ApiModel):
    """What is agreed to with a contact."""

    version: str
    text: str
    text_en: str


class Choice(ApiModel):
    """A value and its names."""

    code: str
    name: str
    name_en: str


class PromiseInfo(ApiModel):
    """A promised period."""

    id: PromiseId
    working_days: int
    name: str
    name_en: str


class CommentForm(ApiModel):
    """What a form for comments needs."""

    form: str = Field(description="Token to be sent with the comment, good for a day.")
    kinds: list[Choice]
    categories: list[Choice]
    consent: ConsentText
    longest: int = Field(description="Characters that a text may have.")
    verify_working_days: int
    promises: list[PromiseInfo]
    sources: list[str] = Field(description="The regulations behind the promises.")
