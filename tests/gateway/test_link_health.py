"""Link monitoring over HTTP: history, incidents, maintenance, uptime, badges, report and feed."""

import csv
import io
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from xml.etree import ElementTree

import pytest

from services.gateway.link_monitoring.badge import render_badge
from services.gateway.link_monitoring.classify import Classification
from services.gateway.link_monitoring.hub_faults import (
    is_clock_doubtful,
    is_hub_offline,
    site_of,
)
from services.gateway.link_monitoring.status import LinkStatus, apply_check, covered_seconds
from services.platform.local_time import DEFAULT_ZONE
from services.platform.settings import Settings
from tests.conftest import Server
from tests.gateway.link_rows import make_checks_older, make_last_checks_older
from tests.gateway.portals import Portal, always, portal
from tests.gateway.watched import Watched, store_links, watched
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_incidents_and_maintenance_are_an_administrators(hub: Watched) -> None:
    incident = hub.post("incidents", {"link": "simbg", "title": "a", "title_en": "a"})["id"]
    for path in ("incidents", f"incidents/{incident}/updates", "maintenance"):
        assert hub.client.post(f"/api/v1/{path}", json={}).status_code == 401
    unknown = f"/api/v1/incidents/{'0' * 8}-0000-7000-8000-{'0' * 12}"
    assert hub.client.get(unknown).status_code == 404
    answer = hub.client.post(f"{unknown}/updates", json={"text": "x"}, headers=hub.admin)
    assert answer.status_code == 404


@pytest.mark.slow
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


@pytest.mark.slow
def test_uptime_is_the_share_of_known_time_and_comes_with_percentiles(
    hub: Watched, simbg: Portal
) -> None:
    simbg.reply = always(500)
    hub.check("simbg")
    make_last_checks_older(hub.settings, minutes=12)
    hub.check("simbg")
    [year] = hub.client.get("/api/v1/links/simbg/uptime?by=year").json()["items"]
    assert (year["observed_seconds"] >= 720, year["uptime"]) == (True, None)
    for reply, minutes in [(always(), 14), (always(), 14), (always(), 14), (always(429), 14)]:
        simbg.reply = reply
        hub.check("simbg")
        make_last_checks_older(hub.settings, minutes=minutes)
    hub.check("simbg")
    [year] = hub.client.get("/api/v1/links/simbg/uptime?by=year").json()["items"]
    assert 2519 <= year["ok_seconds"] <= 2600
    assert 719 <= year["broken_seconds"] <= 780
    assert 839 <= year["caution_seconds"] <= 900
    up = year["ok_seconds"] + year["caution_seconds"]
    assert year["uptime"] == round(up / (up + year["broken_seconds"]), 6)
    assert year["observed_seconds"] == up + year["broken_seconds"]
    assert year["checks"] == 7
    assert 0 < year["response_ms_p50"] <= year["response_ms_p95"] <= year["response_ms_p99"]


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_report_of_a_year_is_csv_with_months_and_the_year(hub: Watched, simbg: Portal) -> None:
    simbg.reply = always(500)
    for _ in range(5):
        hub.check("simbg")
        make_last_checks_older(hub.settings, minutes=14)
    hub.check("simbg")
    year = datetime.now(DEFAULT_ZONE).year
    answer = hub.client.get(f"/api/v1/links/sla.csv?year={year}&delimiter=comma")
    assert answer.headers["content-type"].startswith("text/csv")
    month, whole = csv.DictReader(io.StringIO(answer.text))
    assert (month["link"], whole["period"]) == ("simbg", str(year))
    assert month["period"].startswith(f"{year}-")
    assert (month["uptime_percent"], month["broken_minutes"]) == ("0.0", "70")
    assert (month["checks"], month["incidents"]) == ("6", "1")
    assert int(month["unknown_minutes"]) > 0
    spreadsheet = hub.client.get(f"/api/v1/links/sla.csv?year={year}").content
    assert spreadsheet.startswith(b"\xef\xbb\xbflink;title;")
    assert b";0,0;" in spreadsheet
    for wrong in ("year=20", f"year={year}&delimiter=tab"):
        assert hub.client.get(f"/api/v1/links/sla.csv?{wrong}").status_code == 422


@pytest.mark.slow
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


def nowhere() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.mark.slow
def test_a_hub_without_a_network_blames_no_portal(empty: Settings) -> None:
    with watched(empty, a=nowhere(), b=nowhere(), c=nowhere()) as hub:
        states = [hub.check(slug) for slug in "abcab"]
        assert {(state["state"], state["reason"]) for state in states} == {
            ("pending", "hub_offline")
        }
        make_last_checks_older(hub.settings, minutes=5)
        hub.check("a")
        assert hub.items("incidents") == []
        [year] = hub.client.get("/api/v1/links/a/uptime?by=year").json()["items"]
        assert (year["observed_seconds"], year["uptime"]) == (0, None)
        assert "Jaringan hub ini sedang terputus" in hub.client.get("/status").text
        assert "This hub&#39;s network is down" in hub.client.get("/status?lang=en").text


def test_a_hub_that_knows_too_few_sites_says_that_its_network_may_be_to_blame(
    empty: Settings,
) -> None:
    doubt, unsure = "too few other sites", "Hub mengenal terlalu sedikit situs"
    with watched(empty, a=nowhere(), b=nowhere()) as hub:
        for slug in "aabb":
            check = hub.check(slug)
            assert (check["state"], check["reason"]) == ("broken", "connection_refused")
            assert doubt in check["detail"]
        assert unsure in hub.client.get("/status").text


def test_one_other_site_that_answers_leaves_no_doubt(empty: Settings, simbg: Portal) -> None:
    with watched(empty, a=nowhere(), simbg=simbg.address) as hub:
        assert hub.check("simbg")["state"] == "ok"
        assert "too few" not in hub.check("a")["detail"]
        assert "terlalu sedikit" not in hub.client.get("/status").text


@pytest.mark.slow
def test_one_portal_that_is_reachable_without_the_internet_proves_no_network(
    empty: Settings, simbg: Portal
) -> None:
    dead = {slug: nowhere() for slug in "abcd"}
    with watched(empty, simbg=simbg.address, **dead) as hub:
        assert hub.check("simbg")["state"] == "ok"
        assert [hub.check(slug)["reason"] for slug in "abcd"] == ["hub_offline"] * 4


@pytest.mark.slow
def test_verdicts_of_the_time_without_a_network_are_withdrawn(empty: Settings) -> None:
    """A hub that goes offline in the midst of a sweep has accused one portal before."""
    with ExitStack() as others, portal() as first:
        urls = {"one": others.enter_context(portal()).address}
        urls["two"] = others.enter_context(portal()).address
        with watched(empty, first=first.address, dead=nowhere(), **urls) as hub:
            for slug in ("first", "one", "two"):
                assert hub.check(slug)["state"] == "ok"
            for _ in range(2):
                assert hub.check("dead")["reason"] == "connection_refused"
                make_checks_older(hub.settings, minutes=5)
            assert len(hub.items("incidents?open=true")) == 1
            assert hub.health("dead")["incident"] is not None
            others.close()
            store_links(hub.settings, first=nowhere(), dead=nowhere(), **urls)
            assert hub.check("two")["reason"] == "hub_offline"
            withdrawn = hub.items("links/dead/checks")
            assert [check["reason"] for check in withdrawn] == ["hub_offline"] * 2
            health = hub.health("dead")
            assert (health["state"], health["reason"]) == ("pending", "hub_offline")
            assert (health["incident"], hub.items("incidents")) == (None, [])
            [year] = hub.client.get("/api/v1/links/dead/uptime?by=year").json()["items"]
            assert year["broken_seconds"] == 0
            # What was seen before the hub went offline stays.
            assert [check["state"] for check in hub.items("links/one/checks")] == ["ok"]


@pytest.mark.slow
def test_a_failure_before_another_portal_was_reached_is_not_withdrawn(empty: Settings) -> None:
    with ExitStack() as others:
        urls = {slug: others.enter_context(portal()).address for slug in ("one", "two")}
        with watched(empty, dead=nowhere(), **urls) as hub:
            hub.check("dead")
            hub.check("one")
            others.close()
            assert hub.check("two")["reason"] == "hub_offline"
            assert hub.health("dead")["reason"] == "connection_refused"


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("begin", "end", "own", "others", "is_doubtful"),
    [
        (10, 100, 20, [20, 21, 20], True),
        (10, 100, None, [20, 20], True),
        (10, 100, 20, [], True),
        (10, 100, None, [], True),
        (-100, -10, -20, [-20, -19], True),
        (-100, -10, -20, [0, 0], False),
        (-100, -10, -20, [-20, 0, 0], False),
        (-100, -10, 0, [], False),
        (-100, -10, None, [], False),
        (10, 100, 200, [200, 200], False),
        (-100, -0.5, -0.9, [], False),
    ],
)
def test_whose_clock_is_wrong_is_judged_by_the_other_servers(
    begin: float, end: float, own: float | None, others: list[float], is_doubtful: bool
) -> None:
    judged = is_clock_doubtful(
        (NOW + begin * HOUR, NOW + end * HOUR),
        now=NOW,
        own=None if own is None else own * HOUR,
        others=[other * HOUR for other in others],
    )
    assert judged is is_doubtful


def test_nearly_all_sites_must_fail_and_three_at_least() -> None:
    assert not is_hub_offline([])
    assert not is_hub_offline([False])
    assert is_hub_offline([False, False])
    assert not is_hub_offline([False, False, True])
    assert is_hub_offline([True, False, False, False])
    assert not is_hub_offline([True, True, False, False, False, False])


def test_what_fails_together_is_one_site() -> None:
    assert site_of("simbg.pu.go.id") == site_of("www.pu.go.id:8443") == "pu.go.id"
    assert site_of("tobakab.go.id") == "tobakab.go.id"
    assert site_of("a.example.com") == "example.com"
    assert site_of("127.0.0.1:80") != site_of("127.0.0.1:81")
    assert site_of("[2001:db8::1]:443") == "[2001:db8::1]:443"


@pytest.mark.slow
def test_a_portal_that_fails_while_another_answers_is_broken(
    empty: Settings, simbg: Portal
) -> None:
    dead = {slug: f"http://127.0.0.1:{free_port()}" for slug in "abc"}
    with watched(empty, simbg=simbg.address, **dead) as hub:
        hub.check("simbg")
        states = [hub.check(slug)["state"] for slug in "abc"]
    assert states == ["broken"] * 3
