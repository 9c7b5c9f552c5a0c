"""Webhooks are told of changes: signed, at least once, and never inside a private network."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.gateway.webhooks.delivery import BACKOFF, sign
from services.platform.settings import Settings
from tests.gateway.parts import deliver_due_webhooks
from tests.gateway.portals import Asked, Portal, always, portal
from tests.gateway.watched import Watched, watched
from tests.gateway.webhook_rows import make_deliveries_due, set_attempts, stored_deliveries
from tests.servers import free_port
from tests.waiting import until


@pytest.fixture
def receiver() -> Iterator[Portal]:
    with portal(always(204, b"")) as running:
        yield running


@pytest.fixture
def hub(empty: Settings) -> Iterator[Watched]:
    with watched(empty, simbg="https://simbg.example/") as running:
        yield running


def open_incident(hub: Watched) -> dict[str, Any]:
    return hub.post("incidents", {"link": "simbg", "title": "Gangguan", "title_en": "Trouble"})


def deliver(hub: Watched) -> None:
    """Attempt every pending delivery now."""
    make_deliveries_due(hub.settings)
    deliver_due_webhooks(hub)


def is_signed(asked: Asked, secret: str) -> bool:
    """Return whether a receiver accepts the signature."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    head = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}."
    digest = hmac.new(key, head.encode() + asked.body, hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    return hmac.compare_digest(expected, asked.headers["webhook-signature"])


def test_the_signature_is_that_of_the_standards_example() -> None:
    """The example of the specification's reference libraries."""
    signed = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.slow
def test_a_change_is_delivered_once_with_a_signature(hub: Watched, receiver: Portal) -> None:
    made = hub.post("webhooks", {"url": f"{receiver.address}/hook"})
    incident = open_incident(hub)
    until(lambda: len(receiver.asked) == 1)
    [asked] = receiver.asked
    assert (asked.method, asked.target) == ("POST", "/hook")
    assert is_signed(asked, made["secret"])
    message = json.loads(asked.body)
    assert message["type"] == "incident.opened"
    assert message["data"]["incident"] == incident["id"]
    until(lambda: stored_deliveries(hub.settings) == [(1, False, True, None)])
    deliver(hub)
    assert len(receiver.asked) == 1


def test_each_webhook_has_a_secret_of_its_own_that_no_list_shows(
    hub: Watched, receiver: Portal
) -> None:
    secrets = [hub.post("webhooks", {"url": receiver.address})["secret"] for _ in range(2)]
    assert len(set(secrets)) == 2
    listed = hub.client.get("/api/v1/webhooks", headers=hub.admin)
    assert len(listed.json()["items"]) == 2
    assert "whsec_" not in listed.text
    assert hub.client.get("/api/v1/webhooks").status_code == 401


@pytest.mark.slow
def test_a_failed_delivery_is_retried_with_the_same_id(hub: Watched, receiver: Portal) -> None:
    receiver.reply = always(500)
    hub.post("webhooks", {"url": receiver.address})
    open_incident(hub)
    until(lambda: stored_deliveries(hub.settings) == [(1, True, False, "status 500")])
    receiver.reply = always(200)
    deliver(hub)
    until(lambda: stored_deliveries(hub.settings) == [(2, False, True, None)])
    first, second = receiver.asked
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


@pytest.mark.slow
def test_after_its_last_attempt_a_delivery_fails(hub: Watched) -> None:
    hub.post("webhooks", {"url": f"http://127.0.0.1:{free_port()}/"})
    open_incident(hub)
    until(lambda: stored_deliveries(hub.settings)[0][3] is not None)  # the first attempt is over
    assert stored_deliveries(hub.settings)[0][:2] == (1, True)
    set_attempts(hub.settings, len(BACKOFF))
    deliver(hub)
    until(lambda: stored_deliveries(hub.settings)[0][:3] == (len(BACKOFF) + 1, False, False))
    [listed] = hub.client.get("/api/v1/webhooks", headers=hub.admin).json()["items"]
    assert (listed["pending"], "refused" in listed["last_error"].lower()) == (0, True)


@pytest.mark.slow
def test_a_receiver_that_responds_410_ends_its_webhook(hub: Watched, receiver: Portal) -> None:
    receiver.reply = always(410)
    hub.post("webhooks", {"url": receiver.address})
    open_incident(hub)
    until(lambda: stored_deliveries(hub.settings) == [(1, False, False, "status 410")])
    assert hub.client.get("/api/v1/webhooks", headers=hub.admin).json()["items"] == []


@pytest.mark.slow
def test_a_deleted_webhook_receives_nothing_more(hub: Watched, receiver: Portal) -> None:
    made = hub.post("webhooks", {"url": receiver.address})
    path = f"/api/v1/webhooks/{made['id']}"
    assert hub.client.delete(path).status_code == 401
    assert hub.client.delete(path, headers=hub.admin).status_code == 204
    assert hub.client.delete(path, headers=hub.admin).status_code == 404
    open_incident(hub)
    deliver(hub)
    assert receiver.asked == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("http://192.168.0.1/", "private network"),
        ("http://[fec0::1]/", "private network"),
        ("http://[64:ff9b:1::7f00:1]/", "private network"),
        ("http://[::1]:8000/", "port 8000"),
        ("http://8.8.8.8:5432/", "port 5432"),
    ],
)
def test_a_webhook_into_a_private_network_or_to_another_port_is_not_called(
    hub: Watched, location: str, said: str
) -> None:
    hub.post("webhooks", {"url": location})
    open_incident(hub)
    until(lambda: stored_deliveries(hub.settings)[0][3] is not None)
    [(_, waiting, delivered, error)] = stored_deliveries(hub.settings)
    assert (waiting, delivered, said in (error or "")) == (True, False, True)


@pytest.mark.slow
def test_a_redirect_of_a_webhook_is_not_followed(hub: Watched, receiver: Portal) -> None:
    with portal() as elsewhere:
        receiver.reply = always(307, b"", Location=elsewhere.address)
        hub.post("webhooks", {"url": receiver.address})
        open_incident(hub)
        until(lambda: stored_deliveries(hub.settings) == [(1, True, False, "status 307")])
        assert elsewhere.asked == []


@pytest.mark.slow
def test_replicas_that_deliver_at_once_deliver_each_message_once(
    hub: Watched, receiver: Portal
) -> None:
    hub.post("webhooks", {"url": receiver.address})
    for _ in range(12):
        open_incident(hub)
    deliver_due_webhooks(hub, times=4)
    until(lambda: all(row[2] for row in stored_deliveries(hub.settings)))
    ids = [asked.headers["webhook-id"] for asked in receiver.asked]
    assert (len(ids), len(set(ids))) == (12, 12)


def test_an_invalid_url_is_refused(hub: Watched) -> None:
    for wrong in ("ftp://a.example/", "x", "http://a b/", ""):
        answer = hub.client.post("/api/v1/webhooks", json={"url": wrong}, headers=hub.admin)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "#/url"
