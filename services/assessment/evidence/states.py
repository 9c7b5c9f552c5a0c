"""States of evidence: what is proposed counts when another organisation has confirmed it."""

from typing import Literal

from pydantic import AwareDatetime, Field

from services.platform.api_model import ApiModel

EvidenceState = Literal["proposed", "confirmed", "disputed", "withdrawn"]
"""State of a version. Scores read the newest confirmed version of each record; `withdrawn` is a
version without content that is in effect, and so ends a record."""


class EvidenceStateChange(ApiModel):
    """A step in the history of a version: its new state, by whom and when."""

    state: EvidenceState = Field(description="New state of the version.")
    by: str = Field(description="Agency whose key did it, or `pack`.")
    at: AwareDatetime
    reason: str | None = Field(
        None,
        description="Why it is disputed or withdrawn, or the note of the organisation that "
        "confirmed it.",
    )
