"""Keys change without a pause, and one that is revoked stops everywhere."""

import asyncio
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from services.gateway.api_keys.key_cache import TTL_CONNECTED_SECONDS, KeyCache
from services.gateway.api_keys.keys import Principal
from services.gateway.app import create_app
from services.platform.database import Database
from services.platform.scopes import Scope
from services.platform.settings import Service, Settings
from tests.conftest import Hub, new_key
from tests.gateway.key_rows import (
    revoke_keys,
    set_expiry,
    set_last_use,
    set_monthly_quota,
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


def rotate(hub: Hub, key: str, key_id: str, **body: Any) -> httpx.Response:
    return hub.client.post(f"{KEYS}/{key_id}/rotate", json=body, headers=bearer(key))


def status(hub: Hub, key: str) -> int:
    return hub.client.get("/api/v1/services", headers=bearer(key)).status_code


def listed(hub: Hub, key: str) -> dict[str, Any]:
    answer = hub.client.get(KEYS, headers=bearer(key))
    return {item["id"]: item for item in answer.json()["items"]}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_an_agency_rotates_its_key_without_a_pause(hub: Hub) -> None:
    old = hub.key("dukcapil", "usage:write", "catalog:write", life=timedelta(days=90))
    answer = rotate(hub, old, id_of(old))
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert (new["agency"], sorted(new["scopes"])) == ("dukcapil", ["catalog:write", "usage:write"])
    overlap = moment(new["old_expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < overlap < timedelta(days=7)
    life = moment(new["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89) < life < timedelta(days=90)
    assert [status(hub, key) for key in (old, new["key"])] == [200, 200]
    third = rotate(hub, new["key"], new["id"])
    assert third.status_code == 409
    assert id_of(old) in third.json()["detail"]
    gone = hub.client.delete(f"{KEYS}/{id_of(old)}", headers=bearer(new["key"]))
    assert gone.status_code == 204
    # At once where the database's word arrives, which a loaded machine may take a moment for.
    wait_until(lambda: status(hub, old) == 401)
    assert status(hub, new["key"]) == 200
    assert rotate(hub, new["key"], new["id"], overlap_days=0).status_code == 201


@pytest.mark.slow
def test_a_successor_takes_the_place_of_a_key_in_the_family(hub: Hub) -> None:
    first = hub.key("dukcapil", "usage:write", "catalog:write")
    middle = make(hub, first, scopes=["usage:write"]).json()
    last = make(hub, middle["key"]).json()
    assert hub.client.delete(f"{KEYS}/{last['id']}", headers=bearer(first)).status_code == 204
    last = make(hub, middle["key"], days=1).json()
    keys = listed(hub, first)
    assert keys[middle["id"]]["parent"] == id_of(first)
    assert keys[last["id"]]["parent"] == middle["id"]
    assert {item["family"] for item in keys.values()} == {id_of(first)}
    # Two are valid with these scopes: none can be replaced before one ends.
    assert rotate(hub, first, middle["id"]).status_code == 409
    replaced = rotate(hub, first, id_of(first), overlap_days=0).json()
    keys = listed(hub, replaced["key"])
    assert keys[middle["id"]]["parent"] == replaced["id"]
    assert keys[id_of(first)]["parent"] == replaced["id"]
    assert keys[replaced["id"]] | {"parent": None, "family": id_of(first)} == keys[replaced["id"]]
    wait_until(lambda: status(hub, first) == 401)
    assert [status(hub, key["key"]) for key in (middle, last, replaced)] == [200] * 3
    own = hub.client.delete(f"{KEYS}/{replaced['id']}", headers=bearer(replaced["key"]))
    assert own.status_code == 204
    wait_until(lambda: {status(hub, k["key"]) for k in (middle, last, replaced)} == {401})


def test_a_key_that_a_key_made_ends_with_it_and_with_those_above_it(hub: Hub) -> None:
    first = hub.key("dukcapil", "usage:write", "catalog:write", life=timedelta(days=3))
    second = make(hub, first, days=1825).json()
    third = make(hub, second["key"], scopes=["usage:write"], days=400).json()
    end = listed(hub, first)[id_of(first)]["expires_at"]
    assert [second["expires_at"], third["expires_at"]] == [end, end]
    assert moment(make(hub, second["key"], scopes=["usage:write"], days=1).json()["expires_at"]) < (
        moment(end)
    )
    assert [status(hub, key) for key in (second["key"], third["key"])] == [200, 200]
    assert hub.client.delete(f"{KEYS}/{id_of(first)}", headers=bearer(first)).status_code == 204
    wait_until(lambda: {status(hub, key["key"]) for key in (second, third)} == {401})
    assert all(key["revoked_at"] for key in stored_keys(hub.settings))


@pytest.mark.slow
@pytest.mark.parametrize("days_ago", [0, 1])
def test_keys_end_when_one_above_them_expires_by_whatever_means(hub: Hub, days_ago: int) -> None:
    first = hub.key("dukcapil", "usage:write", "catalog:write", life=timedelta(days=3))
    second = make(hub, first).json()
    third = make(hub, second["key"], scopes=["usage:write"]).json()
    assert status(hub, third["key"]) == 200
    set_expiry(hub.settings, id_of(first), datetime.now(UTC) - timedelta(days=days_ago))
    wait_until(lambda: {status(hub, key["key"]) for key in (second, third)} == {401})
    assert make(hub, third["key"]).status_code == 401
    assert rotate(hub, hub.key("diskominfo", "admin"), third["id"]).status_code == 404


def test_a_family_shares_its_quota_and_a_rotation_does_not_renew_it(hub: Hub) -> None:
    first = hub.key("dukcapil", "usage:write", "catalog:write")
    set_monthly_quota(hub.settings, 6)
    second = make(hub, first).json()["key"]
    gone = hub.client.delete(f"{KEYS}/{id_of(second)}", headers=bearer(first))
    assert gone.status_code == 204
    third = rotate(hub, first, id_of(first), overlap_days=0).json()["key"]
    fourth = make(hub, third, scopes=["usage:write"]).json()["key"]
    assert [status(hub, key) for key in (fourth, third, fourth, third)] == [200, 200, 429, 429]
    assert {key["monthly_quota"] for key in stored_keys(hub.settings)} == {6}


def test_a_family_shares_the_rate_limits_of_its_agency(settings: Settings) -> None:
    key, admin = (
        new_key(settings, "dukcapil", "usage:write"),
        new_key(settings, "diskominfo", "admin"),
    )
    # A quarter of the limit at once: two reads, and no write of this test is refused.
    limited = settings.model_copy(update={"key_reads_per_minute": 8})
    with TestClient(create_app(limited)) as client:
        hub = Hub(client, limited)
        second = make(hub, key).json()["key"]
        assert [status(hub, each) for each in (key, second, key)] == [200, 200, 429]
        # Agencies do not share those of the administrator who made their keys.
        others = [make(hub, admin, agency=a, scopes=["usage:write"]) for a in ("pupr", "dinkes")]
        assert [status(hub, each.json()["key"]) for each in others * 2] == [200] * 4


def test_a_key_replaces_only_itself_and_keys_below_it(hub: Hub) -> None:
    first = hub.key("dukcapil", "usage:write", "catalog:write")
    second = make(hub, first, scopes=["usage:write"]).json()
    foreign, admin = hub.key("pupr", "usage:write"), hub.key("diskominfo", "admin")
    assert rotate(hub, second["key"], id_of(first)).status_code == 403
    assert rotate(hub, foreign, second["id"]).status_code == 404
    assert rotate(hub, admin, "0").status_code == 404
    assert rotate(hub, first, second["id"], overlap_days=91).status_code == 422
    replaced = rotate(hub, admin, second["id"], overlap_days=0)
    assert replaced.json()["scopes"] == ["usage:write"]
    assert listed(hub, first)[replaced.json()["id"]]["parent"] == id_of(first)


@pytest.mark.slow
@pytest.mark.parametrize(
    "scopes",
    [("catalog:write",), ("usage:write", "comments:write"), ("surveys:collect", "usage:write")],
)
def test_a_key_revokes_no_key_that_allows_more(hub: Hub, scopes: tuple[Scope, ...]) -> None:
    device = hub.key("dukcapil", "surveys:collect")
    office = hub.key("dukcapil", *scopes)
    refused = hub.client.delete(f"{KEYS}/{id_of(office)}", headers=bearer(device))
    assert refused.status_code == 403
    assert scopes[-1] in refused.json()["detail"]
    assert status(hub, office) == 200


def test_a_key_revokes_keys_of_its_agency_that_allow_no_more(hub: Hub) -> None:
    lost, other = (hub.key("dukcapil", "surveys:collect") for _ in range(2))
    office = hub.key("dukcapil", "surveys:collect", "usage:write")
    for key, caller in ((lost, other), (other, office), (office, hub.key("diskominfo", "admin"))):
        gone = hub.client.delete(f"{KEYS}/{id_of(key)}", headers=bearer(caller))
        assert gone.status_code == 204
        again = hub.client.delete(f"{KEYS}/{id_of(key)}", headers=bearer(caller))
        assert again.status_code == 404


def test_keys_of_an_administrator_hang_on_it_too(hub: Hub) -> None:
    admin = hub.key("diskominfo", "admin", life=timedelta(days=2))
    other = make(hub, admin, days=1825).json()
    agency = make(hub, other["key"], agency="pupr", scopes=["usage:write"]).json()
    assert moment(agency["expires_at"]) < datetime.now(UTC) + timedelta(days=2)
    own = hub.key("pupr", "usage:write")
    family = f"{KEYS}/{agency['id']}?family=true"
    assert hub.client.delete(family, headers=bearer(own)).status_code == 403
    operator = hub.key("diskominfo", "admin")
    assert hub.client.delete(family, headers=bearer(operator)).status_code == 204
    keys = (admin, other["key"], agency["key"])
    wait_until(lambda: {status(hub, key) for key in keys} == {401})
    assert [status(hub, key) for key in (own, operator)] == [200, 200]


def test_a_key_issues_only_a_key_of_its_own_kind(hub: Hub) -> None:
    key = hub.key("dukcapil", "usage:write", "catalog:write")
    for body, pointer in (
        ({"agency": "pupr"}, "#/agency"),
        ({"scopes": ["usage:write", "admin"]}, "#/scopes"),
        ({"scopes": ["comments:write"]}, "#/scopes"),
    ):
        answer = make(hub, key, **body)
        assert answer.status_code == 403
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert make(hub, key, scopes=["usage:write"]).json()["scopes"] == ["usage:write"]
    assert make(hub, key, days=0).json()["errors"][0]["pointer"] == "#/days"
    assert hub.client.post(KEYS, json={}).status_code == 401


@pytest.mark.slow
def test_a_key_makes_links_that_allow_no_more_and_end_with_it(hub: Hub) -> None:
    key = hub.key("dukcapil", "usage:write")
    # Links do not count as keys, of which an agency has two at most.
    hub.key("dukcapil", "usage:write")

    def make_link(**body: Any) -> httpx.Response:
        return hub.client.post(f"{KEYS}/links", json=body, headers=bearer(key))

    for body, pointer in (
        ({"use": "upload", "agency": "pupr"}, "#/agency"),
        ({"use": "device"}, "#/use"),
    ):
        refused = make_link(**body)
        assert refused.status_code == 403
        assert refused.json()["errors"][0]["pointer"] == pointer
    assert make_link(use="upload", days=0).status_code == 422
    made = make_link(use="upload", days=366).json()
    assert moment(made["expires_at"]) < NOW + timedelta(days=2)  # with the key
    fields = {"tautan": made["link"], "kode": made["code"]}
    assert hub.client.post("/unggah/masuk", data=fields).status_code == 303
    assert "/unggah/keluar" in hub.client.get("/unggah").text
    [link] = [item for item in listed(hub, key).values() if item["is_link"]]
    assert (link["id"], link["parent"], link["wrong_codes"]) == (made["id"], id_of(key), 0)
    assert made["code"] not in str(stored_keys(hub.settings))
    hub.client.delete(f"{KEYS}/{id_of(key)}", headers=bearer(key))
    assert "/unggah/keluar" not in hub.client.get("/unggah").text
    assert hub.client.post("/unggah/masuk", data=fields).status_code == 403


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
    [own] = answer.json()["items"]
    assert own["id"] == id_of(mine)
    assert own["last_used_at"] is not None
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


@pytest.mark.slow
def test_a_key_that_one_of_four_replicas_revokes_stops_at_all_of_them(settings: Settings) -> None:
    admin, key = (
        new_key(settings, "diskominfo", "admin"),
        new_key(settings, "pupr", "usage:write"),
    )

    def statuses() -> set[int]:
        return {
            LOOPBACK.get(f"{replica}/api/v1/links", headers=bearer(each)).status_code
            for replica in replicas
            for each in (key, below["key"])
        }

    with ExitStack() as stack:
        replicas = [stack.enter_context(serving(create_app(settings))) for _ in range(4)]
        made = LOOPBACK.post(f"{replicas[1]}{KEYS}", json={}, headers=bearer(key))
        below = made.json()
        assert [statuses(), statuses()] == [{200}, {200}]
        gone = LOOPBACK.delete(f"{replicas[0]}{KEYS}/{id_of(key)}", headers=bearer(admin))
        assert gone.status_code == 204
        # The promise is 2 seconds; it takes a few milliseconds.
        end = time.monotonic() + 2
        while time.monotonic() < end and statuses() != {401}:
            time.sleep(0.01)
        assert statuses() == {401}


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


@pytest.mark.slow
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


@pytest.mark.slow
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
