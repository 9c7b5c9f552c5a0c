"""Link monitoring over HTTP: history, incidents, maintenance, uptime, badges, report and feed."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from xml.etree import ElementTree

import pytest

from services.gateway.link_monitoring.badge import render_badge
from services.gateway.link_monitoring.classify import Classification
from services.gateway.link_monitoring.status import LinkStatus, apply_check, covered_seconds
from services.platform.local_time import DEFAULT_ZONE
from services.platform.settings import Settings
from tests.conftest import Server
from tests.gateway.link_rows import make_last_checks_older
from tests.gateway.portals import Portal, always, portal
from tests.gateway.watched import Watched, watched
from tests.servers import free_port

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
BROKEN = Classification("broken", "timeout")
GOOD = Classification("ok")
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def simbg() -> Iterator[Portal]:
    with portal() as running:
        yield running


@pytest.fixture
def hub(empty: Settings, simbg: Portal) -> Iterator[Watched]:
    with watched(empty, simbg=simbg.address) as running:
        yield running


@pytest.fixture(scope="module")
def refusing(server: Server, migrated: str) -> Iterator[Watched]:
    """Watch a portal once for the tests whose requests are all refused."""
    with (
        server.database_from(migrated) as name,
        portal() as simbg,
        watched(server.settings(name), simbg=simbg.address) as running,
    ):
        yield running


def status_after(*classifications: Classification, in_maintenance: bool = False) -> LinkStatus:
    status = LinkStatus("pending", "not_checked", "", NOW)
    for minute, classification in enumerate(classifications):
        now = NOW + timedelta(minutes=minute)
        status = apply_check(status, classification, now=now, in_maintenance=in_maintenance)
    return status


def test_two_failing_checks_open_an_incident_and_two_good_ones_close_it() -> None:
    assert status_after(GOOD, BROKEN).incident is None
    failing = status_after(GOOD, BROKEN, BROKEN)
    assert (failing.incident, failing.down_since) == ("open", NOW + timedelta(minutes=1))
    assert status_after(BROKEN, BROKEN, GOOD).incident is None
    assert status_after(BROKEN, BROKEN, GOOD, BROKEN).incident is None
    assert status_after(BROKEN, BROKEN, GOOD, GOOD).incident == "close"


def test_a_caution_is_no_failure_and_what_is_not_known_changes_no_count() -> None:
    caution = Classification("caution", "slow")
    unknown = Classification("pending", "hub_offline")
    assert status_after(BROKEN, caution, BROKEN).incident is None
    assert status_after(BROKEN, unknown, BROKEN).incident == "open"
    assert status_after(BROKEN, unknown).incident is None


def test_failures_while_maintenance_is_announced_count_for_no_incident() -> None:
    assert status_after(BROKEN, BROKEN, BROKEN, in_maintenance=True).incident is None


def test_a_check_speaks_until_the_next_one_but_not_without_end() -> None:
    seen = status_after(GOOD)
    hour = timedelta(hours=1)
    day = NOW.date()
    covered = partial(covered_seconds, zone=DEFAULT_ZONE, max_coverage=hour)
    assert covered(seen, now=NOW + timedelta(minutes=5)) == [(day, 300)]
    assert covered(seen, now=NOW + timedelta(days=9)) == [(day, 3600)]
    # Midnight in Jakarta is 17.00 UTC.
    over_night = covered(seen, now=NOW + timedelta(hours=8), max_coverage=timedelta(hours=8))
    assert over_night == [(day, 7 * 3600), (day + timedelta(days=1), 3600)]
    assert covered(LinkStatus("pending", None, "", NOW), now=NOW) == []


def test_a_link_that_was_never_checked_is_pending(hub: Watched) -> None:
    health = hub.health("simbg")
    assert (health["state"], health["reason"]) == ("pending", "not_checked")
    assert hub.items("links/simbg/checks") == []
    assert hub.client.get("/api/v1/links/simbg/uptime").json()["items"] == []


def test_a_check_is_stored_and_shown_with_the_link(hub: Watched, simbg: Portal) -> None:
    first = hub.check("simbg")
    assert (first["state"], first["reason"], first["status"]) == ("ok", None, 200)
    assert hub.health("simbg")["state"] == "ok"
    simbg.reply = always(503)
    second = hub.check("simbg")
    assert (second["state"], second["reason"], second["status"]) == ("broken", "server_error", 503)
    health = hub.health("simbg")
    assert (health["state"], health["reason"]) == ("broken", "server_error")
    assert health["since"] == second["checked_at"] == health["checked_at"]
    assert hub.items("links/simbg/checks") == [second, first]
    listed = hub.client.get("/api/v1/links/simbg/checks?limit=1").json()
    assert listed["items"] == [second]
    assert hub.client.get(listed["next"]).json() == {"items": [first], "next": None}


def test_only_an_administrator_checks_a_link_by_hand(hub: Watched, simbg: Portal) -> None:
    path = "/api/v1/links/simbg/check"
    assert hub.client.post(path).status_code == 401
    assert hub.client.post(path, headers=hub.auth("pupr", "usage:write")).status_code == 403
    assert hub.client.post(path.replace("simbg", "x"), headers=hub.admin).status_code == 404
    assert simbg.asked == []


def test_a_host_has_a_pause_between_two_checks(hub: Watched) -> None:
    hub.check("simbg")
    answer = hub.client.post("/api/v1/links/simbg/check", headers=hub.admin)
    assert answer.status_code == 409
    assert int(answer.headers["retry-after"]) > 0


def test_an_incident_opens_once_and_closes_by_rule(hub: Watched, simbg: Portal) -> None:
    simbg.reply = always(500)
    first = hub.check("simbg")
    assert hub.items("incidents") == []
    for _ in range(2):
        hub.check("simbg")
    [incident] = hub.items("incidents?open=true&link=simbg")
    assert (incident["automatic"], incident["reason"]) == (True, "server_error")
    assert incident["opened_at"] == first["checked_at"]
    assert incident["title"] == "SIMBG: mengalami gangguan di servernya"
    assert hub.health("simbg")["incident"] == incident["id"]
    assert hub.client.get(incident["href"]).json() == incident
    simbg.reply = always()
    hub.check("simbg")
    assert hub.items("incidents?open=false") == []
    hub.check("simbg")
    assert hub.items("incidents?open=true") == []
    [closed] = hub.items("incidents?open=false")
    assert (closed["id"], closed["closed_at"] is None) == (incident["id"], False)
    assert hub.health("simbg")["incident"] is None


def test_a_manual_incident_is_updated_and_closed_only_manually(hub: Watched) -> None:
    new = {"link": "simbg", "title": "Berkas hilang", "title_en": "Files lost", "text": "Dicek."}
    incident = hub.post("incidents", new)
    for _ in range(2):
        hub.check("simbg")
    [still] = hub.items("incidents?open=true")
    assert (still["id"], still["opened_by"]) == (incident["id"], "diskominfo")
    assert [update["text"] for update in still["updates"]] == ["Dicek."]
    hub.post(f"incidents/{incident['id']}/updates", {"text": "Selesai.", "close": True})
    [closed] = hub.items("incidents")
    assert closed["closed_at"] is not None
    assert [update["text"] for update in closed["updates"]] == ["Dicek.", "Selesai."]


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("incidents", {"link": "x", "title": "a", "title_en": "a"}, "#/link"),
        ("incidents", {"link": "simbg", "title": "", "title_en": "a"}, "#/title"),
        ("incidents", {"link": "simbg", "title": "a\u0000", "title_en": "a"}, "#/title"),
        (
            "maintenance",
            {"link": "simbg", "starts_at": "2026-01-01T00:00:00Z", "text": "x"},
            "#/ends_at",
        ),
        (
            "maintenance",
            {
                "link": "simbg",
                "starts_at": "2020-01-01T00:00:00Z",
                "ends_at": "2020-01-02T00:00:00Z",
                "text": "x",
            },
            "#/ends_at",
        ),
        (
            "maintenance",
            {
                "link": "x",
                "starts_at": "2020-01-01T00:00:00Z",
                "ends_at": "2090-01-02T00:00:00Z",
                "text": "x",
            },
            "#/link",
        ),
    ],
)
def test_what_is_wrong_is_named(refusing: Watched, path: str, body: Any, pointer: str) -> None:
    answer = refusing.client.post(f"/api/v1/{path}", json=body, headers=refusing.admin)
    assert answer.status_code in {409, 422}
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_incidents_and_maintenance_are_an_administrators(hub: Watched) -> None:
    incident = hub.post("incidents", {"link": "simbg", "title": "a", "title_en": "a"})["id"]
    for path in ("incidents", f"incidents/{incident}/updates", "maintenance"):
        assert hub.client.post(f"/api/v1/{path}", json={}).status_code == 401
    unknown = f"/api/v1/incidents/{'0' * 8}-0000-7000-8000-{'0' * 12}"
    assert hub.client.get(unknown).status_code == 404
    answer = hub.client.post(f"{unknown}/updates", json={"text": "x"}, headers=hub.admin)
    assert answer.status_code == 404


def test_maintenance_prevents_incidents_and_downtime(hub: Watched, simbg: Portal) -> None:
    now = datetime.now(UTC)
    window = {
        "link": "simbg",
        "starts_at": (now - timedelta(minutes=1)).isoformat(),
        "ends_at": (now + timedelta(hours=1)).isoformat(),
        "text": "Pembaruan sistem.",
    }
    planned = hub.post("maintenance", window)
    simbg.reply = always(503)
    for _ in range(3):
        assert hub.check("simbg")["in_maintenance"] is True
        make_last_checks_older(hub.settings, minutes=5)
    assert hub.items("incidents") == []
    health = hub.health("simbg")
    assert health["maintenance_until"] == planned["ends_at"]
    hub.check("simbg")
    [day] = hub.client.get("/api/v1/links/simbg/uptime?by=year").json()["items"]
    assert (day["broken_seconds"], day["uptime"]) == (0, None)
    assert day["maintenance_seconds"] >= 900
    assert [item["id"] for item in hub.items("maintenance?upcoming=true")] == [planned["id"]]
    path = f"/api/v1/maintenance/{planned['id']}"
    assert hub.client.delete(path, headers=hub.admin).status_code == 204
    assert hub.client.delete(path, headers=hub.admin).status_code == 404
    assert hub.health("simbg")["maintenance_until"] is None


def test_uptime_is_the_share_of_known_time_and_comes_with_percentiles(
    hub: Watched, simbg: Portal
) -> None:
    for reply, minutes in ((always(), 9), (always(500), 3), (always(429), 3)):
        simbg.reply = reply
        hub.check("simbg")
        make_last_checks_older(hub.settings, minutes=minutes)
    hub.check("simbg")
    [year] = hub.client.get("/api/v1/links/simbg/uptime?by=year").json()["items"]
    assert 539 <= year["ok_seconds"] <= 600
    assert 179 <= year["broken_seconds"] <= 240
    assert 179 <= year["caution_seconds"] <= 240
    up = year["ok_seconds"] + year["caution_seconds"]
    assert year["uptime"] == round(up / (up + year["broken_seconds"]), 6)
    assert year["checks"] == 4
    assert 0 < year["response_ms_p50"] <= year["response_ms_p95"] <= year["response_ms_p99"]


@pytest.mark.parametrize(
    "query",
    ["by=week", "from=2026-02-30", "to=x"],
)
def test_a_day_that_is_none_is_422(hub: Watched, query: str) -> None:
    answer = hub.client.get(f"/api/v1/links/simbg/uptime?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] in {"by", "from", "to"}


@pytest.mark.parametrize(
    "query",
    ["from=2026-03-01&to=2026-02-01", "from=2020-01-01", "to=0001-01-01", "to=9999-12-31"],
)
def test_a_span_that_cannot_be_is_422(refusing: Watched, query: str) -> None:
    assert refusing.client.get(f"/api/v1/links/simbg/uptime?{query}").status_code == 422


def test_a_badge_shows_the_state_in_words(hub: Watched) -> None:
    hub.check("simbg")
    answer = hub.client.get("/api/v1/links/simbg/badge.svg")
    assert answer.headers["content-type"] == "image/svg+xml; charset=utf-8"
    title = ElementTree.fromstring(answer.text).find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text == "SIMBG: berfungsi"
    assert "SIMBG: working" in hub.client.get("/api/v1/links/simbg/badge.svg?lang=en").text
    assert hub.client.get("/api/v1/links/nowhere/badge.svg").status_code == 404


def test_a_badge_of_a_name_with_markup_is_still_well_formed() -> None:
    drawn = ElementTree.fromstring(render_badge("A<script>&\"'", "ok", "ok"))
    assert "".join(drawn.itertext()).startswith("A<script>&\"'")


def test_the_report_of_a_year_is_csv_with_months_and_the_year(hub: Watched, simbg: Portal) -> None:
    simbg.reply = always(500)
    for _ in range(2):
        hub.check("simbg")
        make_last_checks_older(hub.settings, minutes=10)
    hub.check("simbg")
    year = datetime.now(UTC).year
    answer = hub.client.get(f"/api/v1/links/sla.csv?year={year}")
    assert answer.headers["content-type"].startswith("text/csv")
    month, whole = csv.DictReader(io.StringIO(answer.text))
    assert (month["link"], whole["period"]) == ("simbg", str(year))
    assert month["period"].startswith(f"{year}-")
    assert (month["uptime_percent"], month["broken_minutes"]) == ("0.0", "20")
    assert (month["checks"], month["incidents"]) == ("3", "1")
    assert int(month["unknown_minutes"]) > 0
    assert hub.client.get("/api/v1/links/sla.csv?year=20").status_code == 422


def test_the_feed_lists_changes_newest_first(hub: Watched, simbg: Portal) -> None:
    hub.check("simbg")
    simbg.reply = always(500)
    for _ in range(2):
        hub.check("simbg")
    answer = hub.client.get("/status.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ElementTree.fromstring(answer.content)
    titles = [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")]
    assert titles == ["SIMBG: gangguan", "SIMBG: terganggu"]
    assert feed.findtext(f"{ATOM}updated")


def test_a_hub_without_a_network_blames_no_portal(empty: Settings) -> None:
    def nowhere() -> str:
        return f"http://127.0.0.1:{free_port()}"

    with watched(empty, a=nowhere(), b=nowhere(), c=nowhere()) as hub:
        states = [hub.check(slug)["reason"] for slug in "abcab"]
        # The first two cannot know yet that nothing else answers.
        assert states == [
            "connection_refused",
            "connection_refused",
            "hub_offline",
            "hub_offline",
            "hub_offline",
        ]
        assert hub.items("incidents") == []


def test_a_portal_that_fails_while_another_answers_is_broken(
    empty: Settings, simbg: Portal
) -> None:
    dead = {slug: f"http://127.0.0.1:{free_port()}" for slug in "abc"}
    with watched(empty, simbg=simbg.address, **dead) as hub:
        hub.check("simbg")
        states = [hub.check(slug)["state"] for slug in "abc"]
    assert states == ["broken"] * 3
