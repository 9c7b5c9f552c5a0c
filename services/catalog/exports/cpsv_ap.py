"""Services by CPSV-AP 3.2, the European Union's Core Public Service Vocabulary, as JSON-LD.

The context stands in the document, so that no reader has to fetch one. Every node that a service
refers to is described in the same document, as the SHACL shapes of the vocabulary require; titles
and descriptions carry their language.
"""

from collections.abc import Iterator
from typing import TypeAlias

from services.catalog.exports.catalogue import Catalogue, PublishedService
from services.catalog.exports.identifiers import Addresses
from services.catalog.records import Agency, Component, LifeEvent, Service
from services.platform.packs import Source

Value: TypeAlias = "str | int | float | list[Value] | dict[str, Value]"
Node: TypeAlias = dict[str, Value]

CONTEXT: Node = {
    "adms": "http://www.w3.org/ns/adms#",
    "cpsv": "http://purl.org/vocab/cpsv#",
    "cv": "http://data.europa.eu/m8g/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "eli": "http://data.europa.eu/eli/ontology#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

RUPIAH = "http://publications.europa.eu/resource/authority/currency/IDR"
LANGUAGES = {
    "id": "http://publications.europa.eu/resource/authority/language/IND",
    "en": "http://publications.europa.eu/resource/authority/language/ENG",
}
STATUSES = {"active": ("aktif", "active"), "inactive": ("tidak beroperasi", "out of operation")}
CHANNELS = {
    "online": ("daring", "online"),
    "counter": ("loket", "counter"),
    "phone": ("telepon", "telephone"),
    "visit": ("kunjungan petugas", "visit by staff"),
    "email": ("surel", "e-mail"),
}
AUDIENCES = {
    "citizen": ("warga", "citizens"),
    "business": ("pelaku usaha", "businesses"),
    "organisation": ("organisasi", "organisations"),
    "government": ("instansi pemerintah", "government bodies"),
}
LAWS = frozenset(
    {
        "law",
        "government_regulation",
        "presidential_regulation",
        "ministerial_regulation",
        "regional_regulation",
    }
)
"""Kinds of sources that are legal resources."""
DURATION, FEE, REQUIREMENTS = "jangka_waktu", "biaya_tarif", "persyaratan"
PROCEDURE, OUTPUT = "sistem_mekanisme_prosedur", "produk_pelayanan"


def to_cpsv_ap(catalogue: Catalogue, addresses: Addresses) -> Node:
    """Return the catalogue as one JSON-LD document: a dataset, its services and their parts."""
    return {"@context": CONTEXT, "@graph": list(_nodes(catalogue, addresses))}


def _nodes(catalogue: Catalogue, addresses: Addresses) -> Iterator[Node]:
    dataset = addresses.iri("dataset", "services")
    place = addresses.iri("region", catalogue.region)
    publisher = addresses.iri("publisher", catalogue.region)
    yield {
        "@id": dataset,
        "@type": "dcat:Dataset",
        "dct:identifier": dataset,
        "dct:title": texts(
            f"Layanan publik {catalogue.name}", f"Public services of {catalogue.name_en}"
        ),
        "dct:description": texts(
            f"Layanan publik yang diterbitkan dalam katalog {catalogue.name}.",
            f"The public services published in the catalogue of {catalogue.name_en}.",
        ),
        "dct:publisher": {"@id": publisher},
        "dct:hasPart": [
            {"@id": addresses.iri("service", each.service.slug)} for each in catalogue.services
        ],
    }
    yield {
        "@id": publisher,
        "@type": "foaf:Agent",
        "dct:identifier": catalogue.region,
        "dct:title": texts(f"Pemerintah {catalogue.name}", f"Government of {catalogue.name_en}"),
    }
    yield {
        "@id": place,
        "@type": "dct:Location",
        "dct:identifier": catalogue.region,
        "dct:title": texts(catalogue.name, catalogue.name_en),
    }
    for code, iri in LANGUAGES.items():
        yield {"@id": iri, "@type": "dct:LinguisticSystem", "dct:identifier": code}
    yield _concept(RUPIAH, "rupiah", "rupiah")
    for kind, labels in (("status", STATUSES), ("channel", CHANNELS), ("audience", AUDIENCES)):
        for code, (label, label_en) in labels.items():
            yield _concept(addresses.iri(kind, code), label, label_en)
    for agency in catalogue.agencies:
        yield _organisation(agency, addresses, place)
    for event in catalogue.life_events:
        yield _life_event(event, addresses)
    for source in catalogue.sources.values():
        if source.kind in LAWS:
            yield _legal_resource(source, addresses)
    for each in catalogue.services:
        yield from _service(each, catalogue, addresses, dataset=dataset, place=place)


def _service(
    published: PublishedService,
    catalogue: Catalogue,
    addresses: Addresses,
    *,
    dataset: str,
    place: str,
) -> Iterator[Node]:
    service = published.service
    iri = addresses.iri("service", service.slug)
    parts = list(_parts(service, addresses))
    node: Node = {
        "@id": iri,
        "@type": "cpsv:PublicService",
        "dct:identifier": iri,
        "dct:title": texts(service.name, service.name_en),
        "dct:description": texts(service.summary, service.summary_en),
        "dct:isPartOf": {"@id": dataset},
        "dct:spatial": {"@id": place},
        "dct:language": {"@id": LANGUAGES["id"]},
        "dct:modified": {"@value": published.modified_at.isoformat(), "@type": "xsd:dateTime"},
        "dct:audience": [{"@id": addresses.iri("audience", code)} for code in service.audience],
        "adms:status": {"@id": addresses.iri("status", service.status)},
        "cv:hasCompetentAuthority": {"@id": addresses.iri("agency", service.agency)},
        "dcat:landingPage": {"@id": addresses.page(f"/layanan/{service.slug}")},
    }
    known_events = {event.slug for event in catalogue.life_events}
    listed: dict[str, list[Value]] = {
        "dcat:keyword": [{"@value": name, "@language": "id"} for name in service.common_names],
        "cv:isGroupedBy": [
            {"@id": addresses.iri("life-event", slug)}
            for slug in service.life_events
            if slug in known_events
        ],
        "cv:hasLegalResource": [
            {"@id": addresses.iri("source", source)}
            for source in _sources_of(service)
            if source in catalogue.sources and catalogue.sources[source].kind in LAWS
        ],
    }
    for predicate, part in parts:
        listed.setdefault(predicate, []).append({"@id": str(part["@id"])})
    node |= {predicate: values for predicate, values in listed.items() if values}
    duration = service.components.get(DURATION)
    if duration is not None and duration.duration is not None:
        node["cv:processingTime"] = {"@value": duration.duration, "@type": "xsd:duration"}
    yield node
    for _, part in parts:
        yield part


def _parts(service: Service, addresses: Addresses) -> Iterator[tuple[str, Node]]:
    """Yield the nodes that belong to one service, each with the predicate that leads to it."""

    def node(kind: str, name: str, **more: Value) -> Node:
        iri = addresses.iri("service", service.slug, kind, name)
        return {"@id": iri, "dct:identifier": iri, **more}

    for number, channel in enumerate(service.channels, start=1):
        found = node("channel", str(number))
        found["@type"] = "cv:Channel"
        found["dct:type"] = {"@id": addresses.iri("channel", channel.kind)}
        if channel.note is not None:
            found["dct:description"] = texts(channel.note, channel.note_en)
        if channel.link is not None:
            found["foaf:page"] = {"@id": addresses.page(f"/go/{channel.link}")}
        yield "cv:hasChannel", found
    if (fee := service.components.get(FEE)) is not None:
        cost = node("cost", "1")
        cost["@type"] = "cv:Cost"
        cost["dct:description"] = texts(fee.text, fee.text_en)
        cost["cv:currency"] = {"@id": RUPIAH}
        if fee.fee_idr is not None:
            cost["cv:hasValue"] = {"@value": str(fee.fee_idr), "@type": "xsd:double"}
        yield "cv:hasCost", cost
    if (needed := service.components.get(REQUIREMENTS)) is not None:
        for number, (title, title_en) in enumerate(_items(needed), start=1):
            requirement = node("requirement", str(number))
            requirement["@type"] = "cv:Requirement"
            requirement["dct:title"] = texts(title, title_en)
            yield "cv:holdsRequirement", requirement
    if (procedure := service.components.get(PROCEDURE)) is not None:
        rule = node("procedure", "1")
        rule["@type"] = "cpsv:Rule"
        rule["dct:title"] = texts(f"Prosedur {service.name}", f"Procedure of {service.name_en}")
        rule["dct:description"] = texts(
            "\n".join([procedure.text, *procedure.items]),
            "\n".join([procedure.text_en, *procedure.items_en]),
        )
        yield "cpsv:follows", rule
    if (output := service.components.get(OUTPUT)) is not None:
        product = node("output", "1")
        product["@type"] = "cv:Output"
        product["dct:title"] = texts(output.text, output.text_en)
        yield "cpsv:produces", product


def _items(component: Component) -> Iterator[tuple[str, str | None]]:
    """Yield the entries of a component with their English; its text where it has no list."""
    if not component.items:
        yield component.text, component.text_en
    for number, item in enumerate(component.items):
        yield item, component.items_en[number] if component.items_en else None


def _sources_of(service: Service) -> list[str]:
    """Return the sources of a service and of its components, each once."""
    cited = [*service.sources]
    for component in service.components.values():
        cited += component.sources
    return list(dict.fromkeys(cited))


def _organisation(agency: Agency, addresses: Addresses, place: str) -> Node:
    node: Node = {
        "@id": addresses.iri("agency", agency.slug),
        "@type": "cv:PublicOrganisation",
        "dct:identifier": addresses.iri("agency", agency.slug),
        "skos:prefLabel": texts(agency.name, agency.name_en),
        "dct:spatial": {"@id": place},
    }
    if agency.website is not None:
        node["foaf:homepage"] = {"@id": str(agency.website)}
    return node


def _life_event(event: LifeEvent, addresses: Addresses) -> Node:
    iri = addresses.iri("life-event", event.slug)
    return {
        "@id": iri,
        "@type": ["cv:LifeEvent", "cv:Event"],
        "dct:identifier": iri,
        "dct:title": texts(event.name, event.name_en),
        "dct:description": texts(event.description, event.description_en),
    }


def _legal_resource(source: Source, addresses: Addresses) -> Node:
    node: Node = {
        "@id": addresses.iri("source", source.id),
        "@type": "eli:LegalResource",
        "dct:identifier": source.id,
        "dct:title": {"@value": source.title, "@language": "id"},
    }
    if source.url is not None:
        node["foaf:page"] = {"@id": str(source.url)}
    return node


def _concept(iri: str, label: str, label_en: str) -> Node:
    return {"@id": iri, "@type": "skos:Concept", "skos:prefLabel": texts(label, label_en)}


def texts(text: str, text_en: str | None) -> list[Value]:
    """Return a text in Indonesian, and in English where there is one."""
    found: list[Value] = [{"@value": text, "@language": "id"}]
    if text_en is not None:
        found.append({"@value": text_en, "@language": "en"})
    return found
