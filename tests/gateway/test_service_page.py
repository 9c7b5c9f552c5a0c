"""The page of a service: its cases first, where it is given, and who issues what it requires."""

import gzip
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.catalog.client import Opening, OpeningRule, Service
from services.catalog.pack import read_catalog
from services.gateway.link_monitoring.health import LinkHealth
from services.gateway.portal.portal_states import PortalState, portal_states
from services.gateway.portal.service_checks import last_check
from services.gateway.portal.service_texts import ServiceTexts
from services.platform.languages import Language
from services.platform.translation import translator
from tests.conftest import TOBA, Hub

JAKARTA = ZoneInfo("Asia/Jakarta")
LARGEST_PAGE = 40_000
"""Bytes of the page of a service, compressed."""
Checks = Sequence[tuple[str, str] | None]
"""Day and agency of the check of each part; None if it was not checked."""
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


def test_what_to_bring_is_a_list_to_tick_of_which_nothing_is_sent(shared: Hub) -> None:
    for path, thing in (
        ("/layanan/ktp-el", "Kartu keluarga"),
        ("/layanan/akta-kelahiran", "Surat keterangan kelahiran"),
    ):
        page = shared.client.get(path).text
        assert page.index(f"<span>{thing}") < page.index("Di mana")
        boxes = re.findall(r"<input type=\"checkbox\"[^>]*>", page)
        assert boxes
        assert not [box for box in boxes if "name=" in box or "value=" in box]


def test_the_case_of_the_address_is_open(shared: Hub) -> None:
    def opened(query: str) -> list[str]:
        page = shared.client.get(f"/layanan/ktp-el{query}").text
        return re.findall(r'name="case" open>\s*<summary>([^<]+)', page)

    assert opened("?case=hilang") == ["Hilang"]
    assert opened("?case=hilang&lang=en") == ["Lost"]
    assert opened("") == opened("?case=tidak-ada") == []


def test_cost_time_and_steps_come_before_the_standard_with_their_sources(shared: Hub) -> None:
    page = shared.client.get("/layanan/ktp-el").text
    before, _, standard = page.partition('<details class="full">')
    for part in ("<dt>Biaya</dt>", "<strong>14 hari</strong>", "<h2>Langkah</h2>", "Pasal 79A"):
        assert part in before
    assert "Jaminan pelayanan" in standard
    for number in set(re.findall(r'href="#(sumber-\d+)"', page)):
        assert standard.count(f'id="{number}"') == 1


def test_what_is_not_published_is_one_line_from_which_the_hub_can_be_told(shared: Hub) -> None:
    page = shared.client.get("/layanan/ktp-el").text
    assert len(re.findall("belum dipublikasikan", page)) == 1
    [folded] = re.findall(r'<details class="missing">.*?</details>', page, re.DOTALL)
    assert "<li>Kompetensi pelaksana</li>" in folded
    assert 'href="/aduan?service=ktp-el"' in folded


def test_a_page_can_be_passed_on(shared: Hub) -> None:
    page = shared.client.get("/layanan/ktp-el?lang=en").text
    address = re.search(r'href="https://wa\.me/\?text=([^"]+)"', page)
    assert address is not None
    assert address[1].endswith("/layanan/ktp-el%3Flang%3Den")
    assert 'href="mailto:?subject=' in page


@pytest.mark.slow
def test_a_page_is_small_for_a_slow_line(shared: Hub) -> None:
    slugs = [service.slug for service in read_catalog(TOBA).services]
    pages = {slug: shared.client.get(f"/layanan/{slug}").content for slug in slugs[::8]}
    sizes = {slug: len(gzip.compress(page)) for slug, page in pages.items()}
    assert max(sizes.values()) < LARGEST_PAGE, sizes


def test_the_state_of_a_portal_is_beside_its_button(shared: Hub) -> None:
    page = shared.client.get("/layanan/pbg").text
    assert re.search(r"Buka SIMBG.*</a> <b class=\"state state-pending\">", page)


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"state": "ok", "reason": None}, "ok", "berfungsi"),
        ({"state": "caution", "reason": "slow"}, "caution", "perlu perhatian"),
        ({"state": "broken", "reason": "timeout"}, "caution", "perlu perhatian"),
        (
            {"incident": "018f0000-0000-7000-8000-000000000000", "incident_since": NOW},
            "broken",
            "terganggu sejak 10.00",
        ),
        (
            {"maintenance_until": NOW + timedelta(days=1)},
            "maintenance",
            "dalam pemeliharaan sampai 1 Desember 10.00",
        ),
        ({"state": "pending"}, "pending", "keadaannya belum diketahui"),
    ],
)
def test_the_state_of_a_portal_in_words(more: dict[str, object], code: str, words: str) -> None:
    nothing = dict.fromkeys(LinkHealth.model_fields)
    known = LinkHealth.model_validate({**nothing, "state": "broken", **more})
    states = portal_states({"oss": known}, translator("id"), now=NOW, zone=JAKARTA)
    assert states == {"oss": PortalState(code, words)}  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def checked() -> Callable[[Checks], Service]:
    """Return the identity card's service with checks of its first parts."""
    [ktp] = [one for one in read_catalog(TOBA).services if one.slug == "ktp-el"]

    def checked(checks: Checks) -> Service:
        content = ktp.model_dump(mode="json")
        parts = [*content["components"].values(), *content["cases"]]
        assert len(checks) <= len(parts)
        for part, check in zip(parts, checks, strict=False):
            if check is not None:
                part["checked_on"], part["checked_by"] = check
        return Service.model_validate(content)

    return checked


def test_the_last_check_is_the_oldest_only_if_everything_was_checked(
    checked: Callable[[Checks], Service],
) -> None:
    service = checked([])
    assert last_check(service) is None
    some = last_check(checked([("2026-08-01", "dukcapil"), None, ("2026-09-01", "dukcapil")]))
    assert some is not None
    assert (some.on, some.by, some.is_of_all_parts) == (date(2026, 9, 1), {"dukcapil"}, False)
    parts = len(service.components) + len(service.cases)
    every = last_check(
        checked([("2026-08-01", "dukcapil")] + [("2026-09-01", "bkn")] * (parts - 1))
    )
    assert every is not None
    assert (every.on, every.is_of_all_parts) == (date(2026, 8, 1), True)
    assert every.by == {"dukcapil", "bkn"}


def test_days_ago_in_words() -> None:
    today = NOW.date()
    for days, words in ((0, "hari ini"), (1, "1 hari yang lalu"), (91, "3 bulan yang lalu")):
        assert translator("id").days_ago(today - timedelta(days=days), today=today) == words
    assert translator("en").days_ago(today - timedelta(days=91), today=today) == "3 months ago"


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


def test_whether_the_page_helped_is_one_tap_that_leaves_nothing_of_a_person(shared: Hub) -> None:
    page = shared.client.get("/layanan/ktp-el?lang=en").text
    assert 'action="/layanan/ktp-el/membantu?lang=en"' in page
    for answer, leads_to in (
        ("ya", "/layanan/ktp-el/membantu?lang=en"),
        ("tidak", "/layanan/ktp-el/membantu?lang=en"),
        ("mungkin", "/layanan/ktp-el?lang=en"),
    ):
        told = shared.client.post(
            "/layanan/ktp-el/membantu?lang=en", data={"jawaban": answer}, follow_redirects=False
        )
        assert (told.status_code, told.headers["location"]) == (303, leads_to)
        assert "set-cookie" not in told.headers
    assert "Thank you" in shared.client.get("/layanan/ktp-el/membantu?lang=en").text
    found = shared.client.get("/api/v1/usage/helpfulness?service=ktp-el").json()["items"]
    assert [(one["helpful"], one["unhelpful"]) for one in found] == [(1, 0)]
    for path in ("/layanan/tidak-ada/membantu", "/layanan/ktp-el/membantu/lain"):
        assert shared.client.get(path).status_code == 404
    unknown = shared.client.post("/layanan/tidak-ada/membantu", data={"jawaban": "ya"})
    assert unknown.status_code == 404
