"""The attendance list of a meeting as the API takes and returns it."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from services.platform.api_model import ApiModel
from services.platform.packs import rule_error
from services.platform.translation import N_
from services.platform.types import Href, ShortText, Slug

TOKEN_LENGTH = 12

AttendanceToken = Annotated[
    str,
    StringConstraints(pattern=rf"^[a-z2-7]{{{TOKEN_LENGTH}}}$"),
    Field(examples=["k5xw4zlomn2g"]),
]
OneLine = Annotated[
    str, StringConstraints(pattern=r"^[^\s\x00-\x1F\x7F][^\x00-\x1F\x7F]*$", max_length=200)
]
"""A text in one line that is not blank."""


class AttendanceEntry(ApiModel):
    """Somebody who entered their name in the attendance list; nobody has vouched for it."""

    id: UUID = Field(description="Id of the entry, chosen by the form.")
    stakeholder: Slug | None = Field(
        description="Key of the invited stakeholder that the person came for; null: of another."
    )
    organisation: str | None = Field(
        description="Name of an organisation that was not invited; null: of one that was."
    )
    name: str = Field(description="The name that the person typed.")
    entered_at: AwareDatetime = Field(description="When the name was entered.")


class AttendanceList(ApiModel):
    """The attendance list of a planned meeting, for who records the meeting."""

    is_open: bool = Field(description="Whether names can be entered between these two moments.")
    token: str | None = Field(description="Token of the list; null unless it is open.")
    page: Href | None = Field(
        description="Path of the page where names are entered; null unless the list is open."
    )
    opens_at: AwareDatetime = Field(description="Beginning of the meeting's day.")
    closes_at: AwareDatetime = Field(description="End of the meeting's last day.")
    entries: list[AttendanceEntry] = Field(description="Who entered a name, the first one first.")


class AttendanceChoice(ApiModel):
    """An invited stakeholder that a person may have come for."""

    key: Slug = Field(description="Key of the stakeholder.")
    name: ShortText = Field(description="Its name.")
    name_en: ShortText = Field(description="Its name in English.")


class OpenAttendanceList(ApiModel):
    """What a token opens: the meeting, and who was invited to it. Not who came."""

    name: ShortText = Field(description="Title of the meeting.")
    name_en: ShortText = Field(description="The title in English.")
    starts_at: AwareDatetime = Field(description="When the meeting begins.")
    ends_at: AwareDatetime = Field(description="When it ends.")
    place: ShortText | None = Field(description="Where it takes place; null: not known.")
    closes_at: AwareDatetime = Field(description="Until when names can be entered.")
    invited: list[AttendanceChoice] = Field(description="Those who are invited.")


class AttendanceSignature(ApiModel):
    """A name for the attendance list of a meeting."""

    id: UUID = Field(
        description="Id of the entry, chosen by the form: one that is sent twice is one."
    )
    token: AttendanceToken = Field(description="Token of the list, from the QR code.")
    stakeholder: Slug | None = Field(
        None, description="Key of the invited stakeholder that the person came for."
    )
    organisation: OneLine | None = Field(
        None, description="Name of an organisation that was not invited, instead."
    )
    name: OneLine = Field(description="Name of the person.")

    @model_validator(mode="after")
    def _came_for_one(self) -> "AttendanceSignature":
        if self.stakeholder is None and self.organisation is None:
            raise rule_error(
                self, ("stakeholder",), N_("wajib diisi, atau organisation sebagai gantinya")
            )
        if self.stakeholder is not None and self.organisation is not None:
            raise rule_error(self, ("organisation",), N_("harus kosong bila stakeholder diisi"))
        return self


class AttendanceReceipt(ApiModel):
    """That a name is in the attendance list."""

    id: UUID = Field(description="Id of the entry.")
    entered_at: AwareDatetime = Field(description="When the name was entered.")
