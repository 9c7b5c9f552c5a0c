"""SIMBG: parts of permit numbers without their state, and imports of monthly recaps."""

from datetime import date
from typing import Any

import httpx
import pytest

from services.gateway.connectors.simbg.permit_numbers import PermitNumberError, parse_permit_number
from services.platform.spreadsheets.writing import Column, write_xlsx
from tests.conftest import Hub
from tests.gateway.link_rows import delete_link

TODAY = date(2026, 3, 1)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def test_a_number_has_kind_district_date_and_sequence() -> None:
    permit = parse_permit_number(" sk-pbg-121201-31032024-002 ", today=TODAY)
    assert (permit.number, permit.kind) == ("SK-PBG-121201-31032024-002", "PBG")
    assert (permit.region, permit.district) == ("12.12", "12.12.01")
    assert (permit.day, permit.sequence) == (date(2024, 3, 31), 2)
    assert permit.url == "https://simbg.pu.go.id/Main/VerifikasiPBG/SK-PBG-121201-31032024-002"
    assert parse_permit_number("SK-SLF-121201-31032024-01", today=TODAY).kind == "SLF"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("", "must have the form"),
        ("SK-IMB-121201-31032024-001", "must have the form"),
        ("SK-PBG-1212-31032024-001", "must have the form"),
        ("SK-PBG-121201-31032024-1", "must have the form"),
        ("SK-PBG-121201-31022024-001", "is not a date"),
        ("SK-PBG-121201-01012020-001", "from 2021-02-02 to today"),
        ("SK-PBG-121201-01042026-001", "from 2021-02-02 to today"),
        ("SK-PBG-121201-٣١٠٣٢٠٢٤-001", "must have the form"),
        ("SK-PBG-121201-31032024-001/../x", "must have the form"),
    ],
)
def test_an_invalid_number_is_reported_by_its_invalid_part(wrong: str, message: str) -> None:
    with pytest.raises(PermitNumberError, match=message):
        parse_permit_number(wrong, today=TODAY)


@pytest.mark.slow
def test_a_permit_has_the_health_of_the_portal(hub: Hub) -> None:
    address = "/api/v1/simbg/permits/SK-PBG-121201-31032024-001"
    assert hub.client.get(address).json()["portal"]["state"] == "pending"
    incident = {"link": "simbg", "title": "SIMBG terganggu", "title_en": "SIMBG is down"}
    opened = hub.client.post(
        "/api/v1/incidents", json=incident, headers=hub.auth("diskominfo", "admin")
    ).json()
    assert hub.client.get(address).json()["portal"]["incident"] == opened["id"]
    delete_link(hub.settings, "simbg")
    assert hub.client.get(address).json()["portal"] is None


def test_a_permit_links_to_simbg_and_has_no_state(shared: Hub) -> None:
    answer = shared.client.get("/api/v1/simbg/permits/SK-PBG-121201-31032024-001").json()
    assert answer["href"].startswith("https://simbg.pu.go.id/Main/VerifikasiPBG/")
    assert (answer["in_this_region"], answer["district"]) == (True, "12.12.01")
    assert answer["district_name"]
    assert "status" not in answer
    elsewhere = shared.client.get("/api/v1/simbg/permits/SK-PBG-337411-29052023-002").json()
    assert (elsewhere["in_this_region"], elsewhere["district_name"]) == (False, None)
    impossible = shared.client.get("/api/v1/simbg/permits/SK-PBG-121201-31022024-001")
    assert impossible.status_code == 422
    assert "is not a date" in impossible.json()["errors"][0]["detail"]
    wrong = shared.client.get("/api/v1/simbg/permits/SK-PBG-1")
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["parameter"] == "number"


RECAP = (
    "No;Jenis Permohonan;Periode;Permohonan;Terbit;Ditolak\n"
    "1;PBG;2024-01;14;9;1\n"
    "2;Sertifikat Laik Fungsi;Januari 2024;3;2;\n"
)


def send(hub: Hub, content: bytes, *, agency: str = "pupr", **query: Any) -> httpx.Response:
    headers = hub.auth(agency, "usage:write") | {"Content-Type": "text/csv"}
    return hub.client.post("/api/v1/simbg/recaps", content=content, params=query, headers=headers)


@pytest.mark.slow
def test_a_recap_becomes_statistics_once(hub: Hub) -> None:
    tried = send(hub, RECAP.encode(), dry_run=True)
    assert (tried.status_code, tried.json()["added"]) == (200, 5), tried.text
    stored = send(hub, RECAP.encode()).json()
    assert (stored["added"], stored["unchanged"]) == (5, 0)
    again = send(hub, RECAP.encode()).json()
    assert (again["added"], again["unchanged"]) == (0, 5)
    figures = hub.client.get("/api/v1/usage/statistics?period=2024-01&agency=pupr").json()["items"]
    found = {(each["service"], each["channel"], each["measure"], each["value"]) for each in figures}
    assert {("pbg", "online", "submitted", 14), ("slf", "online", "completed", 2)} <= found


@pytest.mark.slow
def test_a_workbook_is_accepted_and_its_invalid_cells_are_named_by_their_place_in_the_file(
    hub: Hub,
) -> None:
    columns = [Column("No"), Column("Jenis"), Column("Bulan"), Column("Masuk"), Column("Selesai")]
    rows = [
        {"No": 1, "Jenis": "PBG", "Bulan": "2024-02", "Masuk": 5, "Selesai": 4},
        {"No": 2, "Jenis": "SLF", "Bulan": "2024-13", "Masuk": 5, "Selesai": -4},
    ]
    refused = send(hub, write_xlsx({"Rekap 2024": (columns, rows)}))
    assert refused.status_code == 422
    places = {error["pointer"] for error in refused.json()["errors"]}
    assert places == {"#/Rekap 2024/C3", "#/Rekap 2024/E3"}
    taken = send(hub, write_xlsx({"Rekap 2024": (columns, rows[:1])}))
    assert taken.json()["added"] == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (b"", "#/(file)/A1"),
        (b"a;b\n1;2\n", "#/Rekap/A1"),
        (b"PK\x03\x04no", "#/(file)/A1"),
        (b"Jenis;Bulan;Masuk\nIMB;2024-01;3\n", "#/Rekap/A2"),
        (b"Jenis;Bulan;Masuk;Rahasia\nPBG;2024-01;3;x\n", "#/Rekap/D1"),
        (b"Jenis;Bulan\nPBG;2024-01\n", "#/Rekap/A2"),
    ],
)
def test_an_invalid_recap_is_rejected_with_its_cells(
    shared: Hub, content: bytes, pointer: str
) -> None:
    refused = send(shared, content)
    assert refused.status_code == 422, refused.text
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]


@pytest.mark.slow
def test_a_recap_needs_the_key_of_the_agency_of_buildings(shared: Hub) -> None:
    assert shared.client.post("/api/v1/simbg/recaps", content=RECAP).status_code == 401
    other = send(shared, RECAP.encode(), agency="dukcapil", dry_run=True)
    assert other.status_code == 422
