"""The catalogue as a spreadsheet: exported, filled in, imported as a whole or not at all."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from services.catalog.records import Place, Service
from services.catalog.spreadsheet.building import as_filled_in
from services.catalog.spreadsheet.planning import (
    MODELS,
    ImportRefusedError,
    ImportRequest,
    plan_import,
)
from services.catalog.spreadsheet.rows import Stored
from services.catalog.spreadsheet.sheets import SHEETS, Kind
from services.catalog.spreadsheet.template import StoredCatalogue, template_csv, template_xlsx
from services.platform.spreadsheets.model import CSV
from tests.catalog.spreadsheets import (
    append,
    csv_archive,
    csv_file,
    csv_tables,
    csv_template,
    fill,
    row_of,
    saved,
    send,
    template,
)
from tests.conftest import Room, agency_caller
from tests.packs import case, component, document_type, load, place, service, write_pack

DUKCAPIL = agency_caller("dukcapil", "catalog:write")
PUPR = agency_caller("pupr", "catalog:write")
ADMIN = agency_caller("diskominfo", "admin")
LAW = {"source": "law", "article": "Pasal 1"}
TIME = {"duration": "P14D", "in_working_days": True, "legal_basis": LAW}
FULL: dict[str, Any] = {
    "common_names": ["akte; lahir", "surat\nlahir"],
    "life_events": ["kelahiran"],
    "audience": ["citizen", "business"],
    "status": "inactive",
    "digital": True,
    "eligibility": "=Semua warga",
    "eligibility_en": "All citizens",
    "translations": {"bbc": {"name": "Akta"}},
    "time": TIME,
    "places": ["siang"],
    "places_decided_by": "Camat",
    "places_decided_by_en": "The district head",
    "related": ["ktp"],
    "requires": ["ktp"],
    "followed_by": ["ktp"],
    "owner": "Bidang catatan sipil",
    "assured_until": "2027-01-31",
    "note": "Catatan",
    "channels": [
        {"kind": "online", "link": "simbg", "tariffs": [], "note": "x", "note_en": "y"},
        {
            "kind": "counter",
            "places": ["siang"],
            "requirements": [{"document": "kk"}],
            "time": TIME,
            "tariffs": [
                {"amount": 0, "item": "Blangko", "item_en": "Form", "legal_basis": LAW},
                {"currency": "USD", "item": "A", "item_en": "B", "legal_basis": {"source": "law"}},
            ],
        },
        {"kind": "email", "address": "akta@example.go.id"},
    ],
    "cases": [
        case(
            "hilang",
            applies_when="Bila hilang",
            applies_when_en="If lost",
            requirements=[{"document": "kk"}, {"text": "Surat", "text_en": "Letter"}],
            steps=[{"text": "Datang", "text_en": "Come"}],
            tariffs=[{"amount": 5000, "item": "A", "item_en": "B", "legal_basis": LAW}],
            time=TIME,
            translations={"bbc": {"applies_when": "Molo mago"}},
            articles={"law": "Pasal 2: ayat (1)"},
            checked_on="2026-01-05",
            checked_by="dukcapil",
        ),
        case("rusak"),
    ],
    "steps": [{"text": "Isi", "text_en": "Fill"}, {"text": "Kirim", "text_en": "Send"}],
    "tariffs": [{"amount": 150_000, "item": "A", "item_en": "B", "legal_basis": LAW}],
    "outputs": [
        {"document": "kk", "valid_for_life": True},
        {"name": "Kutipan", "name_en": "Extract", "validity": "P6M"},
    ],
    "components": {
        "persyaratan": component(items=["- satu", "dua"], items_en=["one", "two"], general=True),
        "biaya_tarif": component(fee_idr=0, working_days=3, duration="P3D"),
    },
}
PLACE: dict[str, Any] = {
    "confirmed": True,
    "address": "Jl. Sutomo 1",
    "coordinates": {"latitude": 2.3333, "longitude": 99.0},
    "telephone": "+62 632 331234",
    "whatsapp": "08123456789",
    "email": "a@example.go.id",
    "accessibility": "Ramp",
    "accessibility_en": "Ramp",
    "counters": ["1", "2"],
    "note": "N",
    "note_en": "N",
    "translations": {"bbc": {"name": "Kantor"}},
    "hours": [{"byday": ["MO", "2TU"], "opens": "08:00", "closes": "16:00", "on_holidays": True,
               "valid_from": "2026-01-01", "valid_until": "2026-12-31"}],
    "exceptions": [{"on": "2026-08-17", "reason": "Libur", "reason_en": "Holiday",
                    "sources": ["law"]}, {"on": "2026-08-18", "opens": "09:00", "closes": "10:00"}],
}  # fmt: skip


@pytest.fixture
def regency(catalog: Room, tmp_path: Path) -> Room:
    root = write_pack(
        tmp_path,
        [service("akta", **FULL), service("ktp"), service("skck", agency="pupr")],
        places=[place("siang", **PLACE), place("malam")],
        document_types=[
            document_type("kk", issued_by_service="ktp", translations={"bbc": {"name": "KK"}}),
            document_type("ijazah", issued_by="Sekolah", issued_by_en="School"),
        ],
    )
    load(catalog, root)
    return catalog


def counts(answer: Any) -> tuple[int, int, int]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return body["created"], body["changed"], body["unchanged"]


@pytest.mark.slow
def test_an_export_that_nobody_changed_changes_nothing(regency: Room) -> None:
    answer = send(regency, regency.get("/api/v1/catalog/template.xlsx").content, caller=ADMIN)
    assert counts(answer) == (0, 0, 9)
    archive = regency.get("/api/v1/catalog/template.zip").content
    assert counts(send(regency, archive, caller=ADMIN, media_type="application/zip")) == (0, 0, 9)


@pytest.mark.slow
def test_a_changed_cell_is_a_version_of_its_record_by_the_agency(regency: Room) -> None:
    before = regency.get("/api/v1/services/akta").json()["service"]
    book = template(regency, agency="dukcapil")
    fill(book, "Layanan", "akta", "nama", "Akta kelahiran")
    assert counts(send(regency, saved(book), caller=DUKCAPIL)) == (0, 1, 4)
    detail = regency.get("/api/v1/services/akta").json()
    assert detail["service"] == before | {"name": "Akta kelahiran"}
    versions = regency.get("/api/v1/services/akta/versions").json()["items"]
    assert [(v["number"], v["recorded_by"]) for v in versions] == [(2, "dukcapil"), (1, "pack")]
    # The same file again: its version is an old one, but nothing differs.
    assert counts(send(regency, saved(book), caller=DUKCAPIL)) == (0, 0, 5)


@pytest.mark.slow
def test_new_rows_create_records_that_name_each_other(regency: Room) -> None:
    book = template(regency, agency="dukcapil")
    append(
        book, "Layanan", kode="kia", instansi="dukcapil", nama="Kartu anak", nama_en="Child card",
        ringkasan="R", ringkasan_en="R", untuk="warga", tempat="balai", sumber="perda; law",
    )  # fmt: skip
    append(book, "Kanal", layanan="kia", kanal_ke=1, kanal="loket")
    append(book, "Kanal", layanan="kia", kanal_ke=2, kanal="daring", tautan="simbg")
    append(
        book, "Tempat", kode="balai", instansi="dukcapil", nama="Balai", nama_en="Hall",
        dipastikan="tidak", sumber="perda",
    )  # fmt: skip
    append(book, "Sumber", kode="perda", judul="Perda 1", jenis="peraturan daerah")
    tried = send(regency, saved(book), caller=DUKCAPIL, dry_run=True)
    assert counts(tried) == (3, 0, 5)
    assert regency.get("/api/v1/services/kia").status_code == 404
    done = send(regency, saved(book), caller=DUKCAPIL)
    assert done.json() == tried.json() | {"dry_run": False}
    found = regency.get("/api/v1/services/kia").json()
    assert (found["version"], found["service"]["digital"]) == (1, True)
    assert [source["id"] for source in found["sources"]] == ["law", "perda"]
    assert regency.get("/api/v1/places/balai").json()["version"] == 1
    assert counts(send(regency, saved(book), caller=DUKCAPIL)) == (0, 0, 8)


@pytest.mark.slow
def test_every_wrong_cell_is_named_and_nothing_is_stored(regency: Room) -> None:
    book = template(regency)
    wrong = [
        fill(book, "Layanan", "akta", "untuk", "semua"),
        fill(book, "Layanan", "ktp", "nama", ""),
        fill(book, "Layanan", "skck", "sumber", "nowhere"),
    ]
    fill(book, "Tempat", "malam", "nama", "Kantor malam")
    answer = send(regency, saved(book), caller=ADMIN)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == wrong[:2]
    fill(book, "Layanan", "akta", "untuk", "warga; usaha")
    fill(book, "Layanan", "ktp", "nama", "KTP")
    answer = send(regency, saved(book), caller=ADMIN, lang="id")
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["pointer"] == wrong[2]
    assert error["detail"] == (
        "tidak ada sumber 'nowhere'; betulkan kodenya, atau tambahkan di lembar Sumber"
    )
    assert regency.get("/api/v1/places/malam").json()["version"] == 1
    assert regency.get("/api/v1/services/ktp").json()["version"] == 1


@pytest.mark.slow
def test_records_of_others_are_refused(regency: Room) -> None:
    book = template(regency)
    foreign = [
        fill(book, "Layanan", "akta", "nama", "Lain"),
        fill(book, "Sumber", "law", "judul", "Lain"),
    ]
    answer = send(regency, saved(book), caller=PUPR)
    assert answer.status_code == 403
    assert [e["pointer"].rstrip("0123456789")[:-1] for e in answer.json()["errors"]] == [
        pointer.rstrip("0123456789")[:-1] for pointer in foreign
    ]
    assert regency.get("/api/v1/services/akta").json()["version"] == 1


@pytest.mark.slow
def test_a_row_that_changed_meanwhile_is_named(regency: Room) -> None:
    book = template(regency)
    fill(book, "Layanan", "skck", "nama", "SKCK")
    pointer = fill(book, "Layanan", "ktp", "versi", 1)
    path = "/api/v1/services/ktp"
    current = regency.get(path)
    headers = regency.token(DUKCAPIL) | {"If-Match": current.headers["ETag"]}
    edit = current.json()["service"] | {"note": "Baru"}
    assert regency.client.put(path, json=edit, headers=headers).status_code == 200
    answer = send(regency, saved(book), caller=ADMIN)
    assert answer.status_code == 412
    [error] = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert "version 2" in error["detail"]
    assert regency.get("/api/v1/services/skck").json()["version"] == 1


@pytest.mark.slow
def test_a_name_that_another_service_of_the_agency_nearly_has_is_a_notice(regency: Room) -> None:
    book = template(regency)
    fill(book, "Layanan", "ktp", "nama", "Penerbitan layanan akte")
    answer = send(regency, saved(book), caller=ADMIN, dry_run=True)
    assert counts(answer) == (0, 1, 8)
    [notice] = answer.json()["notices"]
    assert notice["pointer"] == f"#/Layanan/C{row_of(book, 'Layanan', 'ktp')}"
    assert "'akta'" in notice["detail"]


DERIVED = {("service", "digital")}
"""Fields that follow from others."""


def leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of a model's fields, down to those that a cell holds."""
    for name, field in model.model_fields.items():
        inner = list(models_in(field.annotation))
        if not inner:
            yield (*path, name)
        for kind in inner:
            yield from leaves(kind, (*path, name))


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


@pytest.mark.parametrize("kind", MODELS)
def test_every_field_of_a_record_has_a_column(kind: Kind) -> None:
    containers = {"record": (), "case": ("cases",), "channel": ("channels",)}
    columns = {
        (*containers[within], *([sheet.list_field] if sheet.list_field else []), *field.path)
        for sheet in SHEETS
        if sheet.kind == kind
        for within in sheet.within
        for field in sheet.fields
    }
    fields = {path for path in leaves(MODELS[kind]) if (kind, *path) not in DERIVED}
    assert fields - columns == set()


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t\r '=;:+-"),
    min_size=1,
    max_size=12,
)


@pytest.mark.slow
@given(texts=st.tuples(TEXTS, TEXTS, TEXTS))
@settings(max_examples=12, deadline=None)
def test_any_text_comes_back_as_it_was(texts: tuple[str, str, str]) -> None:
    name, item, article = texts
    record = service(
        "akta",
        name=name,
        components={"persyaratan": component(items=[item, "x"], articles={"law": article})},
    )
    content = Service.model_validate(record).model_dump_json()
    stored: StoredCatalogue = {"service": [Stored("akta", 3, "dukcapil", content)]}
    request = ImportRequest("12.12", "dukcapil", is_administrator=False, language="en")
    for file in (template_xlsx(stored, {}), template_csv(stored, delimiter="semicolon")):
        [services, *_] = plan_import(file, stored, request).counts
        assert (services.created, services.changed, services.unchanged) == (0, 0, 1)


def test_a_filled_in_record_is_the_one_that_was_exported() -> None:
    record = Service.model_validate(service("akta", **FULL))
    data = as_filled_in("service", json.loads(record.model_dump_json()))
    assert Service.model_validate(data | {"digital": True}) == record
    given_place = Place.model_validate(place("siang", **PLACE))
    data = as_filled_in("place", json.loads(given_place.model_dump_json()))
    assert Place.model_validate(data) == given_place


@pytest.mark.slow
def test_one_csv_file_changes_records_and_leaves_their_lists(regency: Room) -> None:
    before = regency.get("/api/v1/services/akta").json()["service"]
    header, *rows = csv_tables(csv_template(regency, agency="dukcapil"))["Layanan"]
    for row in rows:
        row[header.index("catatan")] = "Café; \u201cbaru\u201d"
        row[header.index("dijamin sampai")] = "31/12/2027"
    content = csv_file([header, *rows]).encode("cp1252")
    assert counts(send(regency, content, caller=DUKCAPIL, media_type=CSV)) == (0, 2, 0)
    assert regency.get("/api/v1/services/akta").json()["service"] == before | {
        "note": "Café; \u201cbaru\u201d",
        "assured_until": "2027-12-31",
    }


@pytest.mark.slow
def test_5000_rows_are_stored_as_a_whole_or_not_at_all(regency: Room) -> None:
    tables = csv_tables(csv_template(regency, agency="dukcapil"))
    services, channels = tables["Layanan"], tables["Kanal"]
    name, version = services[0].index("nama"), services[0].index("versi")
    ktp = next(row for row in services if row[0] == "ktp")
    ktp[name] = "KTP"
    for n in range(5000):
        row = [f"s-{n}", *ktp[1:]]
        row[name], row[version] = f"Layanan {n}", ""
        services.append(row)
        channels.append([f"s-{n}", "1", "loket", *[""] * (len(channels[0]) - 3)])
    wrong = {services[n][0]: n for n in (17, 1700, 4999)}
    for n in wrong.values():
        services[n][name] = ""
    answer = send(regency, csv_archive(tables), caller=DUKCAPIL)
    assert answer.status_code == 422
    assert [(error["pointer"], error["detail"]) for error in answer.json()["errors"]] == [
        (f"#/Layanan/C{n + 1}", "is required") for n in wrong.values()
    ]
    assert regency.get("/api/v1/services").json()["total"] == 3
    for key, n in wrong.items():
        services[n][name] = f"Layanan {key}"
    assert counts(send(regency, csv_archive(tables), caller=DUKCAPIL)) == (5000, 1, 4)
    assert regency.get("/api/v1/services").json()["total"] == 5003


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda book: book["Layanan"].delete_cols(2), "#/Layanan/A1"),
        (lambda book: book["Layanan"].cell(1, 3, "judul"), "#/Layanan/C1"),
        (lambda book: book.remove(book["Kasus"]), "#/Layanan/A1"),
        (lambda book: book["Kasus"].cell(2, 1, "lain"), "#/Kasus/A2"),
        (lambda book: book["Syarat"].cell(2, 3, 9), "#/Syarat/B2"),
        (lambda book: book["Kanal"].cell(2, 2, "satu"), "#/Kanal/B2"),
        (lambda book: book["Standar"].cell(2, 2, "biaya"), "#/Standar/B2"),
        (lambda book: book["Tarif"].cell(2, 8, ""), "#/Tarif/H2"),
        (lambda book: book["Tempat"].cell(2, 1, "malam"), "#/Tempat/A3"),
        (lambda book: book.create_sheet("Lain").append(["x"]), "#/Lain/A1"),
    ],
)
def test_what_is_wrong_with_a_sheet_is_named(
    shared_regency: bytes, change: Callable[[openpyxl.Workbook], object], pointer: str
) -> None:
    book = openpyxl.load_workbook(io.BytesIO(shared_regency))
    change(book)
    request = ImportRequest("12.12", None, is_administrator=True, language="en")
    with pytest.raises(ImportRefusedError) as refused:
        plan_import(saved(book), {}, request)
    assert pointer in {f"#/{issue.sheet}/{issue.cell}" for issue in refused.value.invalid}


@pytest.fixture(scope="module")
def shared_regency() -> bytes:
    stored: dict[Kind, list[Stored]] = {
        "service": [
            Stored("akta", 1, "dukcapil", Service(**service("akta", **FULL)).model_dump_json())
        ],
        "place": [
            Stored(key, 1, "dukcapil", Place(**place(key)).model_dump_json())
            for key in ("luar", "malam")
        ],
    }
    return template_xlsx(stored, {})
