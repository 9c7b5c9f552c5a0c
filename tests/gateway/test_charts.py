"""Charts as SVG, PNG, CSV and table: each has the values of the API, its source and period."""

import csv
import html
import io
import math
import re
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from PIL import Image

from services.platform.service import API
from tests.conftest import Hub

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ["unsur", "tahun", "trust", "determination.instruments"]


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def scores(hub: Hub) -> dict[str, Any]:
    stored = hub.client.post(
        f"{API}/assessments",
        json={"period": 2024, "draws": 500},
        headers=hub.auth("diskominfo", "metrics:draft"),
    )
    return stored.json()["scores"]


def rows_of(answer: httpx.Response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))


def table_of(page: str) -> list[list[str]]:
    """Return the rows of the only table of a page, with their texts."""
    body = page[page.index("<tbody") : page.index("</tbody>")]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[html.unescape(cell) for cell in row] for row in cells]


def number(text: str) -> float | None:
    return float(text.replace(",", ".")) if text else None


def test_picture_table_and_file_have_the_values_of_the_api(
    hub: Hub, scores: dict[str, Any]
) -> None:
    nodes = [
        node for dimension in scores["dimensions"] for node in (dimension, *dimension["elements"])
    ]
    address = "/dasbor/2024/bagan/unsur"
    page = hub.client.get(address)
    assert page.status_code == 200
    expected = [
        [
            node["name"],
            node["value"],
            *((node["interval"] or {}).get(end) for end in ("low", "high")),
            node["proven"],
            node["possible"],
        ]
        for node in nodes
    ]
    found = rows_of(hub.client.get(f"{address}.csv"))
    assert [[row[0], *map(number, row[1:])] for row in found[1:]] == expected

    def shown(row: list[Any]) -> list[str]:
        ways = (round, math.floor, math.ceil, math.floor, math.ceil)
        figures = zip(ways, row[1:], strict=True)
        return [row[0], *("–" if one is None else str(way(one)) for way, one in figures)]

    assert table_of(page.text) == [shown(row) for row in expected]

    picture = ET.fromstring(hub.client.get(f"{address}.svg").text)
    links = picture.findall(f".//{SVG}a")
    assert len(links) == len(nodes)
    for link, node in zip(links, nodes, strict=True):
        texts = ["".join(text.itertext()) for text in link.iter(f"{SVG}text")]
        figure = "–" if node["value"] is None else str(round(node["value"]))
        assert texts[-1] == figure
        assert " ".join(texts[:-1]) == node["name"]
        marks = [one for one in link.iter(f"{SVG}rect") if one.get("class") == "mark"]
        if node["value"] is not None:
            center = float(marks[-1].get("x", "")) + 2
            assert 2 <= center <= 318
            assert center == pytest.approx(max(2, min(286, node["value"] * 2.88)), abs=0.1)
        proven = next(one for one in link.iter(f"{SVG}rect") if one.get("class") == "proven")
        assert float(proven.get("width", "")) == pytest.approx(node["proven"] * 2.88, abs=0.1)
        assert link.get("href", "").startswith("http://testserver/dasbor/2024/unsur/")


@pytest.mark.slow
@pytest.mark.usefixtures("scores")
@pytest.mark.parametrize("name", NAMES)
def test_a_chart_that_is_taken_away_names_its_period_its_source_and_its_address(
    hub: Hub, name: str
) -> None:
    address = f"/dasbor/2024/bagan/{name}"
    answer = hub.client.get(f"{address}.svg")
    assert answer.headers["content-type"] == "image/svg+xml; charset=utf-8"
    assert answer.headers["content-disposition"] == f'inline; filename="{name}-2024.svg"'
    picture = ET.fromstring(answer.text)
    words = " ".join("".join(text.itertext()) for text in picture.iter(f"{SVG}text"))
    assert "2024" in words
    assert "Sumber: e-Mall Kabupaten Toba, penilaian" in words
    assert f"http://testserver{address}" in words.replace(" ", "").replace("Toba,", "Toba, ")
    raster = hub.client.get(f"{address}.png")
    assert raster.headers["content-type"] == "image/png"
    image = Image.open(io.BytesIO(raster.content))
    assert image.width == 864
    assert len(image.convert("L").getcolors() or []) > 10
    page = hub.client.get(address).text
    for ending in ("svg", "png", "csv"):
        assert f'href="{address}.{ending}"' in page
    assert len(table_of(page)) == len(rows_of(hub.client.get(f"{address}.csv"))) - 1


@pytest.mark.slow
def test_an_index_is_a_line_to_its_target_with_the_national_minimum(hub: Hub) -> None:
    values = hub.client.get(f"{API}/indices/spbe-2020").json()["values"]
    address = "/dasbor/2024/bagan/spbe-2020"
    found = rows_of(hub.client.get(f"{address}.csv"))[1:]
    assert [number(row[2]) for row in found] == [value["value"] for value in values]
    picture = ET.fromstring(hub.client.get(f"{address}.svg").text)
    level = next(one for one in picture.iter(f"{SVG}line") if one.get("class") == "level")
    minimum = next(one["value"] for one in values if one["role"] == "national_minimum")
    most = math.ceil(max(value["value"] for value in values))
    assert float(level.get("y1", "")) == pytest.approx(20 + 96 * (1 - minimum / most), abs=0.1)
    dated = [value for value in values if value["year"]]
    assert len(picture.findall(f".//{SVG}circle")) == len(dated)
    assert "2024: 2,98, mencapai batas nasional 2,60." in hub.client.get("/dasbor?tahun=2024").text


@pytest.mark.usefixtures("scores")
def test_a_chart_speaks_the_language_of_the_reader_and_others_do_not_exist(hub: Hub) -> None:
    english = hub.client.get("/dasbor/2024/bagan/unsur.svg?lang=en")
    assert "Source: e-Mall" in english.text
    for path in ("2024/bagan/nothing", "2024/bagan/nothing.svg", "2090/bagan/unsur.csv"):
        assert hub.client.get(f"/dasbor/{path}").status_code == 404
    assert hub.client.get("/dasbor/1850/bagan/unsur").status_code == 422
