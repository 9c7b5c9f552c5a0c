"""Request and response models of comments."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from services.feedback.comments.service_levels import Category, Kind, ServiceLevelId
from services.feedback.comments.states import State
from services.feedback.comments.tickets import TICKET_PATTERN
from services.feedback.form_checks import FormToken, Honeypot
from services.platform.api_model import ApiModel
from services.platform.languages import Language
from services.platform.personal_data import PersonalDataKind
from services.platform.translation import N_
from services.platform.types import (
    DistrictCode,
    Href,
    LineBreaks,
    Sha256,
    ShortText,
    Slug,
    StrictNumber,
)
from services.platform.validation_messages import InvalidValueError

Ticket = Annotated[
    str, StringConstraints(pattern=TICKET_PATTERN), Field(examples=["7K3M-9QXT-2C86"])
]
MAX_TEXT_LENGTH = 4000
# With at least one visible character.
CommentText = Annotated[
    str,
    StringConstraints(
        pattern=r"^[^\x00-\x08\x0E-\x1F\x7F]*[^\s\x00-\x1F\x7F][^\x00-\x08\x0E-\x1F\x7F]*$",
        min_length=3,
        max_length=MAX_TEXT_LENGTH,
    ),
    LineBreaks,
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
    """How a citizen wants to be contacted, with the consent to store it."""

    email: Email | None = None
    phone: Phone | None = None
    consent: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{1,2}$")] = Field(
        description="Version of the consent text that was agreed to, from `GET comments/form`."
    )

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        if self.email is None and self.phone is None:
            raise InvalidValueError(N_("kontak memerlukan `email` atau `phone`"))
        return self


class NewComment(ApiModel):
    """A comment to submit; anonymous unless it has a contact."""

    kind: Kind = Field(
        description="What the comment is: a complaint, a question, praise or another comment."
    )
    category: Category = "other"
    text: CommentText = Field(description="What the citizen writes, without names of people.")
    service: Slug | None = Field(None, description="The service it is about.")
    agency: Slug | None = Field(None, description="Default: the agency that offers the service.")
    link: Slug | None = Field(None, description="The portal it is about.")
    district: DistrictCode | None = Field(
        None, description="Code of the district (kecamatan) that it is about."
    )
    place: ShortText | None = Field(None, description="The place, described in words.")
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    language: Language = "id"
    public: bool = Field(
        False,
        description="Whether the agency may publish the text (Open311), without personal data.",
    )
    contact: Contact | None = Field(
        None, description="How to reach the sender; null to stay anonymous."
    )
    keep_personal_data: bool = Field(
        False,
        description="Whether the agency is to read phone numbers, e-mail addresses and identity "
        "numbers in `text` and `place`. They are masked in what is published or exported in any "
        "case; by default also in what is stored.",
    )
    form_token: FormToken | None = Field(
        None,
        description="The token from `GET comments/form`. A comment without it is reviewed by a "
        "person before it counts.",
    )
    website: Honeypot = Field(
        "",
        description="Must be empty: a honeypot that people do not see and spam programs fill in.",
    )

    @model_validator(mode="after")
    def _check_position(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise InvalidValueError(N_("`latitude` dan `longitude` harus diisi bersama"))
        return self


class ServiceLevelStatus(ApiModel):
    """The service level of a comment, and the state of its clock."""

    id: ServiceLevelId = Field(description="Service level, as a code.")
    working_days: int = Field(description="Working days to the answer.")
    verify_by: date = Field(description="Last day for the review.")
    answer_by: date = Field(description="Last day for the answer.")
    verified_at: datetime | None = Field(
        description="When the agency read it for the first time; null while it has not."
    )
    answered_at: datetime | None = Field(
        description="When the agency answered; null while it has not."
    )
    status: Literal["running", "overdue", "met", "missed"] = Field(
        description="`running` or `overdue` until the clock stops, then `met` or `missed`. The "
        "clock stops when the comment, or the one it was merged into, is first answered, forwarded "
        "or closed."
    )
    working_days_left: int | None = Field(
        description="Until `answer_by`, while it runs; null otherwise."
    )


class CommentFiled(ApiModel):
    """The receipt of a comment."""

    ticket: Ticket
    token: str = Field(
        description="Secret, returned only here. As header `Ticket-Token` it gives access to the "
        "text, replies, attachments and contact of this ticket."
    )
    state: State = Field(description="How far the comment has been handled.")
    under_review: bool = Field(description="Whether a person reviews it before it counts.")
    personal_data: list[PersonalDataKind] = Field(
        description="Personal data found in the text and place, and masked; with "
        "`keep_personal_data` only in what is published or exported."
    )
    service_level: ServiceLevelStatus
    href: Href
    page: Href


class TimelineEntry(ApiModel):
    """An entry in the timeline of a comment."""

    number: int
    at: datetime
    actor: Literal["citizen", "agency", "hub"] = Field(description="Who did it.")
    agency: str | None = Field(description="Agency that did it; null if none did.")
    action: str = Field(
        description="`reply`, a state, or an action on a contact (`contact_given`, `contact_read`, "
        "...), which the public does not see."
    )
    state: State = Field(description="State of the comment after this entry.")
    text: str | None = Field(
        description="Of an agency's reply; of a citizen's only with the ticket's token or the "
        "agency's key. Of `contact_given` the version of the consent, for the agency."
    )


class AttachmentItem(ApiModel):
    """An attachment of a comment: an image."""

    id: UUID
    media_type: str
    size: int
    sha256: Sha256
    href: Href


class CommentDetails(ApiModel):
    """What only the citizen with the token and the agency see."""

    text: str = Field(description="What the citizen wrote.")
    place: str | None
    latitude: float | None
    longitude: float | None
    public: bool = Field(description="Whether the writer allowed to publish the text.")
    published_text: str | None = Field(description="What the agency published; null: nothing.")
    review_reasons: list[str] = Field(description="Why it is under review; only for the agency.")
    has_contact: bool = Field(description="Whether contact details are stored.")
    attachments: list[AttachmentItem]


class CommentCase(ApiModel):
    """A comment with its timeline, without the contact."""

    ticket: Ticket
    kind: Kind = Field(
        description="What the comment is: a complaint, a question, praise or another comment."
    )
    category: Category
    service: Slug | None
    agency: Slug | None
    link: Slug | None = Field(
        description="Short name of the portal that it is about; null if about none."
    )
    district: DistrictCode | None
    state: State = Field(description="How far the comment has been handled.")
    under_review: bool
    merged_into: Ticket | None
    forwarded_number: ShortText | None = Field(description="At SP4N-LAPOR!, once it was forwarded.")
    created_at: datetime
    updated_at: datetime
    service_level: ServiceLevelStatus
    timeline: list[TimelineEntry]
    details: CommentDetails | None = Field(
        description="Null without the ticket's token or the agency's key."
    )
    href: Href
    page: Href


class CommentItem(ApiModel):
    """A comment in the agency's list."""

    ticket: Ticket
    kind: Kind = Field(
        description="What the comment is: a complaint, a question, praise or another comment."
    )
    category: Category
    service: Slug | None
    agency: Slug | None
    link: Slug | None = Field(
        description="Short name of the portal that it is about; null if about none."
    )
    district: DistrictCode | None
    state: State = Field(description="How far the comment has been handled.")
    review_reasons: list[str] = Field(
        description="Why somebody has to look at it before it is published, as codes."
    )
    text: str = Field(description="What the citizen wrote.")
    has_contact: bool
    created_at: datetime
    service_level: ServiceLevelStatus
    href: Href


class HandledCase(CommentCase):
    """A comment after a reply or a change of its state."""

    personal_data: list[PersonalDataKind] = Field(
        description="Personal data found in the reply or note, and masked; in a citizen's reply "
        "with `keep_personal_data` it was kept."
    )


class NewReply(ApiModel):
    """A reply of the agency, with its key, or of the citizen, with the token."""

    text: CommentText = Field(description="What is answered, in words.")
    keep_personal_data: bool = Field(
        False,
        description="Whether the agency is to read phone numbers, e-mail addresses and identity "
        "numbers in a citizen's reply. In an agency's reply, which everybody with the ticket "
        "reads, they are always masked.",
    )
    state: Literal["answered", "in_progress"] = Field(
        "answered",
        description="Of an agency's reply: whether it is the answer or an interim reply.",
    )


class CommentCorrection(ApiModel):
    """The text and place that replace those of a comment."""

    text: CommentText = Field(description="What the citizen writes instead.")
    place: ShortText | None = Field(None, description="Default: the place is erased.")
    latitude: Latitude | None = Field(None, description="Default: the position is erased.")
    longitude: Longitude | None = None
    keep_personal_data: bool = Field(False, description="As in a new comment.")

    @model_validator(mode="after")
    def _check_position(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise InvalidValueError(N_("`latitude` dan `longitude` harus diisi bersama"))
        return self


class PublicationRequest(ApiModel):
    """What everybody is to read of a comment."""

    text: CommentText | None = Field(
        None,
        description="A shortened text: words of the comment in their order, with `[...]` or "
        "`[nama]` in place of others; default: the whole text.",
    )


class CommentPublication(ApiModel):
    """A comment whose text the agency published."""

    ticket: Ticket
    text: str = Field(description="The text as the agency published it, without personal data.")
    published_at: datetime
    personal_data: list[PersonalDataKind] = Field(
        description="Personal data found in the text, and masked."
    )


class StateChange(ApiModel):
    """A change of state by the agency."""

    state: Literal["received", "in_progress", "closed", "reopened", "merged", "forwarded"] = Field(
        description="`received` accepts a comment under review, or hands it to another agency."
    )
    note: CommentText | None = Field(None, description="Public: readable with the ticket.")
    agency: Slug | None = Field(None, description="With `received`: the agency to hand it to.")
    into: Ticket | None = Field(None, description="With `merged`: the ticket to merge it into.")
    number: ShortText | None = Field(
        None, description="With `forwarded`: the number at SP4N-LAPOR!."
    )

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        for name, state in (("agency", "received"), ("into", "merged"), ("number", "forwarded")):
            if getattr(self, name) is not None and self.state != state:
                raise InvalidValueError(
                    N_("`%(name)s` hanya untuk state %(state)s"), name=name, state=state
                )
        if self.state == "merged" and self.into is None:
            raise InvalidValueError(N_("state merged memerlukan `into`"))
        if self.state == "forwarded" and self.number is None:
            raise InvalidValueError(N_("state forwarded memerlukan `number`"))
        return self


class ContactDetails(ApiModel):
    """Contact details of a citizen; each access is recorded in the timeline."""

    email: str | None
    phone: str | None
    consent_version: str = Field(description="Version of the text to which the citizen agreed.")
    consented_at: datetime = Field(description="When the citizen agreed.")


class ConsentText(ApiModel):
    """The consent text for a contact."""

    version: str = Field(description="Version of the text, to be sent with the contact details.")
    text: str
    text_en: str


class Choice(ApiModel):
    """A value with its names."""

    code: str = Field(description="Value to send.")
    name: str
    name_en: str


class ServiceLevelInfo(ApiModel):
    """A service level, by which comments are answered in time or late."""

    id: ServiceLevelId = Field(description="Service level, as a code.")
    working_days: int
    name: str
    name_en: str


class CommentForm(ApiModel):
    """The data of a form for comments."""

    form_token: str = Field(description="To be sent with the comment; valid for a day.")
    kinds: list[Choice] = Field(description="What a comment can be.")
    categories: list[Choice] = Field(description="What a comment can be about.")
    consent: ConsentText = Field(description="Text to agree to before contact details are sent.")
    max_text_length: int = Field(description="In characters.")
    verify_working_days: int = Field(
        description="Working days within which a comment is read for the first time."
    )
    service_levels: list[ServiceLevelInfo] = Field(
        description="Working days within which comments are answered."
    )
    sources: list[str] = Field(description="The regulations that the service levels come from.")
