"""A piece of evidence as scores read it."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.assessment.evidence.states import EvidenceState
from services.platform.types import Href


class Item(BaseModel):
    """One piece of evidence: a record in a version, or a report of another service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(
        description="Kind of record, or `catalog`, `usage`, `reporting`, `survey`, `ties`."
    )
    key: str
    version: int | None = Field(
        default=None, description="Version of the record; null for a report."
    )
    href: Href = Field(description="Its address.")
    content: dict[str, Any] = Field(
        description="What was read: the fields of the record or of the report."
    )
    state: EvidenceState | None = Field(
        default=None,
        description="Scores read what is `confirmed`. Beside it stands what was `proposed` since "
        "(without content: to withdraw the record), and as `withdrawn` what counted before it was "
        "corrected, withdrawn or disputed. Null for a report.",
    )
    recorded_by: str | None = Field(
        default=None, description="Agency that recorded the version, or `pack`; null for a report."
    )
    confirmed_at: AwareDatetime | None = Field(
        default=None,
        description="Since when it counts, however often it was corrected; of a former version "
        "when that was confirmed. Null if it never was.",
    )
    self_reported: bool | None = Field(
        default=None, description="Whether an agency says it about itself; null if not recorded."
    )

    def document(self) -> dict[str, Any]:
        """Return the item as it is hashed and stored.

        What items did not have from the first is omitted where it is not known, so that their
        hashes stay.
        """
        later = ("state", "recorded_by", "confirmed_at", "self_reported")
        unknown = {name for name in later if getattr(self, name) is None}
        return self.model_dump(mode="json", exclude=unknown)
