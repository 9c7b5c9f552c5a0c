"""The dashboard: the figures of the API on a page for anybody."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.platform.local_time import DEFAULT_ZONE
from services.platform.service import API
from tests.conftest import Hub, Server
from tests.rows import oblige_since
from tests.servers import free_port

SHOWN = re.compile(r'data-code="([^"]+)">([^<]+)<')


@pytest.fixture(scope="module")
def hub(server: Server, toba: str) -> Iterator[Hub]:
    with server.database_from(toba) as name:
        settings = server.settings(name)
        with TestClient(create_app(settings), follow_redirects=False) as client:
            yield Hub(client, settings)


@pytest.fixture(scope="module")
def stored(hub: Hub) -> dict[str, Any]:
    answer = hub.client.post(
        f"{API}/assessments",
        json={"period": 2024, "draws": 500},
        headers=hub.auth("diskominfo", "metrics:draft"),
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_without_a_stored_assessment_the_page_warns_that_figures_may_change(hub: Hub) -> None:
    page = hub.client.get("/dasbor?tahun=2023")
    assert page.status_code == 200
    assert "masih dapat berubah" in page.text
    assert "Laporan PDF" not in page.text


def test_a_year_without_evidence_has_no_index_and_is_not_zero(hub: Hub) -> None:
    page = hub.client.get("/dasbor?tahun=2003").text
    assert "belum dapat dihitung" in page
    assert 'class="index"' not in page


@pytest.mark.parametrize(("language", "mark"), [("id", ","), ("en", ".")])
def test_every_figure_is_that_of_the_stored_assessment(
    hub: Hub, stored: dict[str, Any], language: str, mark: str
) -> None:
    page = hub.client.get("/dasbor", params={"lang": language}).text
    shown = dict(SHOWN.findall(page))
    scores = stored["scores"]
    elements = [one for dimension in scores["dimensions"] for one in dimension["elements"]]
    nodes = [scores["index"], *scores["dimensions"], *elements, *scores["drivers"]]
    expected = {
        node["code"]: "–" if node["value"] is None else f"{node['value']:.1f}".replace(".", mark)
        for node in nodes
    }
    assert shown == expected
    assert len(expected) == 20


def test_a_newer_year_without_an_index_does_not_come_first(
    hub: Hub, stored: dict[str, Any]
) -> None:
    year = datetime.now(DEFAULT_ZONE).year
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


def test_the_page_leads_to_the_report_the_scores_and_the_bundle(
    hub: Hub, stored: dict[str, Any]
) -> None:
    page = hub.client.get("/dasbor?tahun=2024").text
    for href in (
        stored["report_href"],
        f"{stored['report_href']}?format=pdf",
        f"{stored['scores_href']}?format=csv",
        stored["bundle_href"],
        f"{stored['scores_href']}/trust",
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
    row = page[page.index(">2021<") : page.index(">2022<")]
    assert ("1,69" in row, "Cukup" in row, "Kurang" in row) == (True, True, True)
    assert "Permohonan masuk: <strong>1.412</strong>" in page
    assert 'href="/dasbor/pelaporan?tahun=2024"' in page


def test_a_year_that_is_none_is_refused_and_every_page_leads_to_the_dashboard(hub: Hub) -> None:
    assert hub.client.get("/dasbor?tahun=1850").status_code == 422
    year = datetime.now(DEFAULT_ZONE).year
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
