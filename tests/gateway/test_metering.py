"""What keys took: counted by the hour, whole at an orderly stop, shown to whom it belongs."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.gateway.api_keys.metering import UsageMeter, delete_old_consumption
from services.gateway.app import create_app
from services.gateway.proxy.routing import GATEWAY_AREAS, OWNERS, area_of
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.identity import ANONYMOUS, Caller
from services.platform.local_time import LocalTime
from services.platform.retention import Retention
from services.platform.settings import Service, Settings
from tests.conftest import Hub, agency_caller, new_key
from tests.gateway.key_rows import consumption_by_key, join_families, metered_hours
from tests.gateway.parts import store_metered_requests
from tests.rows import hide_table, restore_table

CONSUMPTION = "/api/v1/consumption"
NOON = datetime(2026, 3, 31, 12, 20, tzinfo=UTC)


def test_every_answered_request_is_stored_when_the_hub_stops(settings: Settings) -> None:
    key = new_key(settings, "dukcapil", "usage:write")
    auth = {"Authorization": f"Bearer {key}"}
    with TestClient(create_app(settings)) as client:
        for _ in range(3):
            client.get("/api/v1/services", headers=auth)
        client.post("/api/v1/usage/statistics", json={}, headers=auth)
        client.get("/api/v1/links")
        client.get("/layanan")
        client.get("/api/v1/no-such-thing/at-all")
        client.get("/health/live")
    mine = key.split("_")[1]
    assert set(consumption_by_key(settings)) == {
        (mine, "dukcapil", "services", 2, 3),
        (mine, "dukcapil", "usage", 4, 1),
        ("anonymous", "", "links", 2, 1),
        ("anonymous", "", "other", 4, 1),
        ("anonymous", "", "pages", 2, 1),
    }


def test_an_agency_sees_the_consumption_of_its_keys_and_an_administrator_all(hub: Hub) -> None:
    mine, other = hub.key("dukcapil", "usage:write"), hub.key("pupr", "usage:write")
    admin = hub.auth("diskominfo", "admin")
    for key in (mine, mine, other):
        hub.client.get("/api/v1/services", headers={"Authorization": f"Bearer {key}"})
    hub.client.get("/api/v1/services")
    store_metered_requests(hub)

    def seen(headers: dict[str, str], query: str = "") -> dict[str, Any]:
        answer = hub.client.get(f"{CONSUMPTION}{query}", headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    auth = {"Authorization": f"Bearer {mine}"}
    [item] = seen(auth)["items"]
    assert (item["agency"], item["area"], item["status"]) == ("dukcapil", "services", 2)
    assert (item["key_id"], item["requests"]) == (mine.split("_")[1], 2)
    assert item["period"].endswith("T00:00:00+07:00")
    assert {item["agency"] for item in seen(admin)["items"]} >= {"dukcapil", "pupr", None}
    assert [item["requests"] for item in seen(admin, "?agency=pupr&by=month")["items"]] == [1]
    found, address = list[str](), "?limit=1&by=hour"
    while address:
        page = seen(admin, address)
        found += [item["key_id"] for item in page["items"]]
        address = (page["next"] or "").removeprefix(CONSUMPTION)
    assert len(found) >= 3
    assert hub.client.get(f"{CONSUMPTION}?agency=pupr", headers=auth).status_code == 403
    assert hub.client.get(CONSUMPTION).status_code == 401


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?from=2024-02-30", 422),
        ("?by=week", 422),
        ("?from=2024-03-01&to=2024-02-01", 422),
        ("?from=1024-03-01&to=1024-03-02", 422),
        ("?from=2020-01-01&to=2024-02-01", 422),
    ],
)
def test_a_span_that_cannot_be_is_refused(shared: Hub, query: str, status: int) -> None:
    auth = shared.auth("dukcapil", "usage:write")
    assert shared.client.get(f"{CONSUMPTION}{query}", headers=auth).status_code == status


def test_counts_of_replicas_add_up_and_wait_for_an_unavailable_database(empty: Settings) -> None:
    mine = agency_caller("dukcapil")

    async def story() -> int:
        database = Database(empty, Service.gateway)
        replicas = [
            UsageMeter(database, empty.region, LocalTime(database, Service.gateway, empty.region))
            for _ in range(2)
        ]
        for replica in replicas:
            replica.count(mine, "services", 200, now=NOON.timestamp())
            replica.count(mine, "services", 204, now=NOON.timestamp() + 1800)
            replica.count(ANONYMOUS, "pages", 503, now=NOON.timestamp())
        await asyncio.to_thread(hide_table, empty, "gateway.consumption")
        with pytest.raises(DATABASE_ERRORS):
            await replicas[0].flush()
        await asyncio.to_thread(restore_table, empty, "gateway.consumption")
        before = await asyncio.to_thread(consumption_by_key, empty)
        await asyncio.gather(*(replica.flush() for replica in replicas))
        await database.close()
        return len(before)

    assert asyncio.run(story()) == 0
    assert consumption_by_key(empty) == [
        ("anonymous", "", "pages", 5, 2),
        ("key-of-dukcapil", "dukcapil", "services", 2, 4),
    ]


def test_counts_of_one_key_add_up_however_many_others_come_between(empty: Settings) -> None:
    mine = agency_caller("dukcapil")

    async def story() -> None:
        database = Database(empty, Service.gateway)
        local_time = LocalTime(database, Service.gateway, empty.region)
        meter = UsageMeter(database, empty.region, local_time)
        count = meter.counter(mine, "services", 200, now=NOON.timestamp())
        count()
        for number in range(5000):
            meter.count(Caller(subject=f"key{number}"), "pages", 200, now=NOON.timestamp())
        meter.count(mine, "services", 204, now=NOON.timestamp())
        count()
        await meter.flush()
        count()
        await meter.flush()
        await database.close()

    asyncio.run(story())
    stored = consumption_by_key(empty)
    assert ("key-of-dukcapil", "dukcapil", "services", 2, 4) in stored
    assert len(stored) == 5001


def test_a_key_with_a_quota_has_spent_what_all_replicas_counted_this_month(
    empty: Settings,
) -> None:
    first, second = (new_key(empty, "dukcapil", "usage:write").split("_")[1] for _ in range(2))
    join_families(empty, first)
    now = datetime.now(UTC)

    async def story() -> list[int]:
        database = Database(empty, Service.gateway)
        one, two = (
            UsageMeter(database, empty.region, LocalTime(database, Service.gateway, empty.region))
            for _ in range(2)
        )
        mine = Caller(subject=first, agency="dukcapil")
        others = Caller(subject=second, agency="dukcapil")
        count = partial(UsageMeter.count, area="services", status=200, family=first)
        count(one, mine, now=now.timestamp())
        count(one, mine, now=now.timestamp() - 40 * 86_400)
        await one.flush()
        await two.load_usage(first)
        learnt = two.usage_this_month(first, now=now)
        count(two, others, now=now.timestamp())
        counted = two.usage_this_month(first, now=now)
        count(one, mine, now=now.timestamp())
        await one.flush()
        await two.flush()
        both = two.usage_this_month(first, now=now)
        next_month = two.usage_this_month(first, now=now + timedelta(days=32))
        await database.close()
        return [learnt, counted, both, next_month]

    assert asyncio.run(story()) == [1, 2, 3, 0]


def test_consumption_is_deleted_after_its_retention_and_no_sooner(empty: Settings) -> None:
    mine = agency_caller("dukcapil")
    now = datetime(2026, 1, 31, 20, tzinfo=UTC)  # February in Jakarta
    first_retained = datetime(2025, 11, 30, 17, tzinfo=UTC)

    async def story() -> None:
        database = Database(empty, Service.gateway)
        local_time = LocalTime(database, Service.gateway, empty.region)
        consumption = UsageMeter(database, empty.region, local_time)
        for moment in (first_retained - timedelta(seconds=1), first_retained, now):
            consumption.count(mine, "services", 200, now=moment.timestamp())
        await consumption.flush()
        forgetting = partial(delete_old_consumption, region=empty.region, months=2)
        await Retention(
            database, LocalTime(database, Service.gateway, empty.region), {"hours": forgetting}
        ).prune(now=now)
        await database.close()

    asyncio.run(story())
    assert metered_hours(empty) == [first_retained, now]


@pytest.mark.slow
def test_every_area_of_the_api_is_counted_by_its_name(shared: Hub) -> None:
    paths = shared.client.get("/openapi.json").json()["paths"]
    named = {path.split("/")[3] for path in paths if path.startswith("/api/v1/")}
    assert named == GATEWAY_AREAS | OWNERS.keys()
    assert {area_of(path) for path in paths if not path.startswith("/api/")} == {"pages"}
