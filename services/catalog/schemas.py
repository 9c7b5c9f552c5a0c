"""Response models of the catalogue."""

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from services.catalog.records import COMPONENTS, Agency, ChannelKind, LifeEvent, Service
from services.platform.api_model import ApiModel
from services.platform.packs import Source
from services.platform.types import Href, ShortText, Slug, Text


class AgencyReference(ApiModel):
    """The agency that gives a service."""

    slug: Slug
    name: ShortText
    short_name: ShortText


class Completeness(ApiModel):
    """How many of the 14 components of the service standard are published."""

    published: int = Field(ge=0, le=COMPONENTS)
    of: int = COMPONENTS


class ServiceSummary(ApiModel):
    """A service as a list item."""

    slug: Slug
    name: ShortText
    name_en: ShortText
    summary: Text
    summary_en: Text
    agency: AgencyReference
    status: Literal["active", "inactive"]
    digital: bool
    channels: list[ChannelKind]
    life_events: list[str]
    completeness: Completeness
    version: int
    modified_at: AwareDatetime
    href: Href


class ServiceDetail(ApiModel):
    """A service with all published details."""

    service: Service
    agency: Agency
    life_events: list[LifeEvent]
    sources: list[Source]
    completeness: Completeness
    version: int
    modified_at: AwareDatetime
    href: Href


class ServiceVersion(ApiModel):
    """A version of a service."""

    number: int
    recorded_at: AwareDatetime
    recorded_by: str = Field(description="The agency that published it, or `pack`.")
    withdrawn: bool = Field(description="Whether this version withdrew the service.")
    href: Href


class ServiceVersions(ApiModel):
    """All versions of a service, the newest first."""

    items: list[ServiceVersion]
    next: str | None = None


class ServiceAtVersion(ApiModel):
    """A service as published in one version; null if that version withdrew it."""

    number: int
    recorded_at: AwareDatetime
    service: Service | None


class AgencyItem(Agency):
    """An agency with the number of its services."""

    services: int
    href: Href = Field(description="Address of its services.")


class LifeEventItem(LifeEvent):
    """A life event with the number of its services."""

    services: int
    href: Href = Field(description="Address of its services.")


class AgencyCompleteness(ApiModel):
    """Published share of an agency's service standards."""

    agency: Slug
    services: int
    digital_services: int
    digital_in_operation: int
    standard_share: float = Field(ge=0, le=1)


class CatalogSummary(ApiModel):
    """Published share of the catalogue's service standards."""

    as_of: AwareDatetime | None = Field(description="The moment asked for; null for now.")
    first_published_at: AwareDatetime | None = Field(
        description="When the first service was published."
    )
    services: int
    digital_services: int = Field(description="Services with an online channel.")
    digital_in_operation: int = Field(description="Those of them that are in operation.")
    own_digital_services: int = Field(
        description="Services with an online channel that no portal of a national body is."
    )
    own_digital_in_operation: int = Field(description="Those of them that are in operation.")
    standard_share: float | None = Field(
        description="Mean share of the 14 service-standard components (PermenPANRB 15/2014) "
        "published per service; null without services.",
    )
    agencies: list[AgencyCompleteness]


def service_summary(row: Any, *, href: str) -> ServiceSummary:
    """Return a list item from a row of SEARCH; `catalog.list_item_json` makes those of PAGE."""
    content: dict[str, Any] = row.content
    agency: dict[str, Any] = row.agency
    return ServiceSummary(
        slug=row.slug,
        name=content["name"],
        name_en=content["name_en"],
        summary=content["summary"],
        summary_en=content["summary_en"],
        agency=AgencyReference(
            slug=agency["slug"], name=agency["name"], short_name=agency["short_name"]
        ),
        status=content["status"],
        digital=content["digital"],
        channels=sorted({channel["kind"] for channel in content["channels"]}),
        life_events=content["life_events"],
        completeness=completeness(content),
        version=row.version,
        modified_at=row.modified_at,
        href=href,
    )


def completeness(content: dict[str, Any]) -> Completeness:
    return Completeness(published=len(content["components"]))
