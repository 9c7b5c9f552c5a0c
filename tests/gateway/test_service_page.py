"""The page of a service: its cases first, where it is given, and who issues what it requires."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.catalog.client import Opening, OpeningRule
from services.gateway.portal.service_texts import ServiceTexts
from services.platform.languages import Language
from services.platform.translation import translator
from tests.conftest import Hub

JAKARTA = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 11, 30, 10, tzinfo=JAKARTA)


def texts(language: Language = "id") -> ServiceTexts:
    return ServiceTexts(translator(language), NOW, JAKARTA)


def test_the_cases_come_before_everything_that_is_general(shared: Hub) -> None:
    page = shared.client.get("/layanan/ktp-el").text
    order = ["<h1>", "Mana yang Anda alami?", "Hilang", "Di mana", "Cara mengurus", "Standar"]
    positions = [page.index(part) for part in order]
    assert positions == sorted(positions)
    assert '<a class="issuer" href="/layanan/surat-keterangan-hilang">' in page
    assert "diterbitkan oleh Polres Toba" in page
    assert "<strong>Gratis</strong>" in page
    assert "berlaku seumur hidup" in page
    assert 'href="/tempat/kantor-dukcapil"' in page
    assert "Alamat belum dipastikan" in page
    assert page.count("belum dipublikasikan</summary>") == 1


def test_in_english_as_well(shared: Hub) -> None:
    page = shared.client.get("/layanan/ktp-el?lang=en").text
    for part in ("Which is your case?", "Lost", "issued by Polres Toba", "Address not confirmed"):
        assert part in page
    assert re.search(r"\d+ of 14 components not published", page)


def test_a_place_has_a_page_with_its_services(shared: Hub) -> None:
    page = shared.client.get("/tempat/kantor-polres").text
    assert 'href="/layanan/skck"' in page
    assert "Alamat belum dipastikan" in page
    assert "Jam buka belum dipublikasikan" in page
    assert shared.client.get("/tempat/nowhere").status_code == 404


@pytest.mark.parametrize("path", ["/tempat/kantor-pln", "/layanan/sambungan-listrik"])
def test_an_address_that_is_not_confirmed_says_so(shared: Hub, path: str) -> None:
    page = shared.client.get(path).text
    assert "Nomor 14, Balige (Alamat belum dipastikan)" in page


def test_general_rules_are_marked_and_counted(shared: Hub) -> None:
    page = shared.client.get("/layanan/ktp-el").text
    marked = page.count("<small>ketentuan umum</small>")
    assert marked > 0
    assert f"{marked} di antaranya ketentuan umum" in page


@pytest.mark.parametrize(
    ("is_open", "hours", "words"),
    [
        (None, None, "Jam buka belum dipublikasikan"),
        (True, None, "Buka 24 jam"),
        (True, 6, "Buka sampai 16.00"),
        (False, 3.5, "Tutup, buka 13.30"),
        (False, 22, "Tutup, buka Selasa 1 Desember, 08.00"),
        (False, None, "Tutup"),
    ],
)
def test_opening_in_words(is_open: bool | None, hours: float | None, words: str) -> None:
    changes_at = None if hours is None else (NOW + timedelta(hours=hours)).astimezone(UTC)
    assert texts().opening(Opening(open=is_open, changes_at=changes_at)) == words


@pytest.mark.parametrize(
    ("byday", "words"),
    [
        (["MO", "TU"], "Senin, Selasa: 08.00-16.00"),
        (["2TU"], "Selasa ke-2 tiap bulan: 08.00-16.00"),
        (["-1FR"], "Jumat terakhir tiap bulan: 08.00-16.00"),
    ],
)
def test_hours_in_words(byday: list[str], words: str) -> None:
    rule = OpeningRule.model_validate({"byday": byday, "opens": "08:00", "closes": "16:00"})
    assert texts().rule(rule) == words


@pytest.mark.parametrize(
    ("duration", "in_working_days", "words"),
    [
        ("P14D", True, "14 hari kerja"),
        ("P1D", False, "1 hari"),
        ("P1Y6M", False, "1 tahun 6 bulan"),
        ("P2W", False, "2 minggu"),
        ("PT2H30M", False, "2 jam 30 menit"),
    ],
)
def test_durations_in_words(duration: str, in_working_days: bool, words: str) -> None:
    assert texts().duration(duration, in_working_days=in_working_days) == words


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Asia/Jakarta", "2 Januari 2026"), ("Asia/Jayapura", "2 Januari 2026")],
)
def test_the_day_of_a_change_is_that_of_the_regency(zone: str, day: str) -> None:
    late = datetime(2026, 1, 1, 20, 30, tzinfo=UTC)
    assert ServiceTexts(translator("id"), late, ZoneInfo(zone)).day(late) == day
    assert ServiceTexts(translator("id"), late, ZoneInfo("UTC")).day(late) == "1 Januari 2026"
