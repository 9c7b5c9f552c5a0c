"""A statement that waits for a lock: who asked is told in time, and the rest goes on."""

import asyncio

import pytest
from sqlalchemy import text

from services.gateway.app import create_app
from services.platform import database
from services.platform.database import Database, ReadSession
from services.platform.logging import RequestContext, request_context
from services.platform.settings import Service, Settings
from services.platform.statement_limits import StatementLimits
from tests.rows import locked_tables
from tests.servers import LOOPBACK, serving
from tests.waiting import until

SHORT = StatementLimits(lock=0.3, statement=3, idle=60)
COMPLAINT = {"kind": "complaint", "text": "Loketnya tutup sejak pagi.", "agency": "dukcapil"}


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "request_limits", lambda _: SHORT)


@pytest.mark.slow
@pytest.mark.usefixtures("short_limits")
def test_requests_that_wait_for_a_lock_are_answered_and_others_are_served(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(create_app(settings)) as address:
        tables = ("catalog.service", "feedback.comment", "gateway.job_run")
        with locked_tables(settings, *tables):
            for path in ("services", "services/pbg", "services?agency=dukcapil"):
                refused = LOOPBACK.get(f"{address}/api/v1/{path}")
                assert refused.status_code == 503, refused.text
                assert refused.headers["retry-after"] == "5"
                assert "did not end in time" in refused.json()["detail"]
            refused = LOOPBACK.post(f"{address}/api/v1/comments", json=COMPLAINT)
            assert refused.status_code == 503, refused.text
            page = LOOPBACK.get(f"{address}/layanan/pbg", headers={"Accept": "text/html"})
            assert page.status_code == 503
            assert page.headers["content-type"].startswith("text/html")
            assert LOOPBACK.get(f"{address}/api/v1/surveys").status_code == 200

            def findings() -> list[str]:
                ready = LOOPBACK.get(f"{address}/health/ready", timeout=10)
                assert ready.status_code == 200, ready.text
                return [found["message"] for found in ready.json()["findings"]]

            until(
                lambda: "A statement of the hub waits in the database for too long." in findings()
            )
        until(lambda: not findings())
        assert LOOPBACK.get(f"{address}/api/v1/services/pbg").status_code == 200
        assert LOOPBACK.post(f"{address}/api/v1/comments", json=COMPLAINT).status_code == 201
    logged = [record.getMessage() for record in caplog.records]
    assert sum("timely statements of catalog unavailable" in line for line in logged) == 1
    assert not any("Traceback" in line for line in logged)


async def limits_in(session: ReadSession) -> list[str]:
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    columns = ", ".join(f"current_setting('{name}')" for name in names)
    return list((await session.execute(text(f"SELECT {columns}"))).one())


def test_jobs_have_longer_limits_than_requests_on_the_same_connection(empty: Settings) -> None:
    async def story() -> None:
        one = Database(empty.model_copy(update={"database_pool_size": 1}), Service.catalog)
        for _ in range(2):
            async with one.read_session() as session:
                assert await limits_in(session) == ["30s", "1min", "10min"]
            token = request_context.set(RequestContext("0" * 32, "catalog"))
            async with one.read_session() as session:
                assert await limits_in(session) == ["5s", "20s", "1min"]
            request_context.reset(token)
        await one.close()

    asyncio.run(story())
