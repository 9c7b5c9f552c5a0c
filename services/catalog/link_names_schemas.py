"""Names of links, as the gateway passes them on."""

from pydantic import Field

from services.platform.api_model import ApiModel
from services.platform.types import Slug

LINK_NAMES = "/internal/links"
"""Path of the request, which the gateway routes from nowhere else."""


class LinkName(ApiModel):
    """A link that channels of services may name."""

    slug: Slug
    national: bool = Field(description="Whether a national body operates it.")


class LinkNames(ApiModel):
    """All links of the regency."""

    links: list[LinkName]


class LinkInUse(ApiModel):
    """A link that was to go and stays."""

    slug: Slug
    services: list[Slug] = Field(description="Services that lead to it.")


class LinksInUse(ApiModel):
    """Links that were to go and stay, since services lead to them."""

    links: list[LinkInUse]
