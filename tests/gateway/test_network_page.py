"""Who works with whom: a picture without names, its legend, and the counts of the API in tables."""

import html
import re
from typing import Any

import pytest

from services.platform.service import API
from tests.conftest import Hub

PAGE = "/dasbor/2024/jejaring"


@pytest.fixture(scope="module")
def network(toba_hub: Hub) -> dict[str, Any]:
    """Return the network of the year."""
    found = toba_hub.client.get(f"{API}/network?period=2024")
    assert found.status_code == 200, found.text
    return found.json()


def cells(page: str) -> list[list[str]]:
    found = re.findall(r'<tr role="row">(.*?)</tr>', page, re.DOTALL)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in found]
    return [[html.unescape(cell) for cell in row] for row in rows]


def test_the_page_has_the_counts_of_the_api(toba_hub: Hub, network: dict[str, Any]) -> None:
    page = toba_hub.client.get(PAGE).text
    rows = cells(page)
    for sector, name in (("government", "Pemerintah"), ("private", "Swasta")):
        [counts] = [one for one in network["sectors"] if one["sector"] == sector]
        assert [name, *(str(counts[key]) for key in ("stakeholders", "isolates", "brokers"))] in (
            rows
        )
    for kind in network["kinds"]:
        shown = "belum ada buktinya" if kind["ties"] is None else str(kind["ties"])
        assert [row[1] for row in rows if len(row) == 2].count(shown) > 0
    assert (network["measures"] is None) == ("belum dapat digambar" in page)
    assert f'href="{API}/network?period=2024"' in page
    assert toba_hub.client.get("/dasbor/2090/jejaring").status_code == 404


def test_the_dashboard_shows_the_picture_with_its_legend(toba_hub: Hub) -> None:
    page = toba_hub.client.get("/dasbor?tahun=2024&lang=en").text
    assert f'href="{PAGE}?lang=en"' in page
    address = html.escape(f"{API}/network.svg?period=2024&lang=en")
    assert f'<img src="{address}" alt="Picture of the network without names' in page
    assert "Triangle: community" in page
    assert toba_hub.client.get(html.unescape(address)).text.startswith("<svg")
