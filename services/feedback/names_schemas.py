"""Names of services, agencies and links, as the gateway passes them on."""

from pydantic import Field

from services.feedback.channels import ChannelKind
from services.platform.api_model import ApiModel
from services.platform.types import ShortText, Slug

NAMES = "/internal/names"
"""Path of the request, which the gateway routes from nowhere else."""


class OfferedService(ApiModel):
    """A service with the agency that gives it."""

    agency: Slug
    service: Slug
    name: ShortText
    channels: list[ChannelKind] = Field(max_length=50)
    is_owed: bool = Field(description="Whether monthly statistics of it are asked for.")


class PublishedNames(ApiModel):
    """The names that exist in the regency."""

    services: list[OfferedService]
    agencies: list[Slug]
    links: list[Slug]
