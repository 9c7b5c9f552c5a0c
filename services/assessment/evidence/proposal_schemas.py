"""Response models of the count of what waits to be confirmed."""

from pydantic import Field

from services.platform.api_model import ApiModel


class ProposedRecords(ApiModel):
    """The records of a kind that an organisation recorded and that wait to be confirmed."""

    kind: str = Field(description="Kind of evidence, as in its address.")
    recorded_by: str = Field(description="Agency whose key recorded them, or `pack`.")
    count: int = Field(ge=1, description="How many records; `state=proposed` of the kind lists.")


class ProposedEvidence(ApiModel):
    """What waits to be confirmed, by kind and organisation."""

    items: list[ProposedRecords]
