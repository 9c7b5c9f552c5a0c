"""API models of retractions."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from services.platform.api_model import ApiModel
from services.platform.types import Href, Text, UtcDatetime

RetractedKind = Literal["events", "statistics"]
KINDS: tuple[RetractedKind, ...] = ("events", "statistics")

KeyId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=80),
    Field(
        description="Id of the key, the middle part of `emk_<id>_<secret>`; `gateway` for what the "
        "hub itself counted."
    ),
]
Reason = Annotated[Text, Field(min_length=1, max_length=1000)]


class NewRetraction(ApiModel):
    """What to strike out: all that a key sent in a span."""

    model_config = ConfigDict(serialize_by_alias=True)

    key: KeyId
    sent_from: UtcDatetime = Field(alias="from", description="First moment at which it was sent.")
    sent_until: UtcDatetime | None = Field(
        None,
        alias="to",
        description="Moment before which it was sent; default, and at the latest: now.",
    )
    kinds: list[RetractedKind] = Field(
        default=list(KINDS), min_length=1, max_length=len(KINDS), description="What to strike out."
    )
    reason: Reason = Field(description="Why; published beside the figures.")


class NewReversal(ApiModel):
    """Why a retraction is reversed."""

    reason: Reason = Field(description="Why it counts again, in words.")


class Reversal(ApiModel):
    """The end of a retraction: all that it struck out counts again."""

    reason: str
    reversed_at: AwareDatetime = Field(description="When it came to count again.")
    reversed_by: str = Field(description="Agency that reversed it.")


class Retraction(ApiModel):
    """What was struck out, why, and by whom."""

    model_config = ConfigDict(serialize_by_alias=True)

    id: UUID
    href: Href
    key: str = Field(description="Id of the key whose reports were struck out.")
    sent_from: AwareDatetime = Field(alias="from")
    sent_until: AwareDatetime = Field(alias="to")
    kinds: list[RetractedKind] = Field(max_length=len(KINDS), description="What was struck out.")
    reason: str
    events: int = Field(ge=0, description="Events that it struck out.")
    statistics: int = Field(
        ge=0, description="Figures of monthly statistics that it struck out, with their revisions."
    )
    retracted_at: AwareDatetime = Field(description="When it was struck out.")
    retracted_by: str = Field(description="Agency that struck it out.")
    reversal: Reversal | None = Field(description="Its end; null while it holds.")
