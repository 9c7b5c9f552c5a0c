"""Search over the catalogues of all regencies, by the language rules of a hub's own search.

A service that many regencies describe in the same words is indexed once, with the regencies that
give it as its places: five hundred copies of a name would else compete with each other.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.catalog.search.documents import Lexicon, ServiceTexts, read_document
from services.catalog.search.index import Choice, SearchIndex
from services.collector.schemas import FoundService, ServicePlace

MOST_PLACES = 20
MOST_AGENCIES = 5
UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class CollectedService:
    """A service of a regency's catalogue."""

    region: str
    slug: str
    name: str
    name_en: str
    summary: str
    summary_en: str
    agency: str

    @property
    def words(self) -> tuple[str, str, str, str]:
        """The texts by which it is the same service as another regency's."""
        return self.name, self.name_en, self.summary, self.summary_en


@dataclass(frozen=True)
class FoundPage:
    """A page of what a question finds."""

    items: Sequence[FoundService]
    cursor: str | None
    """Where the next page starts; None on the last one."""
    total: int
    corrected: str | None


@dataclass(frozen=True)
class _Described:
    id: str
    by_region: Mapping[str, str]
    """The regencies that give it, each with the slug of its page."""
    agencies: Sequence[str]
    first: CollectedService


class ServiceSearch:
    """The services of all regencies at one state of the collection; it never changes."""

    def __init__(
        self, services: Sequence[CollectedService], hubs: Mapping[str, tuple[str, str | None]]
    ) -> None:
        """`hubs` are the names and addresses of regencies by code."""
        self._hubs = hubs
        grouped: dict[tuple[str, str, str, str], list[CollectedService]] = {}
        for service in services:
            grouped.setdefault(service.words, []).append(service)
        described = sorted((_described(group) for group in grouped.values()), key=lambda d: d.id)
        self._described = {one.id: one for one in described}
        lexicon = Lexicon()
        self._index = SearchIndex(
            [read_document(_texts(one), lexicon) for one in described], lexicon
        )

    @property
    def distinct(self) -> int:
        """How many services are described in words of their own."""
        return len(self._described)

    def search(
        self, question: str, *, region: str | None, limit: int, after: str | None
    ) -> FoundPage:
        """Return the services that a question finds, of all regencies or of one."""
        choice = Choice(places=None if region is None else [region])
        found = self._index.search(question, choice, limit=limit, after=after, is_counted=False)
        return FoundPage(
            items=[self._found(slug, region) for slug in found.slugs],
            cursor=found.slugs[-1] if found.is_more else None,
            total=found.total,
            corrected=found.corrected,
        )

    def _found(self, id_: str, region: str | None) -> FoundService:
        one = self._described[id_]
        regions = sorted(one.by_region) if region is None else [region]
        return FoundService(
            id=id_,
            name=one.first.name,
            name_en=one.first.name_en,
            summary=one.first.summary,
            summary_en=one.first.summary_en,
            agencies=list(one.agencies),
            regencies=len(regions),
            places=[self._place(code, one.by_region[code]) for code in regions[:MOST_PLACES]],
        )

    def _place(self, code: str, slug: str) -> ServicePlace:
        name, address = self._hubs[code]
        href = None if address is None else f"{address.rstrip('/')}/layanan/{slug}"
        return ServicePlace(region=code, name=name, href=href)


def _described(group: Sequence[CollectedService]) -> _Described:
    words = "\0".join(group[0].words)
    return _Described(
        id=hashlib.blake2b(words.encode(), digest_size=8).hexdigest(),
        by_region={one.region: one.slug for one in group},
        agencies=sorted({one.agency for one in group})[:MOST_AGENCIES],
        first=group[0],
    )


def _texts(one: _Described) -> ServiceTexts:
    return ServiceTexts(
        slug=one.id,
        version=1,
        modified_at=UNDATED,
        agency="",
        life_events=(),
        channels=(),
        places=tuple(one.by_region),
        name=one.first.name,
        common_names=(),
        name_in_english=one.first.name_en,
        summary=(one.first.summary,),
        summary_in_english=(one.first.summary_en,),
        context=tuple(one.agencies),
        standard=(),
    )
