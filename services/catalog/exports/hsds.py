"""Services by the Human Services Data Specification 3.0 of Open Referral."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.catalog.exports.catalogue import PublishedService
from services.catalog.exports.identifiers import Addresses, uuid_of
from services.catalog.records import Agency
from services.platform.api_model import ApiModel
from services.platform.types import HttpsUrl

VERSION = "3.0"
PROFILE = "https://docs.openreferral.org/en/v3.0.0/"
OPENAPI_URL = "https://raw.githubusercontent.com/openreferral/specification/3.0/schema/openapi.json"
MAX_ON_PAGE = 100

HsdsStatus = Literal["active", "inactive", "defunct", "temporarily closed"]


class HsdsBase(ApiModel):
    """What this interface is (`/hsds`)."""

    version: str = Field(description="Version of the specification.")
    profile: str = Field(description="Address of the profile; the specification itself.")
    openapi_url: str = Field(description="Address of the specification's OpenAPI document.")


class HsdsOrganization(ApiModel):
    """An agency of the regency that provides services."""

    id: UUID = Field(description="Identifier of the agency.")
    name: str = Field(description="Name in Indonesian.")
    alternate_name: str | None = Field(None, description="Short name.")
    description: str = Field(description="Name in English; the catalogue holds no more.")
    website: HttpsUrl | None = Field(None, description="Address of its website.")


class HsdsCostOption(ApiModel):
    """What a service costs."""

    id: UUID = Field(description="Identifier of the cost.")
    service_id: UUID = Field(description="The service that costs it.")
    currency: str = Field(description="Currency by ISO 4217.")
    amount: int | None = Field(None, description="Amount; left out where it depends.")
    amount_description: str = Field(description="The cost in words.")


class HsdsRequiredDocument(ApiModel):
    """What a person brings."""

    id: UUID = Field(description="Identifier of the requirement.")
    service_id: UUID = Field(description="The service that asks for it.")
    document: str = Field(description="The requirement in words.")


class HsdsLanguage(ApiModel):
    """A language in which a service is offered."""

    id: UUID = Field(description="Identifier of the language at this service.")
    service_id: UUID = Field(description="Identifier of the service to which it belongs.")
    name: str = Field(description="Name of the language.")
    code: str = Field(description="Code by ISO 639-1.")


class HsdsServiceArea(ApiModel):
    """The area that a service serves."""

    id: UUID = Field(description="Identifier of the area of this service.")
    service_id: UUID = Field(description="Identifier of the service to which it belongs.")
    name: str = Field(description="Name of the regency.")
    uri: str = Field(description="Its code (Ministry of Home Affairs).")


class HsdsReference(ApiModel):
    """A service in a minimal list."""

    id: UUID = Field(description="Identifier of the service.")
    name: str = Field(description="Name in Indonesian.")
    status: HsdsStatus = Field(description="Whether it can be used; `defunct` if withdrawn.")
    last_modified: AwareDatetime = Field(description="When its last version was published.")


class HsdsListedService(HsdsReference):
    """A service with its fields and its agency, as lists hold it."""

    alternate_name: str | None = Field(None, description="Name by which people commonly know it.")
    description: str = Field(description="What it is, in Indonesian.")
    url: str | None = Field(None, description="Its page, if the hub has a public address.")
    application_process: str | None = Field(None, description="How it is asked for.")
    wait_time: str | None = Field(None, description="How long it takes.")
    fees_description: str | None = Field(None, description="What it costs.")
    organization_id: UUID = Field(description="The agency that provides it.")
    organization: HsdsOrganization | None = Field(
        None, description="The agency; left out if it is no longer in the catalogue."
    )


class HsdsService(HsdsListedService):
    """A service with everything that belongs to it."""

    languages: list[HsdsLanguage] = Field(description="Languages in which it is offered.")
    service_areas: list[HsdsServiceArea] = Field(description="Where it is offered.")
    cost_options: list[HsdsCostOption] = Field(description="What it costs.")
    required_documents: list[HsdsRequiredDocument] = Field(description="What to bring.")


class HsdsPage(ApiModel):
    """A page of services in the order of their first publication.

    A withdrawn service stays in its place with the status `defunct`, so that none is missed or
    read twice while the catalogue changes.
    """

    total_items: int = Field(description="Services on all pages.")
    total_pages: int = Field(description="Pages.")
    page_number: int = Field(description="Number of this page, from 1.")
    size: int = Field(description="Services on this page.")
    first_page: bool = Field(description="Whether this is the first page.")
    last_page: bool = Field(description="Whether this is the last page.")
    empty: bool = Field(description="Whether this page is empty.")
    contents: Sequence[HsdsService | HsdsListedService | HsdsReference] = Field(
        description="The services of this page."
    )


def to_reference(published: PublishedService, region: str) -> HsdsReference:
    """Return a service by its identifier, name, status and last change."""
    return HsdsReference(
        id=uuid_of(region, "service", published.service.slug),
        name=published.service.name,
        status="defunct" if published.withdrawn else published.service.status,
        last_modified=published.modified_at,
    )


def to_listed_service(published: PublishedService, addresses: Addresses) -> HsdsListedService:
    """Return a service as lists hold it."""
    service, region = published.service, addresses.region

    def component(
        code: Literal["sistem_mekanisme_prosedur", "jangka_waktu", "biaya_tarif"],
    ) -> str | None:
        found = service.components.get(code)
        return None if found is None else found.text

    return HsdsListedService(
        **to_reference(published, region).model_dump(),
        alternate_name=service.common_names[0] if service.common_names else None,
        description=service.summary,
        url=addresses.page(f"/layanan/{service.slug}") if addresses.public_url else None,
        application_process=component("sistem_mekanisme_prosedur"),
        wait_time=component("jangka_waktu"),
        fees_description=component("biaya_tarif"),
        organization_id=uuid_of(region, "agency", service.agency),
        organization=None if published.agency is None else _organization(published.agency, region),
    )


def to_service(published: PublishedService, addresses: Addresses, *, area: str) -> HsdsService:
    """Return a service with everything that belongs to it; `area` is the regency's name."""
    service, region = published.service, addresses.region
    own = uuid_of(region, "service", service.slug)

    def part(kind: str, name: str) -> UUID:
        return uuid_of(region, "service", service.slug, kind, name)

    fee = service.components.get("biaya_tarif")
    needed = service.components.get("persyaratan")
    documents = [] if needed is None else needed.items or [needed.text]
    return HsdsService(
        **to_listed_service(published, addresses).model_dump(),
        languages=[
            HsdsLanguage(
                id=part("language", "id"), service_id=own, name="Bahasa Indonesia", code="id"
            )
        ],
        service_areas=[
            HsdsServiceArea(id=part("area", region), service_id=own, name=area, uri=region)
        ],
        cost_options=[]
        if fee is None
        else [
            HsdsCostOption(
                id=part("cost", "1"),
                service_id=own,
                currency="IDR",
                amount=fee.fee_idr,
                amount_description=fee.text,
            )
        ],
        required_documents=[
            HsdsRequiredDocument(id=part("requirement", str(n)), service_id=own, document=document)
            for n, document in enumerate(documents, start=1)
        ],
    )


def _organization(agency: Agency, region: str) -> HsdsOrganization:
    return HsdsOrganization(
        id=uuid_of(region, "agency", agency.slug),
        name=agency.name,
        alternate_name=agency.short_name,
        description=agency.name_en,
        website=agency.website,
    )
