"""One id of a request: in the response, the problem, the error page, the log and the audit log."""

import logging

import pytest
from fastapi.testclient import TestClient
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.conftest import Hub
from tests.servers import serving

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


def test_a_callers_trace_is_the_id_in_header_problem_and_log(
    shared: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "services")
    answer = shared.client.get("/api/v1/services/nowhere", headers=TRACEPARENT)
    assert answer.status_code == 404
    assert answer.headers["x-request-id"] == TRACE
    assert answer.json()["request_id"] == TRACE
    [line] = [text for text in caplog.messages if "event='request'" in text]
    assert "status=404" in line
    assert "duration_ms=" in line


@pytest.mark.parametrize(
    "given",
    ["", "00-nonsense", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"00-{TRACE.upper()}-00-01"],
)
def test_without_a_valid_trace_the_id_is_random(shared: Hub, given: str) -> None:
    ids = {
        shared.client.get("/api/v1/links", headers={"traceparent": given}).headers["x-request-id"]
        for _ in range(3)
    }
    assert len(ids) == 3
    assert all(len(found) == 32 and TRACE not in found for found in ids)


def test_what_a_page_asks_of_a_service_elsewhere_has_its_id(empty: Settings) -> None:
    given: list[str] = []

    async def catalog(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name: value.decode() for name, value in scope.get("headers", ())}
        given.append(headers.get(b"traceparent", ""))
        await Response(status_code=503)(scope, receive, send)

    with serving(catalog, lifespan="off") as address:
        away = empty.model_copy(update={"catalog_url": address})
        with TestClient(create_app(away)) as client:
            client.get("/layanan/ktp-el", headers=TRACEPARENT)
    assert given
    assert all(TRACE in each for each in given)


def test_an_error_page_shows_the_id_and_no_detail(empty: Settings) -> None:
    app = create_app(empty)

    @app.get("/rusak")
    async def crash() -> None:
        raise ValueError("a secret detail")

    with TestClient(app, raise_server_exceptions=False) as client:
        page = client.get("/rusak", headers=TRACEPARENT | {"accept": "text/html"})
        problem = client.get("/rusak", headers=TRACEPARENT)
        english = client.get("/rusak?lang=en", headers=TRACEPARENT | {"accept": "text/html"})
    assert (page.status_code, problem.status_code) == (500, 500)
    assert "Kode kejadian" in page.text
    assert "Incident code" in english.text
    assert TRACE in page.text
    assert "secret" not in page.text
    assert problem.json()["request_id"] == TRACE
