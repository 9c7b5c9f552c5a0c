"""Charts of reports, days and survey answers: picture, table, file and API have one value."""

import csv
import html
import io
import re
from datetime import date, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from services.platform.service import API
from tests.conftest import DEFAULT_ZONE, Hub
from tests.gateway.chart_records import (
    oblige,
    store_answers,
    store_days,
    store_events,
    store_statistics,
)

SVG = "{http://www.w3.org/2000/svg}"
TODAY = datetime.now(DEFAULT_ZONE).date()
YEAR = 2023
PORTAL = "simbg"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    oblige(toba_hub.settings, YEAR)
    store_statistics(toba_hub.client, toba_hub.auth, YEAR)
    store_events(toba_hub.client, toba_hub.auth, YEAR)
    store_days(toba_hub.settings, PORTAL, TODAY)
    store_answers(toba_hub.client, toba_hub.settings, toba_hub.auth, TODAY)
    return toba_hub


def rows_of(hub: Hub, address: str) -> list[list[str]]:
    answer = hub.client.get(address)
    assert answer.status_code == 200, address
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))[1:]


def texts_of(hub: Hub, address: str) -> list[str]:
    answer = hub.client.get(address)
    assert answer.status_code == 200, address
    assert answer.headers["content-type"].startswith("image/svg+xml")
    picture = ET.fromstring(answer.text)
    return ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]


def table_of(page: str) -> list[list[str]]:
    """Return the rows of the only table of a page, with their texts."""
    body = page[page.index("<tbody") : page.index("</tbody>")]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[html.unescape(cell) for cell in row] for row in cells]


def number(text: str) -> float:
    return float(text.replace(",", "."))


def api(hub: Hub, path: str) -> dict[str, Any]:
    answer = hub.client.get(f"{API}/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.slow
def test_the_calendar_of_reports_tells_each_state_in_words(hub: Hub) -> None:
    items = api(hub, f"usage/completeness?from={YEAR}-01&to={YEAR}-12")["items"]
    address = f"/dasbor/{YEAR}/bagan/pelaporan"
    words = {"late": "terlambat", "missing": "belum dilaporkan", "not_asked": "tidak diminta"}
    asked = {item["agency"] for item in items if item["state"] != "not_asked"}
    expected = sorted(words[item["state"]] for item in items if item["agency"] in asked)
    rows = rows_of(hub, f"{address}.csv")
    assert sorted(row[2].removesuffix(", sebagian") for row in rows) == expected
    assert {"terlambat", "belum dilaporkan"} <= set(expected)
    page = hub.client.get(address)
    assert [row[:3] for row in table_of(page.text)] == [row[:3] for row in rows]
    late = sum(item["state"] == "late" for item in items)
    assert f"<h1>Terlambat {late}, belum dilaporkan " in page.text
    assert "belum dilaporkan" in texts_of(hub, f"{address}.svg")
    overview = hub.client.get(f"/dasbor/pelaporan?tahun={YEAR}").text
    assert 'svg class="picture"' in overview
    assert f'href="{address}.png"' in overview
    png = hub.client.get(f"{address}.png")
    assert png.content.startswith(b"\x89PNG")
    assert hub.client.get("/dasbor/2001/bagan/pelaporan").status_code == 404


def test_the_days_of_a_portal_are_those_of_the_api(hub: Hub) -> None:
    first = date.fromordinal(TODAY.toordinal() - 30)
    items = api(hub, f"links/{PORTAL}/uptime?by=day&from={first}&to={TODAY}")["items"]
    known = [item["uptime"] * 100 for item in items if item["uptime"] is not None]
    address = f"/status/bagan/{PORTAL}"
    rows = rows_of(hub, f"{address}.csv")
    assert len(rows) == 31
    assert [number(row[1]) for row in rows if row[1]] == pytest.approx(known, abs=1e-3)
    page = hub.client.get(address).text
    assert "<h1>Terganggu pada 2 dari 10 hari pengamatan</h1>" in page
    shown = [row[1] for row in table_of(page)]
    assert shown.count("–") == 21
    assert (shown.count("100,0"), shown.count("95,8")) == (8, 2)
    status = hub.client.get("/status").text
    assert "Terganggu pada 2 dari 10 hari pengamatan" in status
    assert f'href="{address}"' in status
    assert "Belum cukup lama diamati" in status
    assert texts_of(hub, f"{address}.svg")[0].startswith("Terganggu pada 2 dari 10 hari")
    for path in ("/status/bagan/no-such", "/status/bagan/no-such.svg"):
        assert hub.client.get(path).status_code == 404


def test_answers_have_the_margin_of_error_of_a_drawn_sample(hub: Hub) -> None:
    period = f"period={TODAY.year}"
    results = api(hub, f"surveys/awareness/results?{period}")
    [options] = [q["options"] for q in results["questions"] if q["code"] == "knows_emall"]
    yes = next(option for option in options if option["code"] == "yes")
    assert yes["low"] < yes["share"] < yes["high"]
    rows = rows_of(hub, f"/survei/awareness/hasil/bagan/jawaban.csv?{period}")
    wanted = [yes["count"], *(yes[name] * 100 for name in ("share", "low", "high"))]
    found = [list(map(number, row[2:])) for row in rows]
    assert any(row == pytest.approx(wanted) for row in found)
    picture = texts_of(hub, f"/survei/awareness/hasil/bagan/jawaban.svg?{period}")
    assert "67%" in picture
    assert any("Garis tipis: rentang kesalahan 95%." in text for text in picture)
    use = rows_of(hub, f"/dasbor/{TODAY.year}/bagan/kenal.csv")
    assert list(map(number, use[0][1:])) == pytest.approx(wanted[1:])


def test_elements_are_compared_over_the_rounds(hub: Hub) -> None:
    period = f"period={TODAY.year}"
    rounds = {
        code: api(hub, f"surveys/skm/results?{period}&round={code}")
        for code in ("pertama", "kedua")
    }
    address = "/survei/skm/hasil/bagan"
    rows = rows_of(hub, f"{address}/putaran.csv?{period}")
    assert len(rows) == 18
    labels = list(dict.fromkeys(row[1] for row in rows))
    assert labels[0].startswith(f"1 Januari {TODAY.year}")
    for label, results in zip(labels, rounds.values(), strict=True):
        means = {one["text"]: one["nrr"] for one in results["satisfaction"]["elements"]}
        found = {row[0]: number(row[2]) for row in rows if row[1] == label}
        assert found == pytest.approx(means)
        ends = {one["text"]: [one["low"], one["high"]] for one in results["questions"]}
        assert {row[0]: list(map(number, row[3:])) for row in rows if row[1] == label} == {
            name: pytest.approx(ends[name]) for name in means
        }
    page = hub.client.get(f"/survei/skm/hasil?{period}").text
    for name in ("unsur", "putaran", "jawaban"):
        assert f'href="{address}/{name}?{period}"' in page
        chart = hub.client.get(f"{address}/{name}?{period}&lang=en")
        assert chart.status_code == 200
        assert f'href="{address}/{name}.csv?{period}&amp;lang=en"' in chart.text
    assert "Paling berubah" in page
    assert hub.client.get(f"{address}/no-such").status_code == 404
    assert hub.client.get("/survei/no-such/hasil/bagan/unsur.svg").status_code == 404


def test_use_by_district_has_the_sums_of_the_api_and_the_names_of_districts(hub: Hub) -> None:
    items = api(hub, f"usage/summary?from={YEAR}-01-01&to={YEAR}-12-31&group_by=district")["items"]
    sums = sorted((one["value"] for one in items if one["district"]), reverse=True)
    rows = rows_of(hub, f"/dasbor/{YEAR}/bagan/kecamatan.csv")
    assert rows == [["Balige", "10"], ["Laguboti", "5"]]
    assert [int(row[1]) for row in rows] == sums
    assert "Balige" in texts_of(hub, f"/dasbor/{YEAR}/bagan/kecamatan.svg")
