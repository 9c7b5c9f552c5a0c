"""The pack of Toba: enough real services, each sourced, and all that is known as evidence."""

import asyncio
import re
from collections import Counter

import pytest
import yaml

from services.assessment.evidence.records import EVIDENCE
from services.assessment.pack import read_evidence
from services.catalog.pack import CatalogPack, read_catalog
from services.catalog.records import COMPONENTS, ServiceFile
from services.cli.pack_loader import load_pack
from services.gateway.link_monitoring.pack import read_links
from services.pack_schema import FILE_KINDS
from services.platform.packs import read_csv
from services.platform.settings import ROOT, Settings
from tests.conftest import TOBA

DOCUMENT = ROOT / "docs" / "packs.md"


@pytest.fixture(scope="module")
def pack() -> CatalogPack:
    return read_catalog(TOBA)


def test_it_has_enough_services_of_enough_agencies(pack: CatalogPack) -> None:
    assert len(pack.services) >= 48
    assert len({service.agency for service in pack.services}) >= 14


def test_every_source_that_is_cited_exists(
    pack: CatalogPack,
) -> None:
    cited = {name for service in pack.services for name in service.sources}
    for service in pack.services:
        assert service.sources, service.slug
        cited |= {name for part in service.components.values() for name in part.sources}
    cited |= {name for agency in pack.agencies for name in agency.sources}
    cited |= {name for link in read_links(TOBA) for name in link.sources}
    for records in read_evidence(TOBA).records.values():
        cited |= {name for record in records for name in record.sources}
    assert cited <= {source.id for source in pack.sources}


def test_every_component_has_sources_and_whole_sentences(pack: CatalogPack) -> None:
    for service in pack.services:
        for code, part in service.components.items():
            assert part.sources, (service.slug, code)
            assert part.text.endswith("."), (service.slug, code)
            assert part.text_en.endswith("."), (service.slug, code)


def test_a_fee_is_zero_exactly_when_its_text_is_free_of_charge(pack: CatalogPack) -> None:
    free = re.compile(r"[Tt]idak dipungut|tidak membayar")
    for service in pack.services:
        fee = service.components.get("biaya_tarif")
        if fee is not None:
            assert (fee.fee_idr == 0) == bool(free.search(fee.text)), service.slug


def test_components_of_only_local_rules_are_omitted(pack: CatalogPack) -> None:
    for service in pack.services:
        assert len(service.components) < COMPONENTS, service.slug
        if "dasar_hukum" not in service.components:
            assert service.status == "inactive", service.slug


def test_no_common_name_belongs_to_two_services(pack: CatalogPack) -> None:
    names = Counter(name.lower() for service in pack.services for name in service.common_names)
    assert [name for name, count in names.items() if count > 1] == []
    assert all(service.common_names for service in pack.services)


def test_every_life_event_has_services(pack: CatalogPack) -> None:
    used = {event for service in pack.services for event in service.life_events}
    assert used == {event.slug for event in pack.life_events}


def test_the_regency_has_its_districts_and_villages() -> None:
    districts = read_csv(TOBA / "districts.csv", TOBA, name="rows").data["rows"]
    villages = read_csv(TOBA / "villages.csv", TOBA, name="rows").data["rows"]
    assert len(districts) == 16
    assert len({row["code"] for row in villages}) == 244
    assert {row["district_code"] for row in villages} == {row["code"] for row in districts}


def test_the_three_portals_of_the_e_mall_are_marked() -> None:
    assert {link.slug for link in read_links(TOBA) if link.e_mall} == {"website", "simbg", "oss"}


def test_the_evidence_is_that_of_the_study() -> None:
    records = read_evidence(TOBA).records
    assert set(records) == set(EVIDENCE)
    team = [one for one in records["stakeholders"] if getattr(one, "role_decision", None)]
    assert len(team) == 16
    assert sum(bool(getattr(one, "leading", False)) for one in team) == 9
    figures = {
        record.key: (record.model_dump()["low"], record.model_dump()["high"])
        if record.model_dump()["value"] is None
        else record.model_dump()["value"]
        for record in records["observations"]
    }
    assert figures["agencies-taking-part-2024"] == (0.51, 0.75)
    assert figures["partners-taking-part-2024"] == (0, 0.5)
    assert figures["programmes-running-2024"] == 0.5
    assert figures["areas-without-coverage-2024"] == 28
    assert figures["villages"] == 244
    assert figures["risks-with-mitigation-2024"] == 0
    indices = [record.model_dump() for record in records["index-values"]]
    published = {
        one["year"]: (one["value"], one["predicate"])
        for one in indices
        if one["role"] == "published"
    }
    assert published == {
        2021: (1.69, "Cukup"),
        2022: (1.89, "Cukup"),
        2023: (2.16, "Cukup"),
        2024: (2.98, "Baik"),
    }
    others = {one["role"]: one["value"] for one in indices if one["role"] != "published"}
    assert others == {"target": 3.39, "national_minimum": 2.6}
    assert [one.key for one in records["agreements"]] == ["rri-sibolga"]
    assert records["risks"] == ()


def test_loading_it_again_changes_nothing(settings: Settings) -> None:
    assert asyncio.run(load_pack(settings, TOBA)) == []


def test_the_guide_to_packs_names_every_file_and_component_and_its_example_is_valid() -> None:
    guide = DOCUMENT.read_text(encoding="utf-8")
    for kind in FILE_KINDS:
        name = kind.name.removeprefix("evidence-")
        assert f"`{name}`" in guide or f"`{kind.files}`" in guide, kind.name
    codes = ServiceFile.model_json_schema()["$defs"]["Service"]["properties"]["components"]
    for code in codes["propertyNames"]["enum"]:
        assert f"| `{code}` |" in guide
    blocks = re.findall(r"```yaml\n(.*?)```", guide, flags=re.DOTALL)
    [example] = [block for block in blocks if block.startswith("services:")]
    assert ServiceFile.model_validate(yaml.safe_load(example)).services[0].slug == "kartu-ak1"
