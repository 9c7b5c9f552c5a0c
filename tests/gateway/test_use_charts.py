"""Charts of the use of services: sums of the API in picture and table, and what is missing."""

import csv
import io
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from services.platform.service import API
from tests.conftest import Hub

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    figures = [
        ("ktp-el", "2023-03", 1412),
        ("ktp-el", "2023-04", 900),
        ("kartu-keluarga", "2023-04", 300),
    ]
    statistics = [
        {
            "agency": "dukcapil",
            "service": service,
            "channel": "counter",
            "period": month,
            "counters": {"submitted": submitted},
        }
        for service, month, submitted in figures
    ]
    sent = toba_hub.client.post(
        f"{API}/usage/statistics",
        json={"statistics": statistics},
        headers=toba_hub.auth("dukcapil", "usage:write"),
    )
    assert sent.status_code in {200, 201}, sent.text
    return toba_hub


@pytest.mark.parametrize(
    ("name", "dimension", "values"),
    [
        ("bulan", "month", [1412, 1200]),
        ("layanan", "service", [2312, 300]),
        ("kanal", "channel", [2612]),
    ],
)
def test_picture_and_table_have_the_sums_of_the_api(
    hub: Hub, name: str, dimension: str, values: list[int]
) -> None:
    query = f"from=2023-01-01&to=2023-12-31&group_by={dimension}"
    items: list[dict[str, Any]] = hub.client.get(f"{API}/usage/summary?{query}").json()["items"]
    sums = [item["value"] for item in items if item["measure"] == "submitted"]
    assert sorted(sums) == sorted(values)
    address = f"/dasbor/2023/bagan/{name}"
    table = hub.client.get(f"{address}.csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(table), delimiter=";"))[1:]
    assert [int(row[1]) for row in rows] == values
    picture = ET.fromstring(hub.client.get(f"{address}.svg").text)
    bars = [one for one in picture.iter(f"{SVG}rect") if one.get("class") == "count"]
    widths = [float(bar.get("width", "")) for bar in bars]
    assert widths == pytest.approx([value / max(values) * 288 for value in values], abs=0.1)
    texts = ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]
    for value in values:
        assert f"{value:,}".replace(",", ".") in texts


def test_what_has_no_figures_is_said_with_who_can_give_them(hub: Hub) -> None:
    page = hub.client.get("/dasbor/2023/penggunaan")
    assert page.status_code == 200
    shown = re.findall(r'<section id="([^"]+)">', page.text)
    assert shown == ["bulan", "layanan", "kanal"]
    for words in ("Survei kepuasan belum dijawab sedikitnya lima orang", "Belum ada kunjungan"):
        assert words in page.text
    empty = hub.client.get("/dasbor/2022/penggunaan").text
    assert "Instansi memberinya lewat laporan bulanan" in empty
    assert 'svg class="picture"' not in empty
    assert hub.client.get("/dasbor/2022/bagan/bulan").status_code == 404
    assert hub.client.get("/dasbor/2090/penggunaan").status_code == 404
    assert 'href="/dasbor/2023/penggunaan"' in hub.client.get("/dasbor?tahun=2023").text
