"""The yearly report of links as PDF: exact figures, gaps that are told, texts that stay text."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from services.gateway.link_monitoring.sla import LinkIncident, LinkSla, SlaReport, combine
from services.gateway.link_monitoring.sla_pdf import method_paragraphs, render_sla_pdf, to_document
from services.gateway.link_monitoring.uptime import UptimePeriod
from services.platform.local_time import DEFAULT_ZONE
from services.platform.settings import Settings
from tests.gateway.link_rows import (
    add_broken_second,
    store_checks,
    store_incident,
    store_uptime_of_march_2024,
)
from tests.gateway.watched import Watched, watched

NOW = datetime(2025, 1, 3, 4, 5, tzinfo=UTC)
ADDRESS = "/api/v1/links/sla.pdf"


@pytest.fixture
def hub(empty: Settings) -> Iterator[Watched]:
    with watched(empty, simbg="https://simbg.example", oss="https://oss.example/x") as running:
        yield running


def month(*, ok: int = 0, broken: int = 0, maintenance: int = 0, checks: int = 1) -> UptimePeriod:
    return UptimePeriod(
        period=date(2024, 3, 1),
        ok_seconds=ok,
        caution_seconds=0,
        broken_seconds=broken,
        maintenance_seconds=maintenance,
        checks=checks,
        response_ms_p50=None,
        response_ms_p95=None,
        response_ms_p99=None,
    )


def link(
    *,
    title: str = "SIMBG",
    operator: str = "Dinas Uji",
    url: str = "https://simbg.example",
    march: UptimePeriod | None = None,
    incidents: Sequence[LinkIncident] = (),
) -> LinkSla:
    return LinkSla(
        slug="simbg",
        title=title,
        operator=operator,
        url=url,
        months={} if march is None else {3: march},
        total=combine([march], year=2024),
        incidents_opened={},
        incidents=list(incidents),
    )


def year_of(*links: LinkSla, place: str = "Kabupaten Toba") -> SlaReport:
    return SlaReport(
        region_name=place,
        time_zone=DEFAULT_ZONE.key,
        year=2024,
        check_seconds=300,
        links=list(links),
    )


def incident(
    *, title: str = "Terganggu", reason: str | None = "timeout", n: int = 0
) -> LinkIncident:
    opened = datetime(2024, 3, 1, tzinfo=UTC) + timedelta(hours=n)
    return LinkIncident(
        title=title, reason=reason, opened_at=opened, closed_at=opened + timedelta(minutes=20)
    )


def pages_of(pdf: bytes) -> list[str]:
    """Return the text of each page, with one space between words and without places to break at."""
    pages = PdfReader(BytesIO(pdf)).pages
    return [" ".join(page.extract_text().replace("\u200b", "").split()) for page in pages]


def words_of(pdf: bytes) -> str:
    return " ".join(pages_of(pdf))


def store_known_year(settings: Settings) -> None:
    """Store a March of 2024 for `simbg`, and incidents of which one is from the year before."""
    store_uptime_of_march_2024(settings, "simbg")
    at_nine = datetime(2024, 3, 5, 2, tzinfo=UTC)
    store_checks(settings, "simbg", at_nine, 4, minutes_apart=5, ms_step=1000)
    for reason, opened, closed in (
        ("timeout", at_nine, datetime(2024, 3, 5, 3, 10, tzinfo=UTC)),
        (None, datetime(2023, 12, 30, 17, tzinfo=UTC), datetime(2024, 1, 1, 2, tzinfo=UTC)),
        ("dns", datetime(2024, 3, 31, 17, tzinfo=UTC), None),
    ):
        store_incident(settings, "simbg", reason=reason, opened=opened, closed=closed)


@pytest.mark.slow
def test_a_year_is_reported_by_month_with_its_incidents(hub: Watched) -> None:
    store_known_year(hub.settings)
    answer = hub.client.get(f"{ADDRESS}?year=2024")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-language"] == "id"
    assert f"sla-{hub.settings.region}-2024.pdf" in answer.headers["content-disposition"]
    words = words_of(answer.content)
    assert "Maret 92,308 2,17 0,17 1,50 4 1 2.500 3.850" in words
    # Midnight in Jakarta is 17.00 UTC: the last one began in April.
    assert "Februari tidak diukur – – – 0 0 – – Maret" in words
    assert "April tidak diukur – – – 0 1 – – Mei" in words
    assert "Tahun 2024 92,308 2,17 0,17 1,50 4 2 2.500 3.850" in words
    assert "SIMBG: layanan uji simbg.example 92,308 2,17 0,17 1,50 4 2" in words
    assert "OSS: layanan uji oss.example tidak diukur – – – 0 0" in words
    assert "Semua tautan 92,308 2,17 0,17 1,50 4 2" in words
    assert (
        "31 Desember 2023 pukul 00.00 WIB 1 Januari 2024 pukul 09.00 WIB 1 hari 9 jam "
        "Berkas hilang "
        "5 Maret 2024 pukul 09.00 WIB 5 Maret 2024 pukul 10.10 WIB 1 jam 10 menit "
        "tidak menjawab pada waktunya "
        "1 April 2024 pukul 00.00 WIB masih berlangsung"
    ) in words
    assert "alamatnya tidak ditemukan" in words
    assert "100,000" not in words


@pytest.mark.slow
def test_a_year_without_checks_has_no_uptime(hub: Watched) -> None:
    store_known_year(hub.settings)
    words = words_of(hub.client.get(f"{ADDRESS}?year=2020").content)
    # Of two links: twelve months, the year and the summary; all together; and the method.
    assert words.count("tidak diukur") == 2 * 14 + 1 + 1
    assert words.count("Tidak ada insiden yang tercatat.") == 2
    assert "100,000" not in words


@pytest.mark.slow
def test_a_year_to_come_has_not_begun_and_no_incident_reaches_into_it(hub: Watched) -> None:
    store_known_year(hub.settings)
    words = words_of(hub.client.get(f"{ADDRESS}?year=2099").content)
    assert "Tahun 2099 (belum dimulai)" in words
    assert words.count("Tidak ada insiden yang tercatat.") == 2
    assert hub.client.get(f"{ADDRESS}?year=20").status_code == 422
    assert hub.client.get(ADDRESS).status_code == 422


@pytest.mark.slow
def test_the_tag_stays_while_only_the_moment_of_writing_differs(hub: Watched) -> None:
    store_known_year(hub.settings)
    tag = hub.client.get(f"{ADDRESS}?year=2024").headers["etag"]
    again = hub.client.get(f"{ADDRESS}?year=2024", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    add_broken_second(hub.settings)
    changed = hub.client.get(f"{ADDRESS}?year=2024", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_the_status_page_leads_to_the_report_of_this_year(hub: Watched) -> None:
    page = hub.client.get("/status").text
    year = datetime.now(DEFAULT_ZONE).year
    assert f'href="{ADDRESS}?year={year}"' in page


def test_a_second_of_trouble_in_a_year_is_no_full_uptime() -> None:
    document = to_document(year_of(link(march=month(ok=31_000_000, broken=1))), now=NOW)
    [simbg] = document["links"]
    assert simbg["months"][2][1] == "99,999"
    whole = to_document(year_of(link(march=month(ok=31_000_000))), now=NOW)
    assert whole["links"][0]["months"][2][1] == "100,000"


def test_a_month_of_only_maintenance_has_no_uptime() -> None:
    document = to_document(year_of(link(march=month(maintenance=7200, checks=24))), now=NOW)
    assert document["links"][0]["months"][2][1:6] == [
        "tidak terhitung",
        "0,00",
        "0,00",
        "2,00",
        "24",
    ]


def test_links_are_combined_by_their_covered_time() -> None:
    report = year_of(
        link(march=month(ok=900, broken=100)), link(march=month(ok=9000)), link(march=None)
    )
    [*_, last] = to_document(report, now=NOW)["summary"]
    assert last[:3] == ["Semua tautan", "", "99,000"]


def test_the_method_section_shows_the_interval_of_checks() -> None:
    assert "setiap 5 menit" in method_paragraphs(300, DEFAULT_ZONE.key)[0]
    assert "setiap 1 menit 30 detik" in method_paragraphs(90, DEFAULT_ZONE.key)[0]
    assert "dimatikan" in method_paragraphs(0, DEFAULT_ZONE.key)[0]


def test_a_hub_without_links_has_a_report_too() -> None:
    assert "Semua tautan tidak diukur" in words_of(render_sla_pdf(year_of(), now=NOW))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        '#panic("x") *tebal* $x^2$ <a> @ref \\ // `kode` = judul',
        "<script>alert(1)</script> &amp; \"'",
        "kata " * 60,
    ],
)
def test_a_name_stays_text(name: str) -> None:
    named = link(title=name, operator=name, url=f"https://{'a' * 63}.{'b' * 63}.example/")
    named.incidents.append(incident(title=name, reason=None))
    pdf = render_sla_pdf(year_of(named, place=name), now=NOW)
    flat = words_of(pdf).replace(" ", "")
    # The place, and of the link: in the summary, as heading, its operator, its incident.
    assert flat.count(name.replace(" ", "")) >= 5


def test_a_word_without_an_end_breaks_and_stays_on_the_page() -> None:
    wide = "W" * 300
    named = link(title=wide, operator=wide, incidents=[incident(title=wide, reason=None)])
    ends: list[float] = []

    def seen(text: str, page: Sequence[float], line: Sequence[float], _: Any, size: float) -> None:
        if "W" in text and set(text) <= set("W… \n\u200b"):
            ends.append(page[4] + line[4] + 0.97 * size * len(text.strip()))

    for each in PdfReader(BytesIO(render_sla_pdf(year_of(named, place=wide), now=NOW))).pages:
        each.extract_text(visitor_text=seen)
    assert len(ends) > 100
    assert max(ends) < 595 - 50  # the margin


def test_a_letter_that_no_font_has_is_no_fault() -> None:
    pages = pages_of(render_sla_pdf(year_of(link(title="東京 😀 SIMBG"), place="ᯖᯬᯅ"), now=NOW))
    assert "SIMBG" in pages[0]


@pytest.mark.slow
def test_many_incidents_go_on_over_pages_with_their_heads() -> None:
    incidents = [incident(n=n) for n in range(200)]
    pages = pages_of(render_sla_pdf(year_of(link(incidents=incidents)), now=NOW))
    assert len(pages) > 4
    for number, page in enumerate(pages, start=1):
        assert f"Halaman {number} dari {len(pages)}" in page
        assert ("Mulai Selesai Lama Sebab" in page) == ("20 menit" in page)
    assert sum(page.count("20 menit") for page in pages) == 200
