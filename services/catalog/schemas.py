"""Response models of the catalogue."""

from collections.abc import Iterable
from typing import Annotated, Any, Generic, Literal

from pydantic import AwareDatetime, Field

from services.catalog.opening_hours import OpenState
from services.catalog.records import (
    COMPONENTS,
    Agency,
    ChannelKind,
    DocumentType,
    LifeEvent,
    Place,
    Service,
)
from services.catalog.reference_records import RecordT
from services.catalog.search.demand_limits import LEAST_DAYS
from services.platform.api_model import ApiModel
from services.platform.differences import Difference
from services.platform.packs import Source
from services.platform.paging import CountedPage
from services.platform.types import DistrictCode, Href, IsoDate, ShortText, Slug, Text, YearMonth

MOST_WORDS = 500
"""Words of a month that are listed at most."""


class AgencyReference(ApiModel):
    """The agency that gives a service."""

    slug: Slug
    name: ShortText
    short_name: ShortText


class Completeness(ApiModel):
    """How many of the 14 components of the service standard are published."""

    published: int = Field(ge=0, le=COMPONENTS)
    of: int = Field(default=COMPONENTS, description="Number of components of the service standard.")


class ServiceSummary(ApiModel):
    """A service as a list item."""

    slug: Slug
    name: ShortText
    name_en: ShortText
    summary: Text
    summary_en: Text
    agency: AgencyReference
    status: Literal["active", "inactive", "withdrawn"] = Field(
        description="Withdrawn services are listed with `modified_after` only."
    )
    digital: bool = Field(description="Whether the service can be used online.")
    channels: list[ChannelKind]
    life_events: list[str]
    completeness: Completeness
    version: int
    modified_at: AwareDatetime
    href: Href


class ServiceName(ApiModel):
    """What a reader of names takes of a list item."""

    slug: str
    name: str
    name_en: str
    agency: AgencyReference


class FacetCount(ApiModel):
    """How many of the services found have a value."""

    value: Slug
    name: ShortText
    name_en: ShortText
    count: int = Field(ge=1)


class ChannelCount(ApiModel):
    """How many of the services found have a channel."""

    value: ChannelKind
    count: int = Field(ge=1)


class DistrictCount(ApiModel):
    """How many of the services found are given in a district."""

    value: DistrictCode
    count: int = Field(ge=1)


class SearchFacets(ApiModel):
    """How many of the services found have which value of a parameter, the most frequent first."""

    agency: list[FacetCount] = Field(description="By agency.")
    life_event: list[FacetCount] = Field(description="By life event.")
    channel: list[ChannelCount] = Field(description="By way of using the service.")
    place: list[FacetCount] = Field(
        default_factory=list[FacetCount], description="By place where the service is given."
    )
    district: list[DistrictCount] = Field(
        default_factory=list[DistrictCount], description="By district of these places."
    )
    open_now: int = Field(
        default=0, ge=0, description="How many are given at a place that is open now."
    )


class AgencyFound(ApiModel):
    """An agency that the search words name."""

    slug: Slug
    name: ShortText
    name_en: ShortText
    href: Href = Field(description="Address of its services.")


class PlaceFound(ApiModel):
    """A place that the search words name."""

    slug: Slug
    name: ShortText
    name_en: ShortText
    href: Href


class Suggestion(ApiModel):
    """What somebody who is typing may be about to ask for."""

    kind: Literal["service", "agency", "place"]
    slug: Slug
    name: ShortText
    name_en: ShortText


class Suggestions(ApiModel):
    """Suggestions for search words, the best first; services before agencies and places."""

    items: list[Suggestion]


class NearestService(ApiModel):
    """A service that a search perhaps meant."""

    slug: Slug
    name: ShortText
    name_en: ShortText
    href: Href


class SearchFindings(ApiModel):
    """What a search found besides the page of services."""

    corrected: str | None = Field(
        description="The search words without the typing errors that were assumed; null if none."
    )
    nearest: NearestService | None = Field(
        description="The service that was perhaps meant, if the search words fit none well."
    )
    complaint: bool = Field(
        description="Whether the search words are a complaint (`POST /api/v1/comments`)."
    )
    agencies: list[AgencyFound] = Field(description="Agencies that the search words name.")
    places: list[PlaceFound] = Field(
        default_factory=list[PlaceFound], description="Places that the search words name."
    )
    facets: SearchFacets = Field(description="How the services found spread over parameters.")


class SearchTerms(ApiModel):
    """The search as tables; what refers to another one does so by place, from 0."""

    services: list[Slug] = Field(description="Slugs of the services.")
    terms: dict[str, int] = Field(
        description="Words and phrases in standard spelling, with their place in `scores` and "
        "`roots`."
    )
    scores: list[list[int]] = Field(
        description="What a term asks for, the highest score, in tenths, 0 of words that say "
        "nothing; then pairs: a service, and what the term scores for it."
    )
    roots: list[list[int]] = Field(
        description="Triples: a root that a term means, its weight in hundredths, and its place in "
        "the phrase."
    )
    words: list[str] = Field(description="Words in names of services.")
    word_values: list[list[int]] = Field(
        description="For each of `words` its root, 1 if a name is complete without it, and what it "
        "counts in a name, in tenths."
    )
    names: list[list[int]] = Field(
        description="A service, then the words of one of its names in their order."
    )
    spellings: dict[str, str] = Field(
        description="Other spellings of words and phrases, each with the standard one."
    )
    affixes: list[list[str]] = Field(
        description="What a form of a word begins with, what the word has instead, and what the "
        "form ends with."
    )
    unknown: int = Field(ge=0, description="What a word asks for that is not among the terms.")


class ServicePage(CountedPage[ServiceSummary]):
    """A page of services."""

    search: SearchFindings | None = Field(default=None, description="With `query` only.")


class ServiceReference(ApiModel):
    """A service to which another record leads."""

    slug: Slug
    name: ShortText
    name_en: ShortText
    agency: ShortText = Field(description="Short name of the agency that gives it.")


class ServiceDetail(ApiModel):
    """A service with all published details."""

    service: Service = Field(description="The service with the components of its standard.")
    agency: Agency = Field(description="Agency that gives the service.")
    life_events: list[LifeEvent]
    places: list[Place] = Field(
        default_factory=list[Place], description="Places where the service is given."
    )
    document_types: list[DocumentType] = Field(
        default_factory=list[DocumentType],
        description="The types of document that the service requires or issues.",
    )
    services: list[ServiceReference] = Field(
        default_factory=list[ServiceReference],
        description="Services that it names, and those that issue its document types.",
    )
    sources: list[Source] = Field(description="Sources that the service cites, in full.")
    amendments: list[Source] = Field(
        default_factory=list[Source],
        description="Sources that amend those which the service cites (`amended_by`), in full.",
    )
    completeness: Completeness
    version: int
    modified_at: AwareDatetime
    href: Href


class SimilarService(ApiModel):
    """A service of the same agency that is perhaps the same: its name is nearly equal."""

    slug: Slug
    name: ShortText
    name_en: ShortText
    href: Href


class ServicePublished(ServiceDetail):
    """A service as it was published, with those that it perhaps repeats."""

    similar: list[SimilarService] | None = Field(
        description="Services of the agency with nearly the same name: perhaps the same service. "
        "Null if search could not say."
    )


class CatalogVersion(ApiModel):
    """A version of a record of the catalogue."""

    number: int
    recorded_at: AwareDatetime
    recorded_by: str = Field(description="The agency that published it, or `pack`.")
    withdrawn: bool = Field(description="Whether this version withdrew the record.")
    href: Href


class CatalogVersions(ApiModel):
    """All versions of a record, the newest first."""

    items: list[CatalogVersion]
    next: str | None = None


def catalog_versions(rows: Iterable[Any], href: str) -> CatalogVersions:
    """Return the versions of a record, of rows of VERSIONS or RECORD_VERSIONS, at its address."""
    return CatalogVersions(
        items=[
            CatalogVersion(
                number=row.number,
                recorded_at=row.recorded_at,
                recorded_by=row.recorded_by,
                withdrawn=row.withdrawn,
                href=f"{href}/versions/{row.number}",
            )
            for row in rows
        ]
    )


class VersionChanges(ApiModel):
    """Who published a version of a record, and what it changed."""

    number: int
    recorded_at: AwareDatetime
    recorded_by: str = Field(description="The agency that published it, or `pack`.")
    differences: list[Difference] = Field(
        description="What it changed of the version before; empty of the first one."
    )


class ServiceAtVersion(VersionChanges):
    """A service as published in one version; null if that version withdrew it."""

    approved_by: str | None = Field(
        description="Who published it as the draft of another; null if its author published it."
    )
    service: Service | None


class DraftStep(ApiModel):
    """A step of a draft: it was written, submitted for review, or refused."""

    state: Literal["draft", "in_review", "refused"] = Field(description="State since this step.")
    recorded_at: AwareDatetime
    recorded_by: str = Field(description="The agency, or the id of a key without one.")
    reason: Text | None = Field(description="Why it was refused; null of other steps.")


class DraftItem(ApiModel):
    """An open draft in the list of drafts."""

    slug: Slug
    name: ShortText
    agency: Slug
    state: Literal["draft", "in_review", "refused"] = Field(description="State of the draft.")
    base_version: int | None = Field(
        description="The published version that it changes; null of a new service."
    )
    recorded_at: AwareDatetime
    recorded_by: str = Field(description="Who took the last step.")
    is_own: bool = Field(
        description="Whether the caller wrote any part of it; others review and publish it."
    )
    href: Href


class ServiceDraft(ApiModel):
    """The open draft of a service."""

    service: Service = Field(description="The service as the draft has it.")
    state: Literal["draft", "in_review", "refused"] = Field(description="State of the draft.")
    base_version: int | None = Field(
        description="The published version that it changes; null of a new service."
    )
    published_version: int | None = Field(
        description="The version that is published now; null if there is none. If it is not "
        "`base_version`, others have published meanwhile."
    )
    differences: list[Difference] = Field(
        description="What the draft changes of the published version; empty of a new service."
    )
    steps: list[DraftStep] = Field(description="What was done with the draft, the oldest first.")
    is_own: bool = Field(
        description="Whether the caller wrote any part of it; others review and publish it."
    )
    href: Href


class DraftSaved(ServiceDraft):
    """A draft as it was saved, with services that it perhaps repeats."""

    similar: list[SimilarService] | None = Field(
        description="Services of the agency with nearly the same name: perhaps the same service. "
        "Null if search could not say."
    )


class Refusal(ApiModel):
    """Why a draft is not published."""

    reason: Annotated[Text, Field(min_length=1)] = Field(
        description="What its author is to change."
    )


class AgencyItem(Agency):
    """An agency with the number of its services."""

    services: int
    href: Href = Field(description="Address of its services.")


class AgencyDetail(ApiModel):
    """An agency with all published details."""

    agency: Agency
    services: list[ServiceReference] = Field(description="The services that it gives.")
    sources: list[Source]
    version: int
    modified_at: AwareDatetime
    href: Href


class CaseReference(ApiModel):
    """A case of a service, such as a lost card."""

    slug: Slug
    name: ShortText
    name_en: ShortText


class LifeEventService(ServiceReference):
    """A service for a life event, with its cases."""

    cases: list[CaseReference] = Field(
        default_factory=list[CaseReference],
        description="Cases of the service, by which it asks for different things.",
    )


class LifeEventDetail(ApiModel):
    """A life event with its services."""

    life_event: LifeEvent = Field(description="The life event that is described.")
    services: list[LifeEventService] = Field(description="The services for it.")
    version: int
    modified_at: AwareDatetime
    href: Href


class LifeEventItem(LifeEvent):
    """A life event with the number of its services."""

    services: int
    href: Href = Field(description="Address of its services.")


class Opening(ApiModel):
    """Whether a place is open now."""

    open: bool | None = Field(description="Null if its hours are not published.")
    changes_at: AwareDatetime | None = Field(
        description="When it closes or opens next; null if not within 31 days."
    )


class OpeningInterval(ApiModel):
    """An uninterrupted time of opening."""

    opens_at: AwareDatetime = Field(description="Time at which it opens.")
    closes_at: AwareDatetime = Field(description="Time at which it closes.")


class OpeningDay(ApiModel):
    """A day with the times at which a place opens on it."""

    date: IsoDate = Field(description="Calendar day in local time.")
    holiday: bool = Field(description="Whether it is a public holiday or joint leave.")
    intervals: list[OpeningInterval] = Field(
        description="Times of this day at which it is open; empty if it is closed."
    )


class PlaceOpening(Opening):
    """Whether a place is open now, and its opening in the coming week."""

    as_of: AwareDatetime = Field(description="Time to which this refers.")
    days: list[OpeningDay] = Field(description="Opening hours by day, in order.")


class PlaceItem(Place):
    """A place with whether it is open, and the number of services given there."""

    opening: Opening = Field(description="Whether the place is open, and until or from when.")
    services: int
    href: Href


class PlaceDetail(ApiModel):
    """A place with all published details."""

    place: Place
    agency: Agency
    services: list[ServiceReference] = Field(description="The services given there.")
    sources: list[Source]
    version: int
    modified_at: AwareDatetime
    href: Href


class DocumentTypeItem(DocumentType):
    """A document type with its address."""

    href: Href


class DocumentTypeDetail(ApiModel):
    """A document type with all published details."""

    document_type: DocumentType = Field(description="Type of document that is described.")
    issued_by: ServiceReference | None = Field(description="Services that issue the document.")
    required_by: list[ServiceReference] = Field(description="Services that require the document.")
    sources: list[Source]
    version: int
    modified_at: AwareDatetime
    href: Href


class SourceItem(Source):
    """A source with its address."""

    href: Href


class RecordAtVersion(VersionChanges, Generic[RecordT]):
    """A record as published in one version; null if that version withdrew it."""

    record: RecordT | None = Field(description="The record; null if it was withdrawn.")


class SourceAtVersion(RecordAtVersion[Source]):
    """A source as published in one version."""


class PlaceAtVersion(RecordAtVersion[Place]):
    """A place as published in one version."""


class DocumentTypeAtVersion(RecordAtVersion[DocumentType]):
    """A document type as published in one version."""


class AgencyAtVersion(RecordAtVersion[Agency]):
    """An agency as published in one version."""


class LifeEventAtVersion(RecordAtVersion[LifeEvent]):
    """A life event as published in one version."""


class AgencyCompleteness(ApiModel):
    """Published share of an agency's service standards."""

    agency: Slug
    services: int
    digital_services: int = Field(description="Number of services that can be used online.")
    digital_in_operation: int = Field(description="Number of digital services whose link works.")
    standard_share: float = Field(
        ge=0,
        le=1,
        description="Published share of the components of its service standards, from 0 to 1.",
    )


class ServiceFreshness(ApiModel):
    """A service in the queue of those whose record is to be checked."""

    slug: Slug
    name: ShortText
    name_en: ShortText
    agency: Slug
    owner: ShortText | None = Field(description="Unit or post that keeps the record.")
    assured_until: IsoDate | None = Field(description="Null if the agency assures nothing.")
    is_due: bool = Field(description="Whether nothing is assured, or no longer.")
    components: int = Field(description="Published components of the service standard.")
    unchecked: int = Field(description="Those of them that nobody has checked.")
    oldest_check: IsoDate | None = Field(description="The oldest day on which one was checked.")
    modified_at: AwareDatetime
    href: Href


class AskedWord(ApiModel):
    """A word of searches that found no service."""

    word: str = Field(description="The word as it is compared: lower case, one spelling.")
    days: int = Field(ge=LEAST_DAYS, le=31, description="Days on which it was asked for.")


class SearchDemandOfMonth(ApiModel):
    """The words of a month, those of most days first."""

    month: YearMonth
    items: list[AskedWord] = Field(max_length=MOST_WORDS)


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
    agencies: list[AgencyCompleteness] = Field(description="The same share by agency.")


def service_summary(row: Any, *, href: str) -> ServiceSummary:
    """Return a list item from a row of HITS; `catalog.list_item_json` makes those of PAGE."""
    content: dict[str, Any] = row.content
    # An agency may have left the catalogue with its last service.
    agency: dict[str, str] = row.agency or dict.fromkeys(
        ("slug", "name", "short_name"), content["agency"]
    )
    return ServiceSummary(
        slug=row.slug,
        name=content["name"],
        name_en=content["name_en"],
        summary=content["summary"],
        summary_en=content["summary_en"],
        agency=AgencyReference(
            slug=agency["slug"], name=agency["name"], short_name=agency["short_name"]
        ),
        status="withdrawn" if row.withdrawn else content["status"],
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


def opening_of(place: Place, state: OpenState) -> Opening:
    """Return whether a place is open; unknown if it publishes no hours."""
    known = bool(place.hours or place.exceptions)
    return Opening(open=state.is_open if known else None, changes_at=state.changes_at)
