"""Pages of single scores: what each means and rests on, with the figures of the API."""

import html
import math
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.gateway.portal.dashboard.method_reasons import REASONS
from services.platform.service import API
from tests.conftest import Hub

LINK = re.compile(r'href="(/dasbor/2024/(?:unsur|indikator)/[a-z_.]+)"')
TWIN = re.compile(r'href="([^"]+)">Data halaman ini \(JSON\)')
FIGURE = re.compile(r'class="index" data-code="[^"]+">([^<]+)<')
ISO_DATE = re.compile(r"\b\d{4}-\d{2}(-\d{2})?\b")


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def scores(hub: Hub) -> dict[str, Any]:
    answer = hub.client.get(f"{API}/metrics/collaboration-dynamics?period=2024&draws=1000")
    return answer.json()["scores"]


def text_of(page: httpx.Response) -> str:
    """Return what a reader reads."""
    main = page.text.partition('<main id="isi"')[2].partition("</main>")[0]
    without = re.sub(r"<desc.*?</desc>|<title.*?</title>", " ", main, flags=re.DOTALL)
    return html.unescape(" ".join(re.sub("<[^>]*>", " ", without).split()))


def elements_of(scores: dict[str, Any]) -> list[dict[str, Any]]:
    found = [element for one in scores["dimensions"] for element in one["elements"]]
    return [*found, *scores["drivers"]]


@pytest.mark.slow
def test_every_name_on_the_dashboard_leads_to_words_with_the_figure_of_the_api(
    hub: Hub, scores: dict[str, Any]
) -> None:
    dashboard = hub.client.get("/dasbor?tahun=2024")
    parts = [*scores["dimensions"], *elements_of(scores)]
    linked = dict.fromkeys(LINK.findall(dashboard.text))
    assert {f"/dasbor/2024/unsur/{part['code']}" for part in parts} <= set(linked)
    for part in parts:
        page = hub.client.get(f"/dasbor/2024/unsur/{part['code']}")
        assert page.status_code == 200, part["code"]
        assert part["name"] in text_of(page)
        shown = FIGURE.search(page.text)
        assert (shown is None) is (part["value"] is None)
        if shown is not None:
            assert shown[1] == str(round(part["value"]))
        bounds = f"{math.floor(part['proven'])}–{math.ceil(part['possible'])}"
        assert f'data-field="bounds">{bounds}<' in page.text
        for child in part.get("indicators") or part["elements"]:
            assert child["name"] in text_of(page)


@pytest.mark.slow
def test_every_indicator_shows_its_meaning_its_evidence_and_the_sources(
    hub: Hub, scores: dict[str, Any]
) -> None:
    for indicator in (one for element in elements_of(scores) for one in element["indicators"]):
        page = hub.client.get(f"/dasbor/2024/indikator/{indicator['code']}")
        assert page.status_code == 200, indicator["code"]
        text = text_of(page)
        assert indicator["code"] not in text
        assert not ISO_DATE.search(text), ISO_DATE.search(text)
        twin = TWIN.search(page.text)
        assert twin is not None
        detail = hub.client.get(html.unescape(twin[1])).json()
        assert detail["node"]["value"] == indicator["value"]
        assert len(detail["evidence"]) == len(indicator["evidence"])
        for source in detail["sources"]:
            assert source["title"] in text
            assert source["url"] is None or html.escape(source["url"]) in page.text
        for item in detail["evidence"]:
            assert html.escape(item["href"]) in page.text
            name = item["content"].get("name")
            assert not isinstance(name, str) or name in text
        if indicator["value"] is None:
            assert "Belum ada bukti tercatat" in text


@pytest.mark.slow
def test_a_stored_year_shows_the_stored_figures_and_the_years_side_by_side(hub: Hub) -> None:
    for year in (2023, 2024):
        answer = hub.client.post(
            f"{API}/assessments",
            json={"period": year, "draws": 300},
            headers=hub.auth("diskominfo", "metrics:draft"),
        )
        assert answer.status_code == 201, answer.text
    page = hub.client.get("/dasbor/2024/unsur/discovery")
    twin = TWIN.search(page.text)
    assert twin is not None
    assert f"{answer.json()['scores_href']}/discovery" == twin[1]
    trend = hub.client.get(f"{API}/metrics/trend").json()["items"]
    for year in trend:
        [node] = [one for one in year["nodes"] if one["code"] == "discovery"]
        bounds = f"{math.floor(node['proven'])}–{math.ceil(node['possible'])}"
        row = re.search(
            rf"<a href=\"/dasbor/{year['period']}/unsur/discovery\">.*?</tr>", page.text
        )
        assert row is not None
        assert bounds in row[0]
    [described] = re.findall('<desc id="years-desc">(.*?)</desc>', page.text)
    assert [int(one) for one in re.findall(r"(20\d\d):", described)] == [2023, 2024]


@pytest.mark.slow
def test_the_pictures_say_what_the_tables_and_the_api_say(hub: Hub, scores: dict[str, Any]) -> None:
    page = hub.client.get("/dasbor?tahun=2024").text
    picture = page.partition('aria-labelledby="elements-title')[2].partition("</svg>")[0]
    rows = re.findall(r'<a href="/dasbor/2024/unsur/([a-z_]+)">(.*?)</a>', picture, re.DOTALL)
    shown = [part for one in scores["dimensions"] for part in (one, *one["elements"])]
    assert [code for code, _ in rows] == [part["code"] for part in shown]
    for part, (_, drawn) in zip(shown, rows, strict=True):
        texts = [html.unescape(one) for one in re.findall(r"<text[^>]*>([^<]*)</text>", drawn)]
        *name, figure = texts
        assert " ".join(name) == part["name"]
        assert figure == ("–" if part["value"] is None else str(round(part["value"])))
        hatched = re.search(r'class="possible"[^>]* x="([\d.]+)"[^>]* width="([\d.]+)"', drawn)
        assert hatched is not None
        low, width = (float(one) / 2.88 for one in hatched.groups())
        assert low == pytest.approx(part["proven"], abs=0.05)
        assert low + width == pytest.approx(part["possible"], abs=0.1)


def test_in_english_it_is_what_the_method_says(hub: Hub) -> None:
    page = hub.client.get("/dasbor/2024/indikator/discovery.forum?lang=en")
    assert "One meeting a quarter is regular contact" in page.text
    assert "Forum meetings held in the year" in page.text


def test_every_reason_of_the_method_is_there_in_indonesian(hub: Hub) -> None:
    said = set(reasons_in(hub.client.get(f"{API}/methods/cgr-2015").json()["definition"]))
    assert len(said) > 40
    assert said <= set(REASONS)


def reasons_in(value: Any) -> Iterator[str]:
    """Yield what a method says of its nodes, at any depth."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "reason" and isinstance(item, str):
                yield item
            yield from reasons_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from reasons_in(item)


@pytest.mark.parametrize(
    "address",
    [
        "/dasbor/2024/unsur/tidak_ada",
        "/dasbor/2024/indikator/discovery",
        "/dasbor/2024/unsur/discovery.forum",
        "/dasbor/2024/unsur/collaboration_dynamics",
        "/dasbor/2098/unsur/discovery",
        "/dasbor/2024/unsur/%00",
    ],
)
def test_what_there_is_not_has_no_page(hub: Hub, address: str) -> None:
    assert hub.client.get(address).status_code == 404
