"""`/dasbor/skenario`: what other scores would change, as the API computes it, without a script."""

import html
import re
from typing import Any

import httpx
import pytest

from services.platform.service import API
from tests.conftest import Hub

PAGE = "/dasbor/skenario"
INDICATOR = "discovery.forum"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def live(hub: Hub) -> dict[str, Any]:
    answer = hub.client.get(f"{API}/metrics/collaboration-dynamics?period=2024&draws=1000")
    return answer.json()["scores"]


def text_of(page: httpx.Response) -> str:
    main = page.text.partition('<main id="isi"')[2].partition("</main>")[0]
    return html.unescape(" ".join(re.sub("<[^>]*>", " ", main).split()))


def test_the_effect_of_scores_is_that_of_the_scoring_engine(hub: Hub, live: dict[str, Any]) -> None:
    address = f"{API}/metrics/scenario?period=2024"
    as_it_is = hub.client.get(address).json()
    assert as_it_is["base"] == live["index"]["value"]
    assert as_it_is["result"]["value"] == pytest.approx(live["index"]["value"], abs=0.001)
    assert (as_it_is["result"]["nodes"], as_it_is["assumed"]) == ([], [])
    found = hub.client.get(f"{address}&score={INDICATOR}:100").json()
    nodes = {node["code"]: node for node in found["result"]["nodes"]}
    assert nodes[INDICATOR]["after"] == 100
    assert nodes["discovery"]["after"] > nodes["discovery"]["before"]
    assert found["result"]["value"] == nodes["collaboration_dynamics"]["after"] > found["base"]
    indicators = hub.client.get(f"{API}/methods/cgr-2015").json()["definition"]["dimensions"]
    posts = next(
        one["goalposts"]
        for dimension in indicators
        for element in dimension["elements"]
        for one in element["indicators"]
        if one["code"] == INDICATOR
    )
    stored = hub.client.post(
        f"{API}/scenarios",
        json={"kind": "collaboration", "period": 2024, "changes": {INDICATOR: posts["max"]}},
        headers=hub.auth("diskominfo", "metrics:draft"),
    ).json()
    assert stored["outcome"]["changed"]["value"] == pytest.approx(
        found["result"]["value"], abs=0.001
    )


@pytest.mark.parametrize(
    "score", [f"{INDICATOR}:101", f"{INDICATOR}:-1", f"{INDICATOR}", "a.b:nan", "no.such:50"]
)
def test_scores_that_cannot_be_are_refused_by_name(hub: Hub, score: str) -> None:
    answer = hub.client.get(f"{API}/metrics/scenario?period=2024&score={score}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"].startswith("score")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("id", ("Indeks 2024 menjadi", "Indikator lain tetap", "bukan ramalan")),
        ("en", ("The index of 2024 becomes", "Other indicators stay", "no forecast")),
    ],
)
def test_the_page_shows_what_would_change_and_what_is_assumed(
    hub: Hub, language: str, words: tuple[str, ...]
) -> None:
    asked = {"tahun": 2024, INDICATOR: "80", "trust.reporting": "", "lang": language}
    moved = hub.client.get(PAGE, params=asked)
    assert moved.status_code == 303
    address = moved.headers["location"]
    assert f"{INDICATOR}=80" in address
    assert "trust" not in address
    page = hub.client.get(address)
    effect = hub.client.get(f"{API}/metrics/scenario?period=2024&score={INDICATOR}:80").json()
    for one in (*words, f"{effect['result']['value']:.0f}"):
        assert one in text_of(page)
    shown = page.text[page.text.index("<tbody") : page.text.index("</tbody>")]
    differences = re.findall(r">([+−]?[\d.,]+)</td></tr>", shown)
    figures = [float(one.replace("−", "-").replace(",", ".")) for one in differences]
    assert figures == [round(node["difference"], 1) for node in effect["result"]["nodes"]]
    part = hub.client.get(address.partition("#")[0] + "&bagian=hasil").text
    assert "<html" not in part
    assert shown in part


def test_what_is_wrong_is_said_at_the_field_and_kept(hub: Hub) -> None:
    page = hub.client.get(f"{PAGE}?tahun=2024&{INDICATOR}=12x&trust.reporting=80&no.such=1")
    assert page.status_code == 422
    assert "Ada 2 isian yang perlu diperbaiki" in text_of(page)
    assert f'href="#{INDICATOR}"' in page.text
    field = re.search(rf'<input id="{re.escape(INDICATOR)}"[^>]*>', page.text)
    assert field is not None
    assert 'value="12x"' in field[0]
    assert 'aria-invalid="true"' in field[0]
    assert "“no.such” bukan indikator" in text_of(page)
    assert hub.client.get(f"{PAGE}?tahun=2090").status_code == 404
    assert hub.client.get(f"{PAGE}?{INDICATOR}=%3Cb%3E").text.count("<b>") == 0


def test_without_changes_it_is_a_form_of_every_indicator(hub: Hub, live: dict[str, Any]) -> None:
    page = hub.client.get(PAGE)
    assert page.status_code == 200
    elements = [one for dimension in live["dimensions"] for one in dimension["elements"]]
    codes = [one["code"] for each in (*elements, *live["drivers"]) for one in each["indicators"]]
    assert re.findall(r'<input id="([^"]+)" name="\1" inputmode', page.text) == codes
