"""API models of files attached to evidence."""

from uuid import UUID

from pydantic import AwareDatetime, Field

from services.platform.api_model import ApiModel
from services.platform.types import Href, Sha256, ShortText


class EvidenceAttachment(ApiModel):
    """A file attached to a record of evidence."""

    sha256: Sha256 = Field(description="SHA-256 of the file as stored, which identifies it.")
    name: ShortText = Field(description="Name of the file when it is downloaded.")
    media_type: str = Field(description="Media type, detected from the content.")
    size: int = Field(description="Size in bytes.")
    added_at: AwareDatetime = Field(description="When it was attached.")
    added_by: str = Field(description="Agency that attached it.")
    confirmed_at: AwareDatetime | None = Field(
        description="When the record was next confirmed, so that it stays; null if not since."
    )
    href: Href = Field(description="Address of the content.")


class AttachmentOfKind(EvidenceAttachment):
    """A file attached to some record of a kind."""

    record: UUID = Field(description="Id of the record.")


class EvidenceAttachments(ApiModel):
    """The files of a record of evidence, the oldest first."""

    items: list[EvidenceAttachment]
