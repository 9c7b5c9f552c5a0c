"""Single checks go when their time is over; what they said of each day stays."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.link_monitoring.retention import prune_checks
from services.platform.database import Database
from services.platform.local_time import DEFAULT_ZONE
from services.platform.retention import first_retained_month
from services.platform.settings import Service, Settings
from tests.gateway.link_rows import count_checks, store_checks
from tests.gateway.watched import store_links


def prune_at_four_replicas(settings: Settings, now: datetime) -> list[int]:
    """Return what each of four replicas deletes when they prune at once."""

    async def work() -> list[int]:
        replicas = [Database(settings, Service.gateway) for _ in range(4)]

        async def one(database: Database) -> int:
            async with database.write_session() as session:
                return await prune_checks(
                    session, settings.region, now=now, zone=DEFAULT_ZONE, months=13
                )

        try:
            return await asyncio.gather(*(one(database) for database in replicas))
        finally:
            for database in replicas:
                await database.close()

    return asyncio.run(work())


def uptime(settings: Settings, by: str) -> list[dict[str, Any]]:
    with TestClient(create_app(settings)) as client:
        path = f"/api/v1/links/a/uptime?by={by}&from=2024-12-01&to=2025-06-30"
        return client.get(path).json()["items"]


def test_whole_months_are_retained() -> None:
    now = datetime(2026, 1, 31, 20, tzinfo=UTC)  # February in Jakarta
    assert f"{first_retained_month(now, DEFAULT_ZONE, 13):%Y-%m-%d %z}" == "2025-01-01 +0700"
    assert f"{first_retained_month(now, DEFAULT_ZONE, 2):%Y-%m}" == "2025-12"


@pytest.mark.slow
def test_old_checks_go_and_the_figures_of_their_days_stay(empty: Settings) -> None:
    store_links(empty, a="http://a.example/")
    for begin, count in (
        (datetime(2024, 12, 30, 1, tzinfo=UTC), 100),
        (datetime(2025, 1, 2, 1, tzinfo=UTC), 300),
        (datetime(2025, 3, 2, 1, tzinfo=UTC), 50),
    ):
        store_checks(empty, "a", begin, count)
    before = {by: uptime(empty, by) for by in ("day", "month")}
    assert [item["checks"] for item in before["month"]] == [100, 300, 50]
    now = datetime(2026, 4, 10, tzinfo=UTC)
    assert sum(prune_at_four_replicas(empty, now)) == 400
    assert count_checks(empty) == 50
    assert {by: uptime(empty, by) for by in ("day", "month")} == before
    # A year has both kinds of days; its percentiles are the mean of theirs.
    old, new = uptime(empty, "year")
    assert (old["checks"], new["checks"]) == (100, 350)
    assert new["response_ms_p50"] == (300 * 1505 + 50 * 255) / 350
    assert sum(prune_at_four_replicas(empty, now)) == 0
