"""From the records of the catalogue to the words that a device stores.

It has the answers to the questions of a citizen and nothing that is of a moment: neither states of
portals nor whether a place is open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from services.catalog.client import (
    LifeEventItem,
    PlaceItem,
    Requirement,
    SearchTerms,
    ServiceDetail,
    ServiceStep,
    Tariff,
)
from services.gateway.portal.labels import CHANNELS
from services.gateway.portal.offline.schemas import (
    OfflineCase,
    OfflineCatalog,
    OfflineEvent,
    OfflinePlace,
    OfflineService,
)
from services.gateway.portal.service_texts import ServiceTexts
from services.platform.translation import Translator

ItemsCode = Literal["persyaratan", "sistem_mekanisme_prosedur"]


@dataclass(frozen=True)
class CatalogueRecords:
    """What the catalogue publishes."""

    services: Sequence[ServiceDetail]
    places: Sequence[PlaceItem]
    life_events: Sequence[LifeEventItem]
    search: SearchTerms


def offline_catalog(
    records: CatalogueRecords, posters: Mapping[str, str], texts: ServiceTexts
) -> OfflineCatalog:
    """Return the catalogue in the language of `texts`."""
    words = _Words(texts.messages, texts)
    numbers = {place.slug: number for number, place in enumerate(records.places)}
    return OfflineCatalog(
        language=texts.messages.language,
        services=[words.service(detail, numbers) for detail in records.services],
        places=[words.place(place) for place in records.places],
        life_events=[
            OfflineEvent(
                slug=event.slug,
                name=words.field(event, "name"),
                services=[
                    detail.service.slug
                    for detail in records.services
                    if event.slug in detail.service.life_events
                ],
            )
            for event in records.life_events
            if event.services
        ],
        posters=dict(posters),
        search=records.search,
    )


@dataclass(frozen=True)
class _Words:
    messages: Translator
    texts: ServiceTexts

    def field(self, item: object, name: str) -> str:
        """Return a text in the language, or nothing."""
        return str(self.messages.field(item, name) or "")

    def service(self, detail: ServiceDetail, places: Mapping[str, int]) -> OfflineService:
        service = detail.service
        return OfflineService(
            slug=service.slug,
            name=self.field(service, "name"),
            summary=self.field(service, "summary"),
            agency=detail.agency.short_name,
            inactive=service.status == "inactive",
            bring=[] if service.cases else self._items(detail, "persyaratan"),
            cost=self._cost(detail),
            time=self._time(detail),
            steps=self._steps(service.steps) or self._items(detail, "sistem_mekanisme_prosedur"),
            cases=[
                OfflineCase(
                    slug=case.slug,
                    name=self.field(case, "name"),
                    when=self.field(case, "applies_when"),
                    bring=self._required(case.requirements, detail),
                    cost=[self._tariff(tariff) for tariff in case.tariffs],
                    time="" if case.time is None else self.texts.time(case.time),
                    steps=self._steps(case.steps),
                )
                for case in service.cases
            ],
            places=[places[slug] for slug in service.places if slug in places],
            places_decided_by=self.field(service, "places_decided_by"),
            channels=[
                f"{label} ({note})" if (note := self.field(channel, "note")) else label
                for channel in service.channels
                if (label := self.messages.translate(CHANNELS[channel.kind]))
            ],
        )

    def place(self, place: PlaceItem) -> OfflinePlace:
        unsure = self.messages.gettext("Alamat belum dipastikan")
        address = place.address or unsure
        return OfflinePlace(
            name=self.field(place, "name"),
            address=address if place.confirmed or not place.address else f"{address} ({unsure})",
            hours=[self.texts.rule(rule) for rule in place.hours],
            telephone=place.telephone,
            whatsapp=place.whatsapp,
            email=place.email,
        )

    def _required(self, requirements: Sequence[Requirement], detail: ServiceDetail) -> list[str]:
        documents = {document.slug: document for document in detail.document_types}
        found: list[str] = []
        for requirement in requirements:
            document = documents.get(requirement.document or "")
            text = self.field(requirement, "text")
            if document is not None:
                name = self.field(document, "name")
                found.append(f"{name} ({text})" if text else name)
            else:
                found.append(text)
        return found

    def _cost(self, detail: ServiceDetail) -> list[str]:
        if detail.service.tariffs:
            return [self._tariff(tariff) for tariff in detail.service.tariffs]
        part = detail.service.components.get("biaya_tarif")
        if part is None:
            return []
        if part.fee_idr == 0:
            return [self.messages.gettext("Gratis")]
        amount = f"Rp{self.messages.number(part.fee_idr)} " if part.fee_idr else ""
        return [amount + self.field(part, "text")]

    def _tariff(self, tariff: Tariff) -> str:
        words = self.texts.tariff(tariff)
        return f"{words} {self.field(tariff, 'item')}" if tariff.amount else words

    def _time(self, detail: ServiceDetail) -> str:
        if detail.service.time is not None:
            return self.texts.time(detail.service.time)
        part = detail.service.components.get("jangka_waktu")
        if part is None:
            return ""
        if part.working_days is not None:
            return self.messages.ngettext(
                "%(num)s hari kerja", "%(num)s hari kerja", part.working_days
            )
        return self.texts.duration(part.duration) if part.duration else self.field(part, "text")

    def _steps(self, steps: Sequence[ServiceStep]) -> list[str]:
        return [self.field(step, "text") for step in steps]

    def _items(self, detail: ServiceDetail, code: ItemsCode) -> list[str]:
        part = detail.service.components.get(code)
        if part is None:
            return []
        pairs = zip_longest(part.items, part.items_en, fillvalue="")
        items = [self.messages.choose(item, en=english) for item, english in pairs]
        return items or [self.field(part, "text")]
