"""An item that its receiver refuses is set aside, shown, and delivered or removed on request."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from services.cli.app import app as cli
from services.feedback.app import create_app as create_feedback
from services.gateway.app import create_app
from services.gateway.connectors.mocks.oss import create_oss_mock
from services.gateway.webhooks.delivery import BACKOFF
from services.platform.settings import Settings
from tests.gateway.click_rows import (
    counted_clicks,
    make_click_happen_now,
    queue_click,
    waiting_clicks,
)
from tests.gateway.oss_rows import current_figures, set_received_at
from tests.gateway.parts import deliver_due_webhooks
from tests.gateway.portals import always, answer, portal
from tests.gateway.test_announcements import store_connectors
from tests.gateway.test_oss import STATUS, Connected, connected
from tests.gateway.watched import watched
from tests.gateway.webhook_rows import make_deliveries_due, set_attempts, stored_deliveries
from tests.servers import free_port, serving
from tests.waiting import until

pytestmark = pytest.mark.slow

OLD = {"kind": "click_out", "source": "gateway", "link": "simbg", "channel": "online"}


class Terminal:
    """`emall` in this process, with the settings of a test."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def emall(self, settings: Settings, *arguments: str) -> Result:
        for command in ("jobs", "doctor"):
            self._patch.setattr(f"services.cli.{command}.load_settings", lambda: settings)
        return CliRunner().invoke(cli, arguments)

    def refused(self, settings: Settings, name: str) -> dict[str, str]:
        """Return the reason of each refused item of a job."""
        listed = self.emall(settings, "jobs", "--json")
        assert listed.exit_code == 0, listed.output
        [job] = [job for job in json.loads(listed.stdout) if job["job"] == name]
        return {item["item"]: item["reason"] for item in job["refused"]}


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(monkeypatch)


def queue(client: TestClient, name: str) -> tuple[str, dict[str, Any]]:
    """Return the state of the hub and what it says of a job's queue."""
    status = client.get("/api/v1/status").json()
    [found] = [each for each in status["queues"] if each["job"] == name]
    return status["state"], found


def test_refused_clicks_do_not_hold_up_later_ones(settings: Settings, terminal: Terminal) -> None:
    old, strange, ahead = (queue_click(settings, number) for number in (1, 2, 3))
    assert (old, strange, ahead) == tuple(f"00000000-0000-7000-8000-00000000000{n}" for n in "123")
    queue_click(settings, 1, OLD | {"id": old, "occurred_at": "2020-01-05T12:00:00+07:00"})
    queue_click(settings, 2, {"id": strange, "kind": "click_out", "of_an_old_version": 1})
    queue_click(settings, 3, OLD | {"id": ahead, "occurred_at": "2999-01-05T12:00:00+07:00"})
    port = free_port()
    away = settings.model_copy(update={"feedback_url": f"http://127.0.0.1:{port}"})
    short = settings.model_copy(update={"event_retention_months": 13})
    with TestClient(create_app(away), follow_redirects=False) as client:
        client.get("/go/oss")
        assert len(waiting_clicks(settings)) == 4  # an outage sets nothing aside
        assert terminal.refused(settings, "deliver-clicks") == {}
        with serving(create_feedback(short), port=port):
            client.get("/go/simbg")
            until(lambda: counted_clicks(settings) == [("oss", "", 1), ("simbg", "", 1)])
            until(lambda: queue(client, "deliver-clicks")[1]["refused"] == 3)
            assert queue(client, "deliver-clicks")[1]["waiting"] == 0
            until(lambda: queue(client, "deliver-clicks")[0] == "degraded")
            reasons = terminal.refused(settings, "deliver-clicks")
            assert list(reasons) == [old, strange, ahead]
            assert "must lie between" in reasons[old]
            assert "no usage event" in reasons[strange]
            assert "#/events/0/occurred_at" in reasons[ahead]
            table = terminal.emall(settings, "jobs")
            assert f"deliver-clicks: {old} was refused" in table.stdout
            ill = terminal.emall(settings, "doctor")
            assert ill.exit_code == 1
            assert "deliver-clicks: items that were refused: 3" in ill.stderr
            make_click_happen_now(settings, ahead)  # the clock that was ahead is mended
            retried = terminal.emall(settings, "jobs", "retry", "deliver-clicks")
            assert retried.stdout.count("will be delivered again") == 3
            client.get("/go/oss")
            until(lambda: counted_clicks(settings) == [("oss", "", 2), ("simbg", "", 2)])
            until(lambda: queue(client, "deliver-clicks")[1]["refused"] == 2)
            discarded = terminal.emall(settings, "jobs", "discard", old, "nothing")
            assert discarded.exit_code == 1
            assert f"deliver-clicks: {old} was discarded" in discarded.stdout
            assert "nothing" in discarded.stderr
            assert list(terminal.refused(settings, "deliver-clicks")) == [strange]
            assert terminal.emall(settings, "jobs", "discard", "deliver-clicks").exit_code == 0
            until(lambda: queue(client, "deliver-clicks")[0] == "ok")
    assert waiting_clicks(settings) == []
    assert counted_clicks(settings) == [("oss", "", 2), ("simbg", "", 2)]


def rules(service: str) -> dict[str, Any]:
    return {
        "version": "one",
        "agency": "dpmptsp",
        "rules": [
            {
                "message": "receiveLicenseStatus",
                "where": {"kd_status": [status]},
                "service": name,
                "measure": "completed",
            }
            for status, name in (("50", service), ("57", "izin-usaha-berbasis-risiko"))
        ],
        "sources": ["website-oss"],
    }


@pytest.fixture
def oss_hub(settings: Settings) -> Iterator[Connected]:
    with serving(create_oss_mock(), grace=0) as oss, connected(settings, oss) as running:
        yield running


def test_a_refused_month_of_oss_does_not_hold_up_later_ones(
    oss_hub: Connected, terminal: Terminal
) -> None:
    hub, settings = oss_hub, oss_hub.settings
    admin = hub.auth("diskominfo", "admin")
    store_connectors(settings, oss=rules("layanan-salah"))
    for status, month in (("50", 1), ("57", 2)):
        assert hub.post("license-statuses", STATUS | {"kd_status": status}).status_code == 200
        set_received_at(settings, [status], datetime(2026, month, 10, tzinfo=UTC))
    polled = hub.client.post("/api/v1/connectors/oss/poll", headers=admin)
    assert polled.status_code == 409
    assert "2026-01" in polled.json()["detail"]
    one = ("izin-usaha-berbasis-risiko", "completed", 1, 1)
    assert current_figures(settings, "dpmptsp") == [one]
    [(item, reason)] = terminal.refused(settings, "poll-oss").items()
    assert item == "2026-01"
    assert "is not a service of dpmptsp" in reason
    assert queue(hub.client, "poll-oss")[1]["refused"] == 1
    assert hub.client.post("/api/v1/connectors/oss/poll", headers=admin).status_code == 200
    assert len(terminal.refused(settings, "poll-oss")) == 1

    store_connectors(settings, oss=rules("nib"))
    assert terminal.emall(settings, "jobs", "retry", "2026-01").exit_code == 0
    assert hub.client.post("/api/v1/connectors/oss/poll", headers=admin).status_code == 200
    assert current_figures(settings, "dpmptsp") == [one, ("nib", "completed", 1, 1)]
    assert terminal.refused(settings, "poll-oss") == {}


def test_a_discarded_month_of_oss_is_not_submitted_again(
    oss_hub: Connected, terminal: Terminal
) -> None:
    hub, settings = oss_hub, oss_hub.settings
    admin = hub.auth("diskominfo", "admin")
    store_connectors(settings, oss=rules("layanan-salah"))
    assert hub.post("license-statuses", STATUS | {"kd_status": "50"}).status_code == 200
    assert hub.client.post("/api/v1/connectors/oss/poll", headers=admin).status_code == 409
    discarded = terminal.emall(settings, "jobs", "discard", "poll-oss")
    assert "was discarded" in discarded.stdout
    store_connectors(settings, oss=rules("nib"))
    assert hub.client.post("/api/v1/connectors/oss/poll", headers=admin).status_code == 200
    assert current_figures(settings, "dpmptsp") == []


def test_a_webhook_event_that_was_given_up_does_not_hold_up_later_ones(
    empty: Settings, terminal: Terminal
) -> None:
    with (
        portal(always(204, b"")) as receiver,
        watched(empty, simbg="https://simbg.example/") as hub,
    ):
        receiver.reply = lambda asked, _: answer(400 if b"Rusak" in asked.body else 204, b"")
        hub.post("webhooks", {"url": receiver.address})
        broken = {"link": "simbg", "title": "Rusak", "title_en": "Broken"}
        incident = hub.post("incidents", broken)
        until(lambda: stored_deliveries(empty) == [(1, True, False, "status 400")])
        set_attempts(empty, len(BACKOFF))
        make_deliveries_due(empty)
        deliver_due_webhooks(hub)
        until(lambda: stored_deliveries(empty)[0][:3] == (len(BACKOFF) + 1, False, False))
        assert hub.post("incidents", broken | {"title": "Pelan"})["id"] != incident["id"]
        until(lambda: stored_deliveries(empty)[1][:3] == (1, False, True))
        [(item, reason)] = terminal.refused(empty, "deliver-webhooks").items()
        assert reason == "incident.opened: status 400"
        assert queue(hub.client, "deliver-webhooks")[1] == {
            "job": "deliver-webhooks",
            "waiting": 0,
            "refused": 1,
        }
        receiver.reply = always(204, b"")
        assert terminal.emall(empty, "jobs", "retry", item).exit_code == 0
        until(lambda: stored_deliveries(empty)[0] == (1, False, True, None))
        assert terminal.refused(empty, "deliver-webhooks") == {}
        assert queue(hub.client, "deliver-webhooks")[1]["refused"] == 0
