"""JSON statistics: any JSON, mapped by the pack, becomes monthly figures of an agency."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.connectors.json_statistics.config import JsonStatisticsConfig
from services.gateway.connectors.json_statistics.mapping import (
    MappingError,
    map_statistics,
    resolve_pointer,
)
from services.gateway.connectors.mocks.website import (
    FIGURES,
    SECRET,
    create_website_mock,
)
from services.gateway.connectors.statistics_client import MonthlyStatistics
from tests.conftest import Server
from tests.gateway.source_rows import delete_statistics, reset_sources
from tests.gateway.test_announcements import PollingHub, store_connectors
from tests.servers import serving


def source(url: str = "https://sicantik.example/statistics", **more: Any) -> dict[str, Any]:
    return {
        "slug": "sicantik",
        "title": "SiCantik",
        "title_en": "SiCantik",
        "url": url,
        "header": "Authorization",
        "agency": "dpmptsp",
        "items": "/data",
        "service": {"pointer": "/jenis", "values": {"NIB": "nib", "NIB perorangan": "nib"}},
        "channel": {"constant": "online"},
        "period": {"year": "/tahun", "month": "/bulan"},
        "counters": {"submitted": "/masuk", "completed": "/terbit"},
        "sources": ["study"],
    } | more


def mapped(items: list[Any], **more: Any) -> list[MonthlyStatistics]:
    chosen = JsonStatisticsConfig.model_validate(source(**more))
    return map_statistics({"data": items}, chosen).statistics


def test_items_become_statistics_and_unmapped_services_are_listed() -> None:
    found = map_statistics({"data": list(FIGURES)}, JsonStatisticsConfig.model_validate(source()))
    assert [(each.period, each.counters) for each in found.statistics] == [
        ("2026-01", {"submitted": 12, "completed": 10}),
        ("2026-02", {"submitted": 9}),
    ]
    assert found.unmapped_services == ("SIUP lama",)


def test_several_items_of_a_service_and_month_are_added_up() -> None:
    item = {"jenis": "NIB", "tahun": "2024", "bulan": 3, "masuk": 2, "terbit": 1}
    [one] = mapped([item, item | {"jenis": "NIB perorangan"}])
    assert one.counters == {"submitted": 4, "completed": 2}


def test_a_value_with_its_measure_beside_it_is_mapped_as_well() -> None:
    items = [
        {"jenis": "NIB", "tgl": "2024-03-31T00:00:00", "status": "Terbit", "n": 3.0},
        {"jenis": "NIB", "tgl": "202403", "status": "Tolak", "n": "2"},
    ]
    long = {
        "counters": None,
        "measure": {
            "pointer": "/status",
            "values": {"Terbit": "completed", "Tolak": "rejected"},
            "value": "/n",
        },
        "period": {"pointer": "/tgl"},
    }
    [one] = mapped(items, **long)
    assert (one.period, one.counters) == ("2024-03", {"completed": 3, "rejected": 2})


ITEM = {"jenis": "NIB", "tahun": 2024, "bulan": 3, "masuk": 2}


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"bulan": 13}, "/data/1/bulan"),
        ({"tahun": None}, "/data/1/tahun"),
        ({"masuk": -1}, "/data/1/masuk"),
        ({"masuk": 1.5}, "/data/1/masuk"),
        ({"masuk": True}, "/data/1/masuk"),
        ({"masuk": "dua"}, "/data/1/masuk"),
        ({"masuk": 10**12}, "/data/1/masuk"),
        ({"masuk": float("inf")}, "/data/1/masuk"),
        ({"jenis": ["NIB"]}, "/data/1/jenis"),
    ],
)
def test_one_invalid_item_rejects_the_whole_document_and_is_named(
    wrong: dict[str, Any], place: str
) -> None:
    with pytest.raises(MappingError, match=place):
        mapped([ITEM, ITEM | wrong])


@pytest.mark.parametrize("document", [None, [], {}, {"data": {}}, {"data": "x"}, 3])
def test_a_document_without_the_list_is_refused(document: Any) -> None:
    with pytest.raises(MappingError):
        map_statistics(document, JsonStatisticsConfig.model_validate(source()))


def test_pointers_are_those_of_rfc_6901() -> None:
    document = {"a/b": {"~": [1, {"": 2}]}}
    assert resolve_pointer(document, "/a~1b/~0/1/") == 2
    assert resolve_pointer(document, "/a~1b/~0/01") is None
    assert resolve_pointer(document, "") == document


@pytest.mark.parametrize(
    "wrong",
    [
        {"service": {}},
        {"service": {"pointer": "/x"}},
        {"channel": {"constant": "online", "pointer": "/x"}},
        {"period": {"year": "/x"}},
        {"counters": None},
        {"items": "data"},
        {"header": "X: Y"},
    ],
)
def test_an_incomplete_or_contradictory_mapping_is_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JsonStatisticsConfig.model_validate(source(**wrong))


@pytest.fixture(scope="module")
def shared_hub(server: Server, toba: str) -> Iterator[PollingHub]:
    with (
        serving(create_website_mock(), grace=0) as address,
        server.database_from(toba) as name,
    ):
        settings = server.settings(
            name,
            ssrf_allowed_hosts=frozenset({"127.0.0.1"}),
            connector_timeout_seconds=0.8,
            source_secrets={"sicantik": SecretStr(SECRET)},
        )
        store_connectors(settings, statistics=[source(f"{address}/statistics")])
        with TestClient(create_app(settings), follow_redirects=False) as client:
            hub = PollingHub(client, settings, address, {})
            hub.admin = hub.auth("diskominfo", "admin")
            yield hub


@pytest.fixture
def hub(shared_hub: PollingHub) -> PollingHub:
    shared_hub.set_mode(figures=list(FIGURES))
    delete_statistics(shared_hub.settings)
    reset_sources(shared_hub.settings)
    override = {"state": "closed"}
    path = "/api/v1/connectors/sicantik/breaker"
    assert shared_hub.client.put(path, json=override, headers=shared_hub.admin).status_code == 200
    return shared_hub


def figures(hub: PollingHub, period: str = "2026-01") -> list[tuple[str, int, int, bool]]:
    answer = hub.client.get(f"/api/v1/usage/statistics?period={period}&agency=dpmptsp").json()
    return sorted(
        (each["measure"], each["value"], each["revision"], each["is_current"])
        for each in answer["items"]
    )


def test_a_source_becomes_figures_of_its_agency_and_a_correction_a_revision(
    hub: PollingHub,
) -> None:
    assert hub.poll("sicantik")["detail"] == (
        "3 added, 0 revised, 0 unchanged; skipped, no service is mapped: SIUP lama"
    )
    assert figures(hub) == [("completed", 10, 1, True), ("submitted", 12, 1, True)]
    assert hub.poll("sicantik")["detail"] == "not modified"
    hub.set_mode(figures=[FIGURES[0] | {"masuk": 13}])
    hub.poll("sicantik")
    assert figures(hub) == [
        ("completed", 10, 1, True),
        ("submitted", 12, 1, False),
        ("submitted", 13, 2, True),
    ]


FAILURES = {
    "status-404": "status",
    "status-503": "status",
    "slow": "timeout",
    "slow-body": "timeout",
    "truncated": "connection_reset",
    "huge": "too_large",
    "html": "invalid_response",
    "empty": "invalid_response",
    "redirect-loop": "redirect_loop",
    "redirect-private": "private_address",
}


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "reason"), FAILURES.items())
def test_while_a_source_fails_stored_figures_stay_unchanged(
    hub: PollingHub, mode: str, reason: str
) -> None:
    hub.poll("sicantik")
    before = figures(hub)
    hub.set_mode(mode, figures=[FIGURES[0] | {"masuk": 99}])
    assert hub.poll("sicantik")["reason"] == reason
    assert figures(hub) == before


def test_a_future_month_and_an_invalid_item_reject_the_whole_document(hub: PollingHub) -> None:
    hub.set_mode(figures=[FIGURES[0], FIGURES[0] | {"tahun": 2099}])
    state = hub.poll("sicantik")
    assert (state["reason"], "has not begun" in state["detail"]) == ("rejected", True)
    hub.set_mode(figures=[FIGURES[0], FIGURES[0] | {"masuk": "banyak\u0000"}])
    state = hub.poll("sicantik")
    assert (state["reason"], "/data/1/masuk" in state["detail"]) == ("invalid_response", True)
    assert figures(hub) == []


def test_the_secret_goes_to_the_source_and_is_shown_nowhere(hub: PollingHub) -> None:
    hub.poll("sicantik")
    assert hub.received()[-1]["headers"]["authorization"] == SECRET
    shown = hub.client.get("/api/v1/connectors", headers=hub.admin).text
    assert SECRET not in shown
