"""The hub's open data by DCAT 3, as JSON-LD, for CKAN and the portal Satu Data."""

from dataclasses import dataclass

from services.catalog.exports.catalogue import Catalogue
from services.catalog.exports.cpsv_ap import LANGUAGES, Node, Value, texts
from services.catalog.exports.identifiers import Addresses

CONTEXT: Node = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"


@dataclass(frozen=True)
class Distribution:
    """A file or an interface from which a dataset is read."""

    path: str
    media_type: str
    title: str
    title_en: str


@dataclass(frozen=True)
class Dataset:
    """A dataset of the hub."""

    name: str
    title: str
    title_en: str
    description: str
    description_en: str
    distributions: tuple[Distribution, ...]


DATASETS = (
    Dataset(
        "services",
        "Layanan publik",
        "Public services",
        "Layanan publik menurut 14 komponen standar pelayanan, dengan sumber setiap komponen.",
        "Public services by the 14 components of the service standard, each with its source.",
        (
            Distribution("/api/v1/exports/services.csv", "text/csv", "Tabel CSV", "CSV table"),
            Distribution(
                "/api/v1/exports/cpsv-ap.jsonld", "application/ld+json", "CPSV-AP", "CPSV-AP"
            ),
            Distribution("/api/v1/exports/cpsv-ap.ttl", "text/turtle", "CPSV-AP", "CPSV-AP"),
            Distribution("/hsds/services", "application/json", "HSDS 3.0", "HSDS 3.0"),
            Distribution("/api/v1/services", "application/json", "API", "API"),
        ),
    ),
    Dataset(
        "usage",
        "Pemakaian layanan",
        "Use of services",
        "Jumlah peristiwa dan angka yang dilaporkan perangkat daerah, menurut layanan dan bulan.",
        "Counted events and figures reported by agencies, by service and month.",
        (Distribution("/api/v1/usage/summary", "application/json", "API", "API"),),
    ),
    Dataset(
        "links",
        "Keadaan portal layanan",
        "State of service portals",
        "Hasil pemeriksaan berkala portal tempat layanan daring dijalankan.",
        "Results of regular checks of the portals behind online services.",
        (Distribution("/api/v1/links", "application/json", "API", "API"),),
    ),
    Dataset(
        "collaboration",
        "Dinamika kolaborasi",
        "Collaboration dynamics",
        "Ukuran kolaborasi para pemangku kepentingan, dengan batas yang didukung bukti.",
        "Measures of the collaboration of stakeholders, with the bounds that evidence supports.",
        (Distribution("/api/v1/metrics/collaboration-dynamics", "application/json", "API", "API"),),
    ),
)


def to_dcat(catalogue: Catalogue, addresses: Addresses) -> Node:
    """Return the catalogue of the hub's datasets as one JSON-LD document."""
    publisher = addresses.iri("publisher", catalogue.region)
    node: Node = {
        "@id": addresses.iri("catalogue", catalogue.region),
        "@type": "dcat:Catalog",
        "dct:title": texts(
            f"Data terbuka e-Mall {catalogue.name}", f"Open data of the e-Mall {catalogue.name_en}"
        ),
        "dct:description": texts(
            "Data yang diterbitkan pusat layanan publik digital ini.",
            "The data that this digital public-service mall publishes.",
        ),
        "dct:publisher": {"@id": publisher},
        "dct:language": [{"@id": iri} for iri in LANGUAGES.values()],
        "dcat:dataset": [{"@id": addresses.iri("dataset", each.name)} for each in DATASETS],
        "foaf:homepage": {"@id": addresses.page("/")},
    }
    organisation: Node = {
        "@id": publisher,
        "@type": "foaf:Organization",
        "foaf:name": f"Pemerintah {catalogue.name}",
        "dct:identifier": catalogue.region,
    }
    graph: list[Value] = [node, organisation]
    for each in DATASETS:
        graph += _dataset(each, catalogue, addresses, publisher)
    return {"@context": CONTEXT, "@graph": graph}


def _dataset(
    dataset: Dataset, catalogue: Catalogue, addresses: Addresses, publisher: str
) -> list[Value]:
    iris = [
        addresses.iri("distribution", dataset.name, str(number))
        for number in range(1, len(dataset.distributions) + 1)
    ]
    described: Node = {
        "@id": addresses.iri("dataset", dataset.name),
        "@type": "dcat:Dataset",
        "dct:identifier": f"{catalogue.region}-{dataset.name}",
        "dct:title": texts(
            f"{dataset.title} {catalogue.name}", f"{dataset.title_en} of {catalogue.name_en}"
        ),
        "dct:description": texts(dataset.description, dataset.description_en),
        "dct:publisher": {"@id": publisher},
        "dcat:distribution": [{"@id": iri} for iri in iris],
    }
    if dataset.name == "services" and catalogue.modified_at is not None:
        described["dct:modified"] = {
            "@value": catalogue.modified_at.isoformat(),
            "@type": "xsd:dateTime",
        }
    distributions: list[Value] = [
        {
            "@id": iri,
            "@type": "dcat:Distribution",
            "dct:title": texts(each.title, each.title_en),
            "dcat:accessURL": {"@id": addresses.page(each.path)},
            "dcat:mediaType": {"@id": f"{MEDIA_TYPES}{each.media_type}"},
        }
        for iri, each in zip(iris, dataset.distributions, strict=True)
    ]
    return [described, *distributions]
