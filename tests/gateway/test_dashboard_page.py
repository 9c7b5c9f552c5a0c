"""The dashboard: the figures of the API on a page for anybody."""

import math
import re
from datetime import date, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.platform.local_time import DEFAULT_ZONE
from services.platform.service import API
from tests.assessment.test_attacks_on_evidence import declare, observation, post, record_of
from tests.conftest import Hub, Server
from tests.rows import oblige_since
from tests.servers import free_port

THIS_YEAR = datetime.now(DEFAULT_ZONE).year
SHOWN = re.compile(r'data-code="([^"]+)">([^<]+)<')


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def stored(hub: Hub) -> dict[str, Any]:
    answer = hub.client.post(
        f"{API}/assessments",
        json={"period": 2024, "draws": 500},
        headers=hub.auth("diskominfo", "metrics:draft"),
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.slow
def test_without_a_stored_assessment_the_page_warns_that_figures_may_change(hub: Hub) -> None:
    page = hub.client.get("/dasbor?tahun=2023")
    assert page.status_code == 200
    assert "masih dapat berubah" in page.text
    assert "Laporan PDF" not in page.text


@pytest.mark.slow
@pytest.mark.parametrize("year", [2003, 2025, THIS_YEAR])
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("id", ("belum dapat diperkirakan", "Ini bukan penurunan", "Yang pertama-tama diperlukan")),
        ("en", ("cannot be estimated yet", "This is no decline", "What is missing first")),
    ],
)
def test_a_year_without_index_shows_the_reason_the_bounds_and_what_is_missing_first(
    hub: Hub, year: int, language: str, words: tuple[str, ...]
) -> None:
    page = hub.client.get("/dasbor", params={"tahun": year, "lang": language}).text
    for one in words:
        assert one in page
    assert 'class="index"' not in page
    scores = hub.client.get(f"{API}/metrics/collaboration-dynamics?period={year}").json()["scores"]
    index = scores["index"]
    text = " ".join(re.sub("<[^>]*>", "", page).split())
    low, high = math.floor(index["proven"]), math.ceil(index["possible"])
    bounds = (
        f"terbukti {low} dan paling tinggi {high} dari 100"
        if language == "id"
        else f"proven to be {low} and is at most {high} of 100"
    )
    assert bounds in text
    name = "name" if language == "id" else "name_en"
    indicators = {
        one["code"]: one[name]
        for dimension in scores["dimensions"]
        for element in dimension["elements"]
        for one in element["indicators"]
    }
    assert indicators[index["missing_first"][0]] in page
    assert ("sementara" in text or "provisional" in text) is (year == THIS_YEAR)


def test_without_a_stored_assessment_the_page_opens_on_the_newest_year_with_an_index(
    hub: Hub,
) -> None:
    assert "Dasbor kolaborasi 2024" in hub.client.get("/dasbor").text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "first"), [("id", "2024 diperkirakan"), ("en", "2024 is estimated at")]
)
def test_every_figure_is_that_of_the_stored_assessment_in_whole_numbers(
    hub: Hub, stored: dict[str, Any], language: str, first: str
) -> None:
    page = hub.client.get("/dasbor", params={"lang": language}).text
    shown = dict(SHOWN.findall(page))
    scores = stored["scores"]
    elements = [one for dimension in scores["dimensions"] for one in dimension["elements"]]
    nodes = [scores["index"], *scores["dimensions"], *elements, *scores["drivers"]]
    expected = {
        node["code"]: "–" if node["value"] is None else f"{node['value']:.0f}" for node in nodes
    }
    assert shown == expected
    assert len(expected) == 20
    text = " ".join(re.sub("<[^>]*>", "", page).split())
    spread = hub.client.get(stored["sensitivity_href"]).json()["spread"]
    low, high = min(spread["low"], scores["index"]["interval"]["low"]), spread["high"]
    high = max(high, scores["index"]["interval"]["high"])
    estimate = f"{first} {scores['index']['value']:.0f}"
    assert estimate in text
    assert f": {math.floor(low)}–{math.ceil(high)})." in text[text.index(estimate) :]
    proven, possible = math.floor(scores["index"]["proven"]), math.ceil(scores["index"]["possible"])
    assert re.search(rf"{proven}\b.* {possible}\.", text[text.index(estimate) :])


@pytest.mark.slow
def test_a_newer_year_without_an_index_does_not_come_first(
    hub: Hub, stored: dict[str, Any]
) -> None:
    year = THIS_YEAR
    later = hub.client.post(
        f"{API}/assessments",
        json={"period": year, "draws": 500},
        headers=hub.auth("diskominfo", "metrics:draft"),
    )
    assert later.json()["index"]["value"] is None
    assert f"Dasbor kolaborasi {stored['period']}" in hub.client.get("/dasbor").text
    asked_for = hub.client.get(f"/dasbor?tahun={year}").text
    assert f"Dasbor kolaborasi {year}" in asked_for
    assert later.json()["report_href"] in asked_for
    shown = hub.client.get("/dasbor").text
    rows = re.findall(
        r'<a href="/dasbor\?tahun=(\d+)">.*?<strong>([^<]+)</strong>', shown, re.DOTALL
    )
    assert rows == [("2024", f"{stored['index']['value']:.0f}"), (str(year), "–")]
    change = " ".join(
        re.sub("<[^>]*>", "", shown[shown.index('<details class="change"') :]).split()
    )
    assert change.startswith(f"2024–{year}: tidak dapat dibandingkan: hanya ")
    assert "Tidak lagi diketahui:" in change


@pytest.mark.slow
def test_the_page_leads_to_the_report_the_scores_and_the_bundle(
    hub: Hub, stored: dict[str, Any]
) -> None:
    page = hub.client.get("/dasbor?tahun=2024").text
    for href in (
        stored["report_href"],
        f"{stored['report_href']}?format=pdf",
        f"{stored['scores_href']}?format=csv",
        stored["bundle_href"],
        "/dasbor/2024/unsur/trust",
    ):
        assert f'href="{href}"' in page
        assert hub.client.get(href).status_code == 200, href


def test_the_page_shows_indices_with_both_predicates_and_the_use_of_services(hub: Hub) -> None:
    sent = hub.client.post(
        f"{API}/usage/statistics",
        json={
            "statistics": [
                {
                    "agency": "dukcapil",
                    "service": "ktp-el",
                    "channel": "counter",
                    "period": "2024-03",
                    "counters": {"submitted": 1412},
                }
            ]
        },
        headers=hub.auth("dukcapil", "usage:write"),
    )
    assert sent.status_code in {200, 201}, sent.text
    oblige_since(hub.settings, date(2024, 1, 1))
    page = hub.client.get("/dasbor?tahun=2024").text
    row = page[page.index('rowheader">2021<') : page.index('rowheader">2022<')]
    assert ("1,69" in row, "Cukup" in row, "Kurang" in row) == (True, True, True)
    assert "Permohonan masuk: <strong>1.412</strong>" in page
    assert 'href="/dasbor/pelaporan?tahun=2024"' in page


def text_of(page: str) -> str:
    return " ".join(re.sub("<[^>]*>", "", page).split())


@pytest.mark.parametrize(
    ("language", "word", "agreement"),
    [
        ("id", "“belum optimal” belum optimal; skornya: belum memadai", "Kesesuaian (kappa"),
        ("en", "“belum optimal” not optimal; its score: lacking", "Agreement (weighted kappa"),
    ],
)
def test_the_words_of_the_study_stand_beside_the_numbers_with_their_agreement(
    hub: Hub, stored: dict[str, Any], language: str, word: str, agreement: str
) -> None:
    page = hub.client.get("/dasbor", params={"tahun": 2024, "lang": language}).text
    scores = stored["scores"]
    elements = [one for dimension in scores["dimensions"] for one in dimension["elements"]]
    verdicts = [one for node in (*elements, *scores["drivers"]) for one in node["verdicts"]]
    assert len(verdicts) == scores["agreement"]["verdicts"] == 16
    shown = re.findall(r'class="verdict">“<a href="([^"]+)"[^>]*>([^<]+)<', page)
    assert shown == [(one["evidence"]["href"], one["word"]) for one in verdicts]
    text = text_of(page)
    assert word in text
    found = text[text.index(agreement) :]
    for figure in (scores["agreement"][name] for name in ("kappa", "low", "high")):
        printed = f"{figure:.2f}"
        assert (printed if language == "en" else printed.replace(".", ",")) in found
    assert "/dasbor/2024/unsur/trust" in page


@pytest.mark.parametrize(("language", "to"), [("id", "sampai"), ("en", "to")])
def test_what_can_be_done_stands_with_its_gain_its_effort_and_who_can_do_it(
    hub: Hub, stored: dict[str, Any], language: str, to: str
) -> None:
    page = hub.client.get("/dasbor", params={"tahun": 2024, "lang": language}).text
    where = f"{stored['href']}/levers"
    levers = hub.client.get(where).json()["items"]
    name, who = ("name", "who") if language == "id" else ("name_en", "who_en")

    def gain(found: dict[str, float]) -> str:
        ends = [f"{round(abs(found[end]), 1):.1f}" for end in ("worst", "best")]
        signs = ["" if round(found[e], 1) == 0 else "+-"[found[e] < 0] for e in ("worst", "best")]
        worst, best = (sign + end for sign, end in zip(signs, ends, strict=True))
        return best if worst == best else f"{worst} {to} {best}"

    section = page[page.index('id="tindakan"') :]
    section = section[: section.index("</section>")]
    rows = re.findall(
        r'rowheader">([^<]+)</th>\s*' + r'<td role="cell" data-label="[^"]+">([^<]+)</td>\s*' * 4,
        section,
    )
    expected = [
        (
            one[name],
            gain(one["index"]["proven"]),
            gain(one["index"]["value"]),
            str(one["effort"]),
            one[who],
        )
        for one in levers
    ]
    assert len(rows) == len(expected) > 5
    plain = [tuple(cell.replace("−", "-") for cell in row) for row in rows]
    if language == "id":
        plain = [
            (row[0], *(cell.replace(",", ".") for cell in row[1:3]), *row[3:]) for row in plain
        ]
    assert plain == expected
    assert f'href="{where}"' in section


def test_a_year_without_a_stored_assessment_and_verdicts_shows_neither(hub: Hub) -> None:
    page = hub.client.get("/dasbor?tahun=2023").text
    assert 'id="tindakan"' not in page
    assert 'id="kata-studi"' not in page


@pytest.mark.slow
def test_what_is_not_confirmed_no_longer_counts_or_came_late_is_said(
    server: Server, toba: str
) -> None:
    with server.database_from(toba) as name:
        settings = server.settings(name)
        with TestClient(create_app(settings), follow_redirects=False) as client:
            hub = Hub(client, settings)
            assert 'class="unconfirmed"' not in client.get("/dasbor?tahun=2024").text
            hub.confirm(declare(hub, "meetings", 1))
            titles = {"name": "Forum", "name_en": "Forum", "sources": ["study-2025"]}
            meeting = {"key": "late", "kind": "forum", "held_on": "2024-11-04"} | titles
            hub.confirm(post(hub, "meetings", meeting), agency="setda")
            current = record_of(hub, "observations", "programmes-running-2024")
            put = client.put(
                f"{API}/observations/{current.json()['id']}",
                json=current.json()["content"] | {"value": 1.0},
                headers=hub.auth("diskominfo", "admin") | {"If-Match": current.headers["ETag"]},
            )
            hub.confirm(put)
            post(hub, "observations", observation("own", "staff_trained", value=1))
            scores = client.get(f"{API}/metrics/collaboration-dynamics?period=2024").json()[
                "scores"
            ]
            pages = {
                language: text_of(client.get(f"/dasbor?tahun=2024&lang={language}").text)
                for language in ("id", "en")
            }
    others = {
        "1 proposal of evidence is not confirmed and does not count. If all were confirmed": scores[
            "with_proposals"
        ]["nodes"][0],
        "1 piece of evidence no longer counts": scores["former_evidence"][0]["index"],
        "1 record was added after its register was declared complete": scores["late_entries"][0][
            "index"
        ],
    }
    for sentence, index in others.items():
        said = pages["en"][pages["en"].index(sentence) :]
        low, high = math.floor(index["proven"]), math.ceil(index["possible"])
        figures = f": proven {low}, at most {high}, estimate {index['value']:.0f}."
        assert said[said.index(":") :].startswith(figures)
    for sentence in (
        "1 usulan bukti belum dikonfirmasi dan tidak dihitung. Bila semuanya dikonfirmasi: ",
        "1 bukti tidak lagi dihitung karena ditarik, dikoreksi, atau disanggah.",
        "1 catatan ditambahkan setelah daftarnya dinyatakan lengkap. Tanpa yang paling berpengaruh",
    ):
        assert sentence in pages["id"]


def test_a_year_that_is_none_is_refused_and_every_page_leads_to_the_dashboard(hub: Hub) -> None:
    year = THIS_YEAR
    past = hub.client.get("/dasbor?tahun=1850&lang=en")
    assert past.status_code == 422
    assert f"Those that can be are 2000 to {year}." in past.text
    for path, status in (("1850", 422), ("tahun-ini", 422), ("9" * 5_000, 422), ("2024", 200)):
        found = hub.client.get(f"/dasbor/{path}", follow_redirects=True)
        assert found.status_code == status, path
    led = hub.client.get("/dasbor/2024?lang=en", follow_redirects=False)
    assert (led.status_code, led.headers["location"]) == (307, "/dasbor?tahun=2024&lang=en")
    future = hub.client.get(f"/dasbor?tahun={year + 1}")
    assert future.status_code == 422
    assert f"Tahun {year + 1} belum dimulai" in future.text
    assert f'max="{year}"' in future.text
    assert 'href="/dasbor"' in hub.client.get("/").text
    assert 'href="/dasbor?lang=en"' in hub.client.get("/?lang=en").text


def test_while_the_assessment_service_is_down_the_page_reports_it(
    server: Server, toba: str
) -> None:
    with server.database_from(toba) as name:
        away = f"http://127.0.0.1:{free_port()}"
        settings = server.settings(name, assessment_url=away)
        with TestClient(create_app(settings), follow_redirects=False) as client:
            assert client.get("/dasbor").status_code == 503
