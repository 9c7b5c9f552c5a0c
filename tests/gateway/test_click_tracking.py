"""Visits are counted once, whatever happens to the service that counts them."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from services.feedback.app import create_app as create_feedback
from services.gateway.app import create_app
from services.gateway.click_tracking import ClickOutbox
from services.platform.settings import Settings
from tests.conftest import Hub
from tests.rows import rows
from tests.servers import free_port, hanging_up, serving
from tests.waiting import until

WAITING = "SELECT event ->> 'link' FROM gateway.click_outbox ORDER BY id"
COUNTED = """
    SELECT link, service, sum(events)::int FROM feedback.monthly_usage m
    JOIN feedback.event_dimensions d ON d.id = m.dimensions
    GROUP BY link, service ORDER BY link, service
"""
STORED = """
    SELECT kind, source, link, service, agency, channel, district FROM feedback.event e
    JOIN feedback.event_dimensions d ON d.id = e.dimensions
"""


def elsewhere(settings: Settings, address: str) -> Settings:
    return settings.model_copy(update={"feedback_url": address})


def test_a_visit_is_counted_once_with_its_link_and_its_service(hub: Hub) -> None:
    assert hub.client.get("/go/simbg?service=pbg").status_code == 302
    assert hub.client.get("/go/oss").status_code == 302

    def counted() -> list[tuple[str, str | None, int]]:
        answer = hub.client.get("/api/v1/usage/summary?group_by=link,service")
        return [
            (cell["link"], cell["service"], cell["value"])
            for cell in answer.json()["items"]
            if cell["measure"] == "click_out"
        ]

    until(lambda: len(counted()) == 2)
    assert counted() == [("oss", None, 1), ("simbg", "pbg", 1)]
    assert rows(hub.settings, WAITING) == []


def test_of_a_visit_nothing_is_kept_that_tells_who_it_was(hub: Hub) -> None:
    hub.client.get("/go/simbg", headers={"User-Agent": "Somebody", "Cookie": "who=1"})
    until(lambda: len(rows(hub.settings, STORED)) == 1)
    assert rows(hub.settings, STORED) == [("click_out", "gateway", "simbg", "", "", "online", "")]


def test_looking_at_a_link_or_missing_one_is_no_visit(hub: Hub) -> None:
    assert hub.client.head("/go/simbg").status_code == 302
    assert hub.client.get("/go/nowhere").status_code == 404
    assert hub.client.get("/go/simbg?service=A%00").status_code == 422
    assert hub.client.post("/go/simbg").status_code == 405
    hub.client.get("/go/oss")
    until(lambda: len(rows(hub.settings, COUNTED)) == 1)
    assert rows(hub.settings, COUNTED) == [("oss", "", 1)]


def test_many_visits_at_once_are_all_counted(hub: Hub) -> None:
    with ThreadPoolExecutor(60) as pool:
        answers = pool.map(lambda _: hub.client.get("/go/simbg").status_code, range(120))
        assert set(answers) == {302}
    until(lambda: rows(hub.settings, COUNTED) == [("simbg", "", 120)])


def test_visits_wait_while_feedback_is_down_and_are_then_delivered_once(
    settings: Settings,
) -> None:
    port = free_port()
    away = elsewhere(settings, f"http://127.0.0.1:{port}")
    with TestClient(create_app(away), follow_redirects=False) as client:
        assert client.get("/go/simbg?service=pbg").status_code == 302
        assert client.get("/go/oss").status_code == 302
        until(lambda: rows(settings, WAITING) == [("simbg",), ("oss",)])
        assert rows(settings, COUNTED) == []
        with serving(create_feedback(settings), port=port):
            until(lambda: rows(settings, WAITING) == [])
            assert rows(settings, COUNTED) == [("oss", "", 1), ("simbg", "pbg", 1)]
            client.get("/go/oss")
            until(lambda: ("oss", "", 2) in rows(settings, COUNTED))
    assert rows(settings, COUNTED) == [("oss", "", 2), ("simbg", "pbg", 1)]


def test_a_visit_that_was_delivered_but_not_confirmed_is_not_counted_twice(
    settings: Settings,
) -> None:
    """Feedback stores the visit, and the answer is lost on the way."""
    with TestClient(create_app(settings), follow_redirects=False) as client:
        client.get("/go/simbg")
        until(lambda: rows(settings, COUNTED) == [("simbg", "", 1)])
        [(event_id,)] = rows(settings, "SELECT id FROM feedback.event")
        again = f"""
            INSERT INTO gateway.click_outbox VALUES ('12.12', '{event_id}', '{{"id":
            "{event_id}", "kind": "click_out", "source": "gateway", "link": "simbg",
            "occurred_at": "2026-01-01T00:00:00Z"}}')
        """
        rows(settings, again)
        client.get("/go/oss")
        until(lambda: rows(settings, WAITING) == [])
    assert rows(settings, COUNTED) == [("oss", "", 1), ("simbg", "", 1)]


def test_a_shutdown_keeps_what_feedback_does_not_have_and_the_next_start_delivers_it(
    settings: Settings,
) -> None:
    with hanging_up() as address:
        away = elsewhere(settings, address)
        with TestClient(create_app(away), follow_redirects=False) as client:
            assert client.get("/go/simbg").status_code == 302
    assert rows(settings, WAITING) == [("simbg",)]
    with TestClient(create_app(settings)):
        pass
    assert rows(settings, WAITING) == []
    assert rows(settings, COUNTED) == [("simbg", "", 1)]


def test_a_shutdown_right_after_a_visit_delivers_it(settings: Settings) -> None:
    for number in range(1, 6):
        with TestClient(create_app(settings), follow_redirects=False) as client:
            client.get("/go/simbg")
        assert rows(settings, COUNTED) == [("simbg", "", number)]
        assert rows(settings, WAITING) == []


def test_a_stop_in_the_moment_of_a_visit_is_not_missed(settings: Settings) -> None:
    app = create_app(settings)
    with TestClient(app) as client:
        outbox: ClickOutbox = app.state.click_outbox

        async def visit_and_stop() -> None:
            await outbox.record_click(link="simbg", service=None, at=datetime.now(UTC))
            async with asyncio.timeout(5):
                await outbox.outbox.deliver_waiting()

        assert client.portal is not None
        client.portal.call(visit_and_stop)
    assert rows(settings, COUNTED) == [("simbg", "", 1)]


def test_two_gateways_deliver_each_visit_once(settings: Settings) -> None:
    with (
        TestClient(create_app(settings), follow_redirects=False) as one,
        TestClient(create_app(settings), follow_redirects=False) as other,
        ThreadPoolExecutor(8) as pool,
    ):
        clients = [one, other] * 20
        assert set(pool.map(lambda client: client.get("/go/simbg").status_code, clients)) == {302}
    assert rows(settings, COUNTED) == [("simbg", "", 40)]
    assert rows(settings, WAITING) == []


@pytest.mark.parametrize("broken", ["feedback.event", "feedback.monthly_usage"])
def test_a_feedback_that_crashes_holds_no_visitor_up_and_loses_no_visit(
    settings: Settings, broken: str
) -> None:
    schema, _, table = broken.partition(".")
    rows(settings, f"ALTER TABLE {broken} RENAME TO {table}_away")
    with TestClient(create_app(settings), follow_redirects=False) as client:
        assert client.get("/go/simbg").status_code == 302
        until(lambda: rows(settings, WAITING) == [("simbg",)])
        time.sleep(0.3)  # a delivery fails
        rows(settings, f"ALTER TABLE {schema}.{table}_away RENAME TO {table}")
        assert client.get("/go/oss").status_code == 302
        until(lambda: rows(settings, WAITING) == [])
    assert rows(settings, COUNTED) == [("oss", "", 1), ("simbg", "", 1)]


def test_a_visitor_goes_on_where_a_visit_cannot_be_kept(settings: Settings) -> None:
    rows(settings, "REVOKE INSERT ON gateway.click_outbox FROM emall_gateway")
    with TestClient(create_app(settings), follow_redirects=False) as client:
        answer = client.get("/go/simbg")
    assert (answer.status_code, answer.headers["location"]) == (302, "https://simbg.pu.go.id")
