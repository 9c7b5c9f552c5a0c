"""Keys change without a pause, and one that is revoked stops everywhere."""

import asyncio
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.gateway.api_keys.key_cache import TTL_CONNECTED_SECONDS, KeyCache
from services.gateway.api_keys.keys import Principal
from services.gateway.app import create_app
from services.platform.database import Database
from services.platform.settings import Service, Settings
from tests.conftest import Hub, new_key
from tests.gateway.key_rows import (
    revoke_keys,
    set_last_use,
    stored_keys,
    turn_into_upload_links,
)
from tests.rows import close_connections
from tests.servers import LOOPBACK, serving
from tests.waiting import until as wait_until

KEYS = "/api/v1/keys"
NOW = datetime.now(UTC)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def id_of(key: str) -> str:
    return key.split("_")[1]


def make(hub: Hub, key: str, **body: Any) -> httpx.Response:
    return hub.client.post(KEYS, json=body, headers=bearer(key))


def test_an_agency_renews_its_key_without_a_pause(hub: Hub) -> None:
    old = hub.key("dukcapil", "usage:write", "catalog:write")
    answer = make(hub, old)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["agency"], made["scopes"]) == ("dukcapil", ["catalog:write", "usage:write"])
    for key in (old, made["key"]):
        assert hub.client.get("/api/v1/services", headers=bearer(key)).status_code == 200
    third = make(hub, made["key"])
    assert third.status_code == 409
    assert id_of(old) in third.json()["detail"]
    gone = hub.client.delete(f"{KEYS}/{id_of(old)}", headers=bearer(made["key"]))
    assert gone.status_code == 204
    # At once where the database's word arrives, which a loaded machine may take a moment for.
    services = "/api/v1/services"
    wait_until(lambda: hub.client.get(services, headers=bearer(old)).status_code == 401)
    assert make(hub, made["key"]).status_code == 201


def test_a_key_issues_only_a_key_of_its_own_kind(hub: Hub) -> None:
    key = hub.key("dukcapil", "usage:write")
    for body, pointer in (
        ({"agency": "pupr"}, "#/agency"),
        ({"scopes": ["usage:write", "admin"]}, "#/scopes"),
    ):
        answer = make(hub, key, **body)
        assert answer.status_code == 403
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert make(hub, key, days=0).json()["errors"][0]["pointer"] == "#/days"
    assert hub.client.post(KEYS, json={}).status_code == 401


def test_an_administrator_makes_keys_for_agencies_and_ends_them(hub: Hub) -> None:
    admin = hub.key("diskominfo", "admin")
    made = make(hub, admin, agency="pupr", scopes=["usage:write"], days=10).json()
    assert hub.client.get(KEYS, headers=bearer(made["key"])).json()["items"][0]["agency"] == "pupr"
    foreign = hub.key("dukcapil", "usage:write")
    mine = f"{KEYS}/{made['id']}"
    assert hub.client.delete(mine, headers=bearer(foreign)).status_code == 404
    assert hub.client.delete(mine, headers=bearer(admin)).status_code == 204
    assert hub.client.delete(mine, headers=bearer(admin)).status_code == 404


def test_a_key_is_made_once_by_an_idempotency_key_and_its_secret_shown_once(hub: Hub) -> None:
    headers = bearer(hub.key("dukcapil", "usage:write")) | {"Idempotency-Key": "renewal"}
    first, second = (hub.client.post(KEYS, json={}, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 409)
    assert first.json()["id"] in second.json()["detail"]
    assert first.json()["key"] not in second.text


def test_an_agency_lists_its_own_keys_and_an_administrator_all(hub: Hub) -> None:
    mine, other = hub.key("dukcapil", "usage:write"), hub.key("pupr", "usage:write")
    admin = hub.key("diskominfo", "admin")
    answer = hub.client.get(KEYS, headers=bearer(mine))
    [listed] = answer.json()["items"]
    assert listed["id"] == id_of(mine)
    assert listed["last_used_at"] is not None
    assert mine.rpartition("_")[2] not in answer.text
    assert hub.client.get(f"{KEYS}?agency=pupr", headers=bearer(mine)).status_code == 403
    assert hub.client.get(KEYS).status_code == 401
    found, address = list[str](), f"{KEYS}?limit=2"
    while address:
        page = hub.client.get(address, headers=bearer(admin)).json()
        found += [key["id"] for key in page["items"]]
        address = page["next"]
    assert found == sorted(id_of(key) for key in (mine, other, admin))


def test_links_for_uploads_are_listed_and_hinder_no_rotation(hub: Hub) -> None:
    key = hub.key("dukcapil", "usage:write")
    hub.key("dukcapil", "usage:write")
    turn_into_upload_links(hub.settings, all_but=id_of(key))
    assert make(hub, key).status_code == 201
    items = hub.client.get(KEYS, headers=bearer(key)).json()["items"]
    assert sorted(item["is_link"] for item in items) == [False, False, True]


def test_a_response_to_a_key_near_its_expiry_shows_it(hub: Hub) -> None:
    soon = hub.key("dukcapil", "usage:write", life=timedelta(days=5))
    later = hub.key("dukcapil", "usage:write", life=timedelta(days=300))
    answer = hub.client.get("/api/v1/services", headers=bearer(soon))
    first = min(key["expires_at"] for key in stored_keys(hub.settings))
    assert answer.headers["emall-key-expires"] == f"{first:%Y-%m-%dT%H:%M:%SZ}"
    answer = hub.client.get("/api/v1/services", headers=bearer(later))
    assert "emall-key-expires" not in answer.headers


def test_a_key_that_one_of_four_replicas_revokes_stops_at_all_of_them(settings: Settings) -> None:
    admin, key = (
        new_key(settings, "diskominfo", "admin"),
        new_key(settings, "pupr", "usage:write"),
    )

    def status(address: str) -> int:
        return LOOPBACK.get(f"{address}/api/v1/links", headers=bearer(key)).status_code

    with ExitStack() as stack:
        replicas = [stack.enter_context(serving(create_app(settings))) for _ in range(4)]
        assert [status(replica) for replica in replicas * 2] == [200] * 8
        gone = LOOPBACK.delete(f"{replicas[0]}{KEYS}/{id_of(key)}", headers=bearer(admin))
        assert gone.status_code == 204
        # The promise is 2 seconds; it takes a few milliseconds.
        end = time.monotonic() + 2
        while time.monotonic() < end and {status(replica) for replica in replicas} != {401}:
            time.sleep(0.01)
        assert [status(replica) for replica in replicas] == [401] * 4


@pytest.fixture
def key(settings: Settings) -> str:
    return new_key(settings, "pupr", "usage:write")


class Ticking:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


def known(cache: KeyCache, key: str) -> Principal | None:
    return cache.get(key, now=NOW)


async def until(found: Any) -> None:
    async with asyncio.timeout(10):
        while not found():
            await asyncio.sleep(0.01)


def test_a_key_is_cached_until_the_database_notifies_of_a_change(
    settings: Settings, key: str
) -> None:
    async def story() -> None:
        database, clock = Database(settings, Service.gateway), Ticking()
        cache = KeyCache(database, settings.region, clock=clock)
        listener = cache.create_listener()
        listener.start()
        await until(lambda: cache.is_connected)
        holder = await cache.load(key, now=NOW)
        assert known(cache, key) == holder
        # Another key's change, or a noted use, changes nothing here.
        await asyncio.to_thread(set_last_use, settings)
        assert known(cache, key) == holder
        await asyncio.to_thread(revoke_keys, settings)
        await until(lambda: known(cache, key) is None)
        await listener.stop()
        await database.close()

    asyncio.run(story())


def test_a_disconnected_cache_holds_keys_for_only_a_second(settings: Settings, key: str) -> None:
    async def story() -> None:
        database, clock = Database(settings, Service.gateway), Ticking()
        cache = KeyCache(database, settings.region, clock=clock)
        listener = cache.create_listener()
        listener.start()
        await until(lambda: cache.is_connected)
        await cache.load(key, now=NOW)
        await listener.stop()
        assert known(cache, key) is not None
        clock.ahead = 1.1
        assert known(cache, key) is None
        await cache.load(key, now=NOW)
        assert known(cache, key) is not None
        await database.close()

    asyncio.run(story())


def test_a_connected_cache_reloads_keys_after_half_a_minute(settings: Settings, key: str) -> None:
    async def story() -> None:
        database, clock = Database(settings, Service.gateway), Ticking()
        cache = KeyCache(database, settings.region, clock=clock)
        listener = cache.create_listener()
        listener.start()
        await until(lambda: cache.is_connected)
        await cache.load(key, now=NOW)
        clock.ahead = TTL_CONNECTED_SECONDS - 10
        await until(lambda: cache.is_connected)
        assert known(cache, key) is not None
        clock.ahead = TTL_CONNECTED_SECONDS + 1
        await until(lambda: cache.is_connected)
        assert known(cache, key) is None
        await listener.stop()
        await database.close()

    asyncio.run(story())


def test_a_closed_connection_is_opened_again(settings: Settings, key: str) -> None:
    async def story() -> None:
        database = Database(settings, Service.gateway)
        cache = KeyCache(database, settings.region)
        listener = cache.create_listener()
        listener.start()
        await until(lambda: cache.is_connected)
        await cache.load(key, now=NOW)
        purpose = "emall gateway: invalidate-keys"
        assert await asyncio.to_thread(close_connections, settings, purpose) == 1
        await until(lambda: not cache.is_connected)
        # What happens meanwhile is not heard; the memory of before ends with the line.
        await asyncio.to_thread(revoke_keys, settings)
        await until(lambda: cache.is_connected)
        assert known(cache, key) is None
        await listener.stop()
        await database.close()

    asyncio.run(story())
