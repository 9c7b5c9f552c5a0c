"""The pack of Toba: enough real services, each sourced, and all that is known as evidence."""

import asyncio
import re
from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import yaml

from services.assessment.evidence.records import EVIDENCE, Observation, Stakeholder
from services.assessment.pack import read_evidence
from services.catalog.pack import CatalogPack, read_catalog
from services.catalog.records import COMPONENTS, ServiceFile
from services.cli.pack_loader import load_pack
from services.gateway.link_monitoring.pack import read_links
from services.pack_schema import FILE_KINDS
from services.platform.packs import read_csv
from services.platform.settings import ROOT, Settings
from tests.conftest import TOBA
from tests.rows import rows

DOCUMENT = ROOT / "docs" / "packs.md"


@pytest.fixture(scope="module")
def pack() -> CatalogPack:
    return read_catalog(TOBA)


def test_it_has_enough_services_of_enough_agencies(pack: CatalogPack) -> None:
    assert len(pack.services) >= 140
    assert len({service.agency for service in pack.services}) >= 30


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


def test_each_law_names_where_it_is_published_and_what_amends_it(pack: CatalogPack) -> None:
    kinds = {"law", "government_regulation", "presidential_regulation"}
    sources = {source.id: source for source in pack.sources}
    assert [one.id for one in pack.sources if one.kind in kinds and one.url is None] == []
    for source in pack.sources:
        years = [sources[name].year or 0 for name in source.amended_by]
        assert years == sorted(years), source.id
        assert all(year >= (source.year or 0) for year in years), source.id


def test_every_component_has_sources_and_whole_sentences(pack: CatalogPack) -> None:
    for service in pack.services:
        for code, part in service.components.items():
            assert part.sources, (service.slug, code)
            assert part.text.endswith("."), (service.slug, code)
            assert part.text_en.endswith("."), (service.slug, code)


def test_services_publish_five_components_on_average(pack: CatalogPack) -> None:
    parts = [part for service in pack.services for part in service.components.values()]
    own = [part for part in parts if not part.general]
    assert len(parts) / len(pack.services) >= 5
    assert len(own) / len(pack.services) >= 3.5
    assert all(part.sources for part in parts)


def test_a_text_of_many_services_is_a_general_component(pack: CatalogPack) -> None:
    """Only legal bases and times are the same where one regulation sets them for each service."""
    texts = Counter(
        (code, part.text)
        for service in pack.services
        for code, part in service.components.items()
        if not part.general and code not in ("dasar_hukum", "jangka_waktu")
    )
    assert [text for text, count in texts.items() if count > 4] == []


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


def test_every_service_has_a_place_or_says_who_decides_where(pack: CatalogPack) -> None:
    lacking = [
        service.slug
        for service in pack.services
        if not service.places and service.places_decided_by is None
    ]
    assert lacking == []


def test_a_place_is_certain_only_with_a_published_address(pack: CatalogPack) -> None:
    published = {source.id for source in pack.sources if source.url is not None}
    for place in pack.places:
        known = (place.address, place.telephone, place.email, *place.hours)
        if any(known):
            assert published.intersection(place.sources), place.slug


def test_a_lost_identity_card_leads_to_the_police(pack: CatalogPack) -> None:
    services = {service.slug: service for service in pack.services}
    cases = {case.slug: case for case in services["ktp-el"].cases}
    assert [*cases] == ["hilang", "rusak", "baru", "ubah-data"]
    required = {requirement.document for requirement in cases["hilang"].requirements}
    issuers = {one.slug: one.issued_by_service for one in pack.document_types}
    agencies = {services[issuers[slug] or ""].agency for slug in required if slug}
    assert agencies == {"polres", "dukcapil"}


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
    observations = [one for one in records["observations"] if isinstance(one, Observation)]
    figures = {
        one.key: (one.low, one.high) if one.value is None else one.value for one in observations
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
    assert [one["year"] for one in indices if one["role"] == "national_minimum"] == [None]
    assert [one.key for one in records["agreements"]] == ["rri-sibolga"]
    assert records["risks"] == ()


TEAM = "susunan tim"
PASSAGES = {
    "stakeholders": {
        "bupati": TEAM, "wakil-bupati": TEAM, "sekretaris-daerah": TEAM,
        "asisten-pemerintahan": TEAM, "asisten-perekonomian": TEAM, "asisten-administrasi": TEAM,
        "kepala-diskominfo": TEAM, "kepala-bagian-pemerintahan": TEAM,
        "sekretaris-diskominfo": TEAM, "kepala-bappeda": TEAM, "kepala-bagian-protokol": TEAM,
        "kepala-bidang-tata-kelola-spbe": TEAM, "kepala-bidang-statistik-persandian": TEAM,
        "kepala-subbagian-perencanaan": TEAM, "kepala-subbagian-umum": TEAM,
        "kepala-bkpsdm": TEAM,
        "pemerintah-kabupaten-toba": "pihak pemerintah dalam kerja sama",
        "rri-sibolga": "nota kesepahaman dengan pihak swasta",
        "it-del": "pertanyaan 10",
        "pt-solusi-rahayu-indonesia": "pertanyaan 10",
        "pt-toba-jaya-net": "pelaku swasta",
    },
    "meetings": {
        "forum-2024-08": "bulan Agustus di balai pertemuan bupati",
        "desk-evaluasi-2024-06": "kepala Diskominfo memaparkan di hadapan asesor",
        "rapat-dewan-2022-10": "memaparkan enam dimensi",
        "bimtek-2021-06": "28-29 Juni 2021", "bimtek-2021-09": "27-28 September 2021",
        "bimtek-2021-10": "21 Oktober 2021", "bimtek-2021-11": "23 November 2021",
    },
    "agreements": {"rri-sibolga": "satu-satunya nota kesepahaman"},
    "decisions": {
        "keputusan-724-2022": "pembagian tugas saja",
        "perbup-20-2023": "Diskominfo sebagai perangkat daerah utama",
    },
    "programmes": {
        "rumah-kreatif-toba": "aplikasi yang dibangun dan dijalankan pemerintah dengan IT Del",
        "bank-sampah-tarhilala": "kerja sama pemerintah dengan PT Solusi Rahayu Indonesia",
    },
    "risks": {},
    "recognitions": {"anugerah-informatif-2024": "Desember 2024"},
    "observations": {
        "agencies-taking-part-2024": "pertanyaan 9: “Ya, tetapi hanya 51-75%”",
        "partners-taking-part-2024": "pertanyaan 10: “Ya, tetapi hanya sampai 50%”",
        "programmes-running-2024": "50% program berjalan",
        "agencies-with-budget-2024": "anggaran per perangkat daerah belum tersedia",
        "areas-without-coverage-2024": "28 wilayah blankspot",
        "villages": "244 desa dan kelurahan",
        "risks-with-mitigation-2024": "mitigasi risiko belum disusun sama sekali",
        "procedures-2024": "hanya ada keputusan tentang pembagian tugas",
        "leadership-continuity-2024": "Evaluasi kota cerdas",
        "desk-meeting-2024": "pertanyaan 9",
        "forum-each-year": "rapat forum",
        "awareness-2025": "14 Januari 2025",
        "online-use-2025": "14 Januari 2025",
        "response-2024": "ketidakpastian: informasi",
        "staff-2024": "sumber daya",
        "dukcapil-application": "saling ketergantungan",
        "villages-without-coverage-2021": "36 desa blankspot",
    },
    "verdicts": {
        "study-2025-discovery": "penemuan",
        "study-2025-definition": "definisi",
        "study-2025-deliberation": "deliberasi",
        "study-2025-determination": "determinasi",
        "study-2025-trust": "saling percaya",
        "study-2025-understanding": "saling memahami",
        "study-2025-legitimation": "legitimasi internal",
        "study-2025-commitment": "komitmen",
        "study-2025-arrangements": "pengaturan prosedural dan kelembagaan",
        "study-2025-leadership": "kepemimpinan",
        "study-2025-knowledge": "pengetahuan",
        "study-2025-resources": "sumber daya",
        "study-2025-uncertainty": "pendorong ketidakpastian",
        "study-2025-interdependence": "pendorong saling ketergantungan",
        "study-2025-incentives": "pendorong insentif konsekuensial",
        "study-2025-leadership-driver": "pendorong kepemimpinan",
    },
    "index-values": {
        "spbe-2021": "baris 2021", "spbe-2022": "baris 2022", "spbe-2023": "baris 2023",
        "spbe-2024": "baris 2024",
        "spbe-target-2026": "RPJMD 2021-2026",
        "spbe-minimum": "2,6 (Baik)",
    },
    "index-levels": {},
    "declarations": {},
}  # fmt: skip
"""Every record of the pack with the sentence, table or question of its source that states it."""


def test_every_record_names_the_passage_of_its_source() -> None:
    records = read_evidence(TOBA).records
    assert {kind: {one.key for one in found} for kind, found in records.items()} == {
        kind: set(passages) for kind, passages in PASSAGES.items()
    }
    for kind, found in records.items():
        for one in found:
            assert PASSAGES[kind][one.key] in (one.passage or ""), (kind, one.key)


NAMED_IN_POST = ("bupati", "wakil-bupati", "sekretaris-daerah", "asisten-perekonomian")


def test_it_tells_no_more_than_its_sources() -> None:
    """A post that a decree lists is not therefore filled, and weak is no figure."""
    records = read_evidence(TOBA).records
    stakeholders = [one for one in records["stakeholders"] if isinstance(one, Stakeholder)]
    # Of the chair the study says that he leads the team; of four others the press names the holder.
    filled = {one.key: one.filled for one in stakeholders if one.filled is not None}
    assert filled == dict.fromkeys((*NAMED_IN_POST, "kepala-diskominfo"), True)
    assert {one.agency for one in stakeholders if one.role == "Anggota kelompok kerja I"} == {
        "diskominfo"
    }
    observations = [one for one in records["observations"] if isinstance(one, Observation)]
    in_words = {one.key for one in observations if not one.has_figure}
    assert in_words == {
        "leadership-continuity-2024", "desk-meeting-2024", "forum-each-year", "awareness-2025",
        "online-use-2025", "response-2024", "staff-2024", "dukcapil-application",
    }  # fmt: skip


def test_reports_are_asked_for_of_active_services_of_the_regencys_own_agencies(
    settings: Settings, pack: CatalogPack
) -> None:
    query = "SELECT agency, service, is_owed, since FROM feedback.reporting_obligation"
    stored = rows(settings, query)
    own_kinds = {"dinas", "badan", "sekretariat", "inspektorat", "rsud", "kecamatan"}
    offices = {agency.slug for agency in pack.agencies if agency.kind not in own_kinds}
    partners = {"polres", "samsat", "bpjs-kesehatan", "pln", "air-minum", "penyalur-kur", "desa"}
    assert partners <= offices
    unasked = {
        (service.agency, service.slug)
        for service in pack.services
        if service.status == "inactive" or service.agency in offices
    }
    assert len(unasked) > 1
    assert {(row["agency"], row["service"]) for row in stored if not row["is_owed"]} == unasked
    # Of the month in which a service was loaded nobody can be asked.
    now = datetime.now(ZoneInfo("Asia/Jakarta")).date()
    assert all(row["since"] > now for row in stored)


@pytest.mark.slow
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
