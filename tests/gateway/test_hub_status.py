"""What the hub says about itself."""

import socket
from threading import Barrier, Thread

import httpx
import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from services.catalog.app import create_app as create_catalog
from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.conftest import Hub
from tests.servers import free_port, hanging_up, serving, silent
from tests.waiting import until

HERE = ("127.0.0.1", 0)
AWAY = SecretStr("postgresql://postgres@/nothing?host=/nowhere")


def states(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 200
    return {health["service"]: health["state"] for health in answer.json()["services"]}


def healthy(client: TestClient) -> httpx.Response:
    """Return the status once nothing is found; on a busy machine a first check may be late."""
    until(lambda: not client.get("/api/v1/status").json()["findings"])
    return client.get("/api/v1/status")


@pytest.mark.slow
def test_a_hub_whose_parts_all_answer_is_ok(hub: Hub) -> None:
    answer = healthy(hub.client)
    assert answer.json()["state"] == "ok"
    assert answer.json()["region"] == "12.12"
    assert states(answer) == dict.fromkeys(("gateway", "catalog", "feedback", "assessment"), "ok")


def test_the_status_shows_cache_hits(hub: Hub) -> None:
    def counts() -> dict[str, int]:
        return hub.client.get("/api/v1/status").json()["cache"]

    def is_kept() -> bool:
        return "; hit" in hub.client.get("/api/v1/services").headers["cache-status"]

    until(is_kept)
    before = counts()
    assert is_kept()
    assert is_kept()
    after = counts()
    assert (after["fresh"] - before["fresh"], after["forwarded"] - before["forwarded"]) == (2, 0)


@pytest.mark.slow
def test_a_service_elsewhere_that_answers_is_ok(settings: Settings) -> None:
    with serving(create_catalog(settings)) as address:
        away = settings.model_copy(update={"catalog_url": address})
        with TestClient(create_app(away)) as client:
            answer = healthy(client)
    assert answer.json()["state"] == "ok"
    assert states(answer)["catalog"] == "ok"


@pytest.mark.slow
def test_a_service_that_does_not_respond_makes_the_hub_degraded(settings: Settings) -> None:
    away = settings.model_copy(update={"feedback_url": f"http://127.0.0.1:{free_port()}"})
    with TestClient(create_app(away)) as client:
        until(lambda: states(client.get("/api/v1/status"))["gateway"] == "ok")
        answer = client.get("/api/v1/status")
        assert client.get("/api/v1/services").status_code == 200
    assert answer.json()["state"] == "degraded"
    assert states(answer) == {
        "gateway": "ok",
        "catalog": "ok",
        "feedback": "down",
        "assessment": "ok",
    }


async def nonsense(scope: Scope, receive: Receive, send: Send) -> None:
    """Something at the address of a service that is none."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"<html>"})


def test_a_service_that_hangs_up_or_speaks_nonsense_is_down(settings: Settings) -> None:
    with hanging_up() as cut, serving(nonsense) as odd:
        away = settings.model_copy(update={"feedback_url": cut, "catalog_url": odd})
        with TestClient(create_app(away)) as client:
            answer = client.get("/api/v1/status")
    assert states(answer)["feedback"] == "down"
    assert states(answer)["catalog"] == "down"


@pytest.mark.slow
def test_requests_to_silent_services_time_out(settings: Settings) -> None:
    with silent() as one:
        away = settings.model_copy(update={"feedback_url": one, "upstream_timeout_seconds": 0.5})
        with TestClient(create_app(away)) as client:
            answer = client.get("/api/v1/status")
    assert answer.json()["state"] == "degraded"
    assert states(answer)["feedback"] == "down"


def test_services_are_asked_together(settings: Settings) -> None:
    """Respond only when the other service was asked too and the caller still waits."""
    asked = Barrier(2)
    patient: list[bool] = []

    def answer_late(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            asked.wait(10)
            connection.settimeout(0.2)
            try:
                patient.append(connection.recv(1) != b"")
            except TimeoutError:
                patient.append(True)

    with socket.create_server(HERE) as one, socket.create_server(HERE) as other:
        threads = [Thread(target=answer_late, args=(listener,)) for listener in (one, other)]
        feedback, catalog = (
            f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in (one, other)
        )
        away = settings.model_copy(update={"feedback_url": feedback, "catalog_url": catalog})
        with TestClient(create_app(away)) as client:
            for thread in threads:
                thread.start()
            client.get("/api/v1/status")
        for thread in threads:
            thread.join(10)
    assert patient == [True, True]


@pytest.mark.slow
@pytest.mark.parametrize("whose", ["gateway", "feedback", "assessment"])
def test_a_part_whose_database_is_away_is_down_and_the_others_are_not(
    settings: Settings, whose: str
) -> None:
    away = settings.model_copy(update={f"{whose}_database_url": AWAY})
    with TestClient(create_app(away)) as client:
        answer = client.get("/api/v1/status")
        ready = client.get("/health/ready")
        assert client.get("/health/live").status_code == 200
    assert answer.json()["state"] == "degraded"
    assert [name for name, state in states(answer).items() if state == "down"] == [whose]
    assert ready.status_code == (503 if whose == "gateway" else 200)
