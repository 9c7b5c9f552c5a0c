"""What routes answer about bundles of other regencies."""

from uuid import UUID

from pydantic import AwareDatetime, Field

from services.platform.api_model import ApiModel
from services.platform.types import Href, Sha256


class ImportedBundle(ApiModel):
    """An assessment of another regency, verified at import."""

    id: UUID = Field(description="Id of the assessment at the hub that published it.")
    region: str = Field(description="Code of the regency that was assessed.")
    period: int
    method: str
    method_hash: Sha256
    fingerprint: Sha256 = Field(description="Fingerprint of the key that signed it.")
    recorded_at: AwareDatetime
    imported_at: AwareDatetime = Field(description="When the hub stored it.")
    imported_by: str = Field(description="Agency whose key imported it.")
    is_listed: bool = Field(
        description="Whether the key is listed for the region (`publishers`): a bundle whose key "
        "is not is left out of the ranking."
    )
    href: Href = Field(description="Address of the archive as it was imported.")
