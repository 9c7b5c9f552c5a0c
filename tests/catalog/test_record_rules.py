"""Rules between the fields of services, places, document types and sources name the field."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from services.catalog.records import DocumentType, Place, Service
from services.platform.packs import Source
from tests.packs import case, component, document_type, place, service

LEGAL = {"source": "law"}
SOURCE = {"id": "pp-1", "title": "PP 1", "kind": "government_regulation"}


def tariff(**more: Any) -> dict[str, Any]:
    return {"amount": 0, "item": "Kartu", "item_en": "Card", "legal_basis": LEGAL} | more


def of_case(**change: Any) -> dict[str, Any]:
    return service("akta", cases=[case("baru"), case("hilang", **change)])


SERVICES: list[tuple[dict[str, Any], str]] = [
    (service("akta", digital=True), "digital"),
    (service("akta", cases=[case("a"), case("b"), case("a")]), "cases.2.slug"),
    (service("akta", requires=["kk", "akta"]), "requires.1"),
    (service("akta", followed_by=["akta"]), "followed_by.0"),
    (service("akta", related=["kk", "kk"]), "related.1"),
    (service("akta", translations={"en": {"name": "x"}}), "translations.en"),
    (service("akta", channels=[{"kind": "phone", "places": ["a"]}]), "channels.0.places"),
    (service("akta", channels=[{"kind": "counter", "places": ["a"]}]), "channels.0.places.0"),
    (of_case(requirements=[{}]), "cases.1.requirements.0.text"),
    (of_case(requirements=[{"text": "KK"}]), "cases.1.requirements.0.text_en"),
    (of_case(articles={"other": "Pasal 1"}), "cases.1.articles.other"),
    (of_case(checked_on="2026-11-01"), "cases.1.checked_by"),
    (of_case(checked_by="dukcapil"), "cases.1.checked_on"),
    (
        of_case(time={"duration": "P2W", "in_working_days": True, "legal_basis": LEGAL}),
        "cases.1.time.in_working_days",
    ),
    (of_case(tariffs=[tariff(), tariff(currency="Rp")]), "cases.1.tariffs.1.currency"),
    (of_case(tariffs=[tariff(amount=-1)]), "cases.1.tariffs.0.amount"),
    (service("akta", outputs=[{"name": "Kartu"}]), "outputs.0.name_en"),
    (
        service("akta", outputs=[{"document": "kk", "validity": "P1Y", "valid_for_life": True}]),
        "outputs.0.validity",
    ),
    (
        service("akta", components={"persyaratan": component(items=["a"], items_en=["a", "b"])}),
        "components.persyaratan.items_en",
    ),
]
PLACES: list[tuple[dict[str, Any], str]] = [
    (place("kantor", confirmed=True), "address"),
    (place("kantor", coordinates={"latitude": 2.3, "longitude": 99.1}), "coordinates"),
    (place("kantor", coordinates={"latitude": 99.1, "longitude": 2.3}), "coordinates.latitude"),
    (place("kantor", telephone="hubungi kami"), "telephone"),
    (place("kantor", email="kami"), "email"),
    (place("kantor", district="Balige"), "district"),
]
DOCUMENTS: list[tuple[dict[str, Any], str]] = [
    (document_type("kk", issued_by="Desa"), "issued_by_en"),
    (
        document_type("kk", issued_by="Desa", issued_by_en="Village", issued_by_service="kk"),
        "issued_by",
    ),
]
SOURCES: list[tuple[dict[str, Any], str]] = [
    (SOURCE | {"amended_by": ["pp-2", "pp-1"]}, "amended_by.1"),
    (SOURCE | {"in_force_from": "2026-02-01", "in_force_until": "2026-01-31"}, "in_force_until"),
]


@pytest.mark.parametrize(
    ("model", "content", "field"),
    [
        *((Service, *row) for row in SERVICES),
        *((Place, *row) for row in PLACES),
        *((DocumentType, *row) for row in DOCUMENTS),
        *((Source, *row) for row in SOURCES),
    ],
)
def test_the_field_that_breaks_a_rule_is_named(
    model: type[BaseModel], content: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(content)
    places = {".".join(str(part) for part in error["loc"]) for error in caught.value.errors()}
    assert field in places


def test_a_whole_record_is_accepted_and_kept() -> None:
    whole = service(
        "akta",
        translations={"bbc": {"name": "Surat hatutubu"}},
        channels=[{"kind": "counter", "places": ["kantor"], "tariffs": [tariff()]}],
        cases=[
            case(
                "hilang",
                applies_when="Bila hilang",
                applies_when_en="If lost",
                requirements=[{"document": "surat-hilang"}, {"text": "Foto", "text_en": "Photo"}],
                steps=[{"text": "Datang", "text_en": "Come"}],
                tariffs=[tariff(amount=5, currency="USD")],
                time={
                    "duration": "P1D",
                    "in_working_days": True,
                    "legal_basis": LEGAL | {"article": "Pasal 3"},
                },
                articles={"law": "Pasal 15"},
                checked_on="2026-11-01",
                checked_by="dukcapil",
            )
        ],
        outputs=[{"document": "akta", "valid_for_life": True}],
        places=["kantor"],
        owner="Bidang Pencatatan Sipil",
        assured_until="2027-01-01",
    )
    parsed = Service.model_validate(whole)
    assert Service.model_validate(parsed.model_dump(mode="json")) == parsed
