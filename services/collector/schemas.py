"""What the collector answers: coverage, hubs, ranking, elements, outages, services."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.collector.findings import FindingKind, Source
from services.platform.api_model import ApiModel
from services.platform.types import Href, Sha256

HubStanding = Literal["current", "behind", "silent", "untrusted"]
"""`untrusted`: what it sent last cannot be believed. `silent`: it does not answer. `behind`: its
assessment of the last year that ended is missing. `current`: none of these."""

Exclusion = Literal["untrusted", "other_method", "too_little_evidence"]


class HubFinding(ApiModel):
    """Something that a hub sent and that does not count."""

    kind: FindingKind = Field(
        description="`altered`: a bundle that fails verification, or differs from the one known by "
        "its id; `key_changed`: a key that is not listed for the regency; `replayed`: an older "
        "assessment where a newer one is known; `withdrawn`: a year that was published is not "
        "listed any more; `wrong_region`: another regency's."
    )
    subject: str = Field(description="Assessment, file, key or year that it is about.")
    expected: str = Field(description="What was expected.")
    received: str = Field(description="What came instead.")
    opened_at: AwareDatetime = Field(description="When a round first found it.")
    seen_at: AwareDatetime = Field(description="When a round last found it.")


class MonthlyReports(ApiModel):
    """How completely the agencies of a regency report their monthly statistics."""

    period: int = Field(description="Calendar year.")
    expected: int = Field(description="Monthly reports of agencies that are due.")
    on_time: int
    late: int

    @property
    def share(self) -> float | None:
        """The share of what is due that was received; None if nothing is due."""
        return None if not self.expected else min(1.0, (self.on_time + self.late) / self.expected)


class HubAssessment(ApiModel):
    """The newest verified assessment of a regency in a year."""

    id: UUID
    period: int = Field(description="Calendar year that was assessed.")
    proven: float | None = Field(description="The index if everything not known turned out worst.")
    possible: float | None = Field(description="The index if everything not known turned out best.")
    value: float | None = Field(description="The estimate; null if too little is known.")
    coverage: float = Field(ge=0, le=1, description="Share of indicators that have evidence.")
    recorded_at: AwareDatetime = Field(description="When its hub made it.")
    received_at: AwareDatetime = Field(description="When the collector verified and stored it.")
    fingerprint: Sha256 = Field(description="Fingerprint of the key that signed it.")
    source: Source = Field(description="Over the `network`, or as a file of a `folder`.")


class Hub(ApiModel):
    """A regency's hub as the collector knows it."""

    region: str = Field(description="Code of the regency, such as 12.12.")
    name: str
    standing: HubStanding = Field(
        description="`untrusted`: what it sent last cannot be believed; `silent`: it does not "
        "answer; `behind`: its assessment of the last year that ended is missing; `current`: none "
        "of these. The first that applies."
    )
    address: str | None = Field(description="Base address; null if only files come from it.")
    answered_at: AwareDatetime | None = Field(description="When it last answered.")
    silent_since: AwareDatetime | None = Field(
        description="When it was first found not to answer; null if it does."
    )
    failure: str | None = Field(description="What the last round could not read, and why.")
    version: str | None = Field(description="Version of its software.")
    reporting: MonthlyReports | None = Field(description="Null if it never said.")
    services: int = Field(description="Services in its catalogue, as last read.")
    assessment: HubAssessment | None = Field(
        description="Its newest verified assessment. One of an untrusted hub is shown, and does "
        "not enter the ranking."
    )
    findings: list[HubFinding] = Field(description="What is open, the newest first.")
    href: Href


class Hubs(ApiModel):
    """A page of hubs."""

    items: list[Hub] = Field(max_length=100, description="Hubs by the code of their regency.")
    next: Href | None = Field(description="Address of the next page, or null on the last one.")
    total: int = Field(ge=0, description="Hubs on all pages.")


class Coverage(ApiModel):
    """Who reports, and who does not."""

    name: str = Field(description="Who collects.")
    name_en: str
    collected_at: AwareDatetime = Field(description="When the last round ended.")
    hubs: int = Field(description="Regencies on the list.")
    current: int
    behind: int
    silent: int
    untrusted: int
    year: int = Field(description="The last year that ended, whose assessment is expected.")
    periods: list[int] = Field(description="Years of which there are assessments, newest first.")
    services: int = Field(description="Services in all catalogues.")
    hubs_href: Href
    ranking_href: Href


class RankedHub(ApiModel):
    """A regency with its rank by what is proven, and what the estimates say beside it."""

    region: str
    name: str
    rank: int = Field(description="By `proven`; equal ones share the better rank.")
    proven: float | None
    possible: float | None
    coverage: float = Field(ge=0, le=1)
    value: float | None
    low: float | None = Field(description="Lower end of the 95% interval of the estimate.")
    high: float | None = Field(description="Upper end of that interval.")
    median_rank: int | None = Field(
        description="By the estimates, rank that is exceeded as often as not; null without one."
    )
    rank_low: int | None = Field(description="First rank of the 95% interval by the estimates.")
    rank_high: int | None = Field(description="Last rank of that interval.")
    top_probability: float | None = Field(
        description="Probability to be among the first tenth by the estimates."
    )
    silent_since: AwareDatetime | None = Field(
        description="Set if its hub does not answer, so that this is its last known figure."
    )
    recorded_at: AwareDatetime
    assessment: UUID
    href: Href


class ExcludedHub(ApiModel):
    """A regency that is not ranked, and why."""

    region: str
    name: str
    reason: Exclusion = Field(
        description="`untrusted`: a finding is open; `other_method`: its assessment is by another "
        "version of the method; `too_little_evidence`: it has no score."
    )


class NationalRanking(ApiModel):
    """Regencies in the order of what is proven of them."""

    period: int = Field(description="Calendar year that is compared.")
    method: str
    method_version: int
    method_hash: Sha256
    seed: int
    draws: int
    items: list[RankedHub] = Field(description="Regencies, the first rank first.")
    excluded: list[ExcludedHub]


class RankProbabilities(ApiModel):
    """How probable each rank of a regency is by the estimates."""

    region: str
    name: str
    period: int = Field(description="Calendar year that is compared.")
    rank_probabilities: list[float] = Field(
        description="Probabilities of rank 1, 2, ...; they sum to 1."
    )
    outranks: dict[str, float] = Field(
        description="Probability to rank above each other regency, by its code."
    )


class BestPractice(ApiModel):
    """A regency with what is proven of an element."""

    region: str
    name: str
    proven: float
    possible: float | None
    href: Href


class ElementPractice(ApiModel):
    """An element of the method, and the regencies of which most is proven in it."""

    code: str
    name: str
    name_en: str
    level: Literal["element", "driver"]
    regencies: int = Field(description="Regencies of which something is proven.")
    median: float = Field(description="Median of what is proven, of all compared regencies.")
    best: list[BestPractice] = Field(description="At most five, the highest first.")


class Elements(ApiModel):
    """Best practice by element in a year."""

    period: int
    items: list[ElementPractice] = Field(description="Elements in the order of the method.")


class Observer(ApiModel):
    """A regency whose hub sees a portal as broken."""

    region: str
    name: str
    since: AwareDatetime | None = Field(description="Since when its incident lasts.")
    checked_at: AwareDatetime | None


class PortalOutage(ApiModel):
    """A national portal as the hubs of many regencies see it now."""

    host: str = Field(description="Host of the portal, such as oss.go.id.")
    title: str
    title_en: str
    watched_by: int = Field(description="Regencies whose hub checks it and answers.")
    broken_for: int = Field(description="Of these: those that cannot reach it.")
    since: AwareDatetime | None = Field(description="When the first of these incidents began.")
    is_widespread: bool = Field(
        description="Whether several regencies and at least half of those that check it see it "
        "broken: then the portal is down, not one regency's network."
    )
    seen_by: list[Observer] = Field(description="Regencies that cannot reach it.")


class Outages(ApiModel):
    """National portals, those that most regencies cannot reach first."""

    items: list[PortalOutage]


class ServicePlace(ApiModel):
    """A regency that gives a service."""

    region: str
    name: str
    href: Href | None = Field(
        description="Page of the service at its hub; null if networks do not reach it."
    )


class FoundService(ApiModel):
    """A service, once for all regencies that describe it in the same words."""

    id: str = Field(description="Identifies these words.")
    name: str
    name_en: str
    summary: str
    summary_en: str
    agencies: list[str] = Field(description="Agencies that give it, by name; at most five.")
    regencies: int = Field(description="Regencies that give it, by this search's place.")
    places: list[ServicePlace] = Field(description="At most twenty of them, by code.")


class FoundServices(ApiModel):
    """Services of all regencies that a question finds, best first."""

    items: list[FoundService] = Field(max_length=100)
    next: Href | None = Field(description="Address of the next page, or null on the last one.")
    total: int = Field(ge=0)
    corrected: str | None = Field(
        description="The question without its typing errors; null if there are none."
    )
