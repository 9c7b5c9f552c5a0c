"""The whole loop over real sockets, in one process and in four: a citizen finds a service, an
agency reports, people answer, and an evaluator follows what it says to the evidence."""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from services.platform.local_time import DEFAULT_ZONE
from tests.conftest import TOBA, Server
from tests.servers import LOOPBACK
from tests.system.evidence_trail import follow, indicators_of
from tests.system.processes import (
    RunningHub,
    in_four_processes,
    in_one_process,
    process,
    running_hub,
)
from tests.waiting import until

pytestmark = pytest.mark.slow

API = "/api/v1"
PERIOD = "2024-03"
NAMES = UUID("5f0c8a6e-0000-4000-8000-000000000000")

MAX_MEBIBYTES = {"hub": 220, "service": 120}
"""Memory after the start: all services in one process, and one. A page that processes share counts
in part for each (proportional set size), so that the sum is what the machine gives."""

ELEMENT_TOTALS = (105, 101, 100, 116, 102, 105, 106, 105, 115)
"""A worked example of 29 responses, of which the index is 91.48 (PermenPANRB 14/2017)."""

NULL_BEFORE = {
    "discovery.awareness",
    "knowledge.awareness",
    "knowledge.online",
    "legitimation.satisfaction",
    "trust.reporting",
}


@pytest.fixture(params=[in_one_process, in_four_processes])
def hub(
    request: pytest.FixtureRequest, server: Server, database: str, tmp_path: Path
) -> Iterator[RunningHub]:
    """Provide a running hub with the Toba pack: one process, and a process for each service."""
    make: Callable[[str, Path], RunningHub] = request.param
    made = make(server.address_of(database), tmp_path)
    made.run = process  # a fork would have the memory of what it is a fork of
    with running_hub(made, tuple(made.addresses)) as hub:
        yield hub


def test_a_citizen_three_agencies_and_an_evaluator_walk_through_the_hub(hub: RunningHub) -> None:
    each_process_takes_little_memory_after_its_start(hub)
    everybody_walks_through(hub)


def everybody_walks_through(hub: RunningHub) -> None:
    """Walk through a hub with the Toba pack that nobody has used."""
    before = dynamics(hub)
    assert {code for code in NULL_BEFORE if before[code]["value"] is None} == NULL_BEFORE

    a_citizen_finds_the_building_permit_and_goes_to_its_portal(hub)
    agencies_report_a_month_twice_and_correct_it(hub)
    the_lead_agency_declares_that_agencies_know_their_duty(hub)
    people_answer_the_surveys(hub)

    after = dynamics(hub)
    # 12 and 9 of 30 whom enumerators asked; the visitors of the page, who knew it, do not count.
    assert after["discovery.awareness"]["value"] == 40
    assert after["knowledge.awareness"]["value"] == 30
    assert after["legitimation.satisfaction"]["raw"] == 91.48
    assert after["knowledge.online"]["raw"] == pytest.approx(107 / 310, abs=1e-6)
    # Reported now for a month of 2024: known, and late.
    assert after["trust.reporting"]["value"] == 0
    changed = {code for code, node in after.items() if node["value"] != before[code]["value"]}
    assert changed == NULL_BEFORE
    the_command_line_assesses_as_the_api_does(hub)
    an_assessment_is_kept_and_leads_to_its_evidence(hub)
    an_orderly_stop_loses_no_visit(hub)


def each_process_takes_little_memory_after_its_start(hub: RunningHub) -> None:
    for name, running in hub.processes.items():
        kind = "hub" if name == "hub" else "service"
        memory = Path(f"/proc/{running.running.pid}/smaps_rollup")
        if not memory.exists():  # on Linux only
            continue
        fields = (line.split() for line in memory.read_text().splitlines()[1:])
        mebibytes = {field: int(size) / 1024 for field, size, *_ in fields}
        assert mebibytes["Pss:"] < MAX_MEBIBYTES[kind], (name, mebibytes)


def a_citizen_finds_the_building_permit_and_goes_to_its_portal(hub: RunningHub) -> None:
    found = hub.get(f"{API}/services?query=izin bangunan").json()["items"]
    assert found[0]["slug"] == "pbg"
    page = hub.get("/cari?q=izin bangunan")
    assert page.status_code == 200
    assert re.findall(r"/layanan/([a-z0-9-]+)", page.text)[0] == "pbg"

    detail = hub.get("/layanan/pbg")
    assert "/go/simbg" in detail.text
    portal = hub.get(f"{API}/links/simbg").json()
    assert clicks(hub) == {}
    went = hub.get("/go/simbg?service=pbg")
    assert (went.status_code, went.headers["location"]) == (302, portal["url"])
    until(lambda: clicks(hub) == {("simbg", "pbg"): 1})


def agencies_report_a_month_twice_and_correct_it(hub: RunningHub) -> None:
    reports = {
        agency: statistics_of(hub, agency, submitted=100 + number)
        for number, agency in enumerate(reporting_agencies(hub))
    }
    keys = {agency: hub.key(agency, "usage:write") for agency in reports}
    for agency, batch in reports.items():
        assert stored(hub, batch, keys[agency]) == (3, 0, 0)
    total = sum(100 + number for number in range(3))
    assert submitted(hub) == total

    for agency, batch in reports.items():
        assert stored(hub, batch, keys[agency]) == (0, 0, 3)
    assert submitted(hub) == total

    first, other, _ = reports
    correction = statistics_of(hub, first, submitted=107, reason="Dihitung ulang.")
    assert stored(hub, correction, keys[first]) == (0, 1, 2)
    assert submitted(hub) == total + 7
    [old, new] = [
        figure
        for figure in hub.get(f"{API}/usage/statistics?period={PERIOD}&agency={first}").json()[
            "items"
        ]
        if figure["measure"] == "submitted"
    ]
    assert (old["value"], old["revision"], old["is_current"]) == (100, 1, False)
    assert (new["value"], new["revision"], new["is_current"]) == (107, 2, True)
    assert new["reason"] == "Dihitung ulang."

    foreign = hub.post(f"{API}/usage/statistics", reports[other], key=keys[first])
    assert foreign.status_code == 403
    assert foreign.json()["errors"][0]["pointer"] == "#/statistics/0/agency"
    assert hub.post(f"{API}/usage/statistics", reports[first]).status_code == 401

    # The month that runs is reported although it is not owed: the pack was loaded in it.
    month = datetime.now(UTC).strftime("%Y-%m")
    timely = statistics_of(hub, other, submitted=1, period=month)
    assert stored(hub, timely, keys[other]) == (3, 0, 0)
    reporting = hub.get(f"{API}/usage/reporting?period={month[:4]}").json()
    assert (reporting["expected"], reporting["on_time"], reporting["late"]) == (0, 0, 0)

    key_id = keys[first].split("_")[1]
    assert hub.emall("keys", "revoke", key_id).returncode == 0
    # A notification tells the hub, which rejects the key within two seconds at the latest.
    bearer = {"Authorization": f"Bearer {keys[first]}"}
    until(lambda: hub.get(f"{API}/keys", headers=bearer).status_code == 401)
    refused = hub.post(f"{API}/usage/statistics", reports[first], key=keys[first])
    assert refused.status_code == 401
    assert "revoked" in refused.json()["detail"]
    assert hub.emall("keys", "revoke", key_id).returncode == 1


def the_lead_agency_declares_that_agencies_know_their_duty(hub: RunningHub) -> None:
    pack = shutil.copytree(TOBA, hub.folder / "pack")
    with (pack / "pack.yaml").open("a", encoding="utf-8") as file:
        file.write('reporting_from: "2024-01"\n')
    loaded = hub.emall("load", str(pack))
    assert loaded.returncode == 0, loaded.stderr
    # Now that the months are agreed, the one that runs was reported before its deadline.
    year = datetime.now(UTC).year
    assert hub.get(f"{API}/usage/reporting?period={year}").json()["on_time"] == 1

    unknown = dynamics(hub)["trust.reporting"]
    assert unknown["value"] is None
    declaration = {
        "key": "reporting-2024",
        "register_name": "reporting",
        "year": 2024,
        "entries": len(hub.get(f"{API}/usage/reporting?period=2024").json()["agencies"]),
        "sources": ["study-2025"],
    }
    lead = hub.key("diskominfo", "evidence:write", "evidence:confirm")
    declared = hub.post(f"{API}/declarations", declaration, key=lead)
    assert (declared.status_code, declared.json()["state"]) == (201, "proposed"), declared.text
    assert dynamics(hub)["trust.reporting"] == unknown

    path = f"{API}/evidence/declarations/{declared.json()['id']}/versions/1/confirmation"
    assert hub.post(path, None, key=lead).status_code == 403
    confirmed = hub.post(path, None, key=hub.key("dukcapil", "evidence:confirm"))
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "confirmed"), confirmed.text


def people_answer_the_surveys(hub: RunningHub) -> None:
    year = datetime.now(DEFAULT_ZONE).year
    drawn = {
        "opens_on": f"{year}-01-01",
        "closes_on": f"{year}-12-31",
        "sample": "drawn",
        "population": 206_199,
        "asked": 60,
    }
    opened = LOOPBACK.put(
        f"{hub.address}{API}/surveys/awareness/rounds/{year}",
        json=drawn,
        headers={"Authorization": f"Bearer {hub.key('diskominfo', 'metrics:draft')}"},
        timeout=60,
    )
    assert opened.status_code == 201, opened.text
    for number in range(100, 106):
        respond(hub, "awareness", number, {"knows_portals": ["simbg"], "used": "yes"})
    enumerator = hub.key("diskominfo", "surveys:collect")
    for number in range(30):
        answers: dict[str, Any] = {
            "knows_portals": ["simbg", "oss"] if number < 12 else ["none"],
            "used": "yes" if number < 6 else "no",
            "knows_service_online": "yes" if number < 9 else "no",
        }
        respond(hub, "awareness", number, answers, enumerator=enumerator)
    for number in range(29):
        respond(hub, "skm", number, satisfaction_of(number))
    repeated = respond(hub, "skm", 0, satisfaction_of(0), status=200)
    assert repeated["repeated"]

    hub.move_responses("2024-05-14")
    hub.form_bundles()
    results = hub.get(f"{API}/surveys/skm/results?period=2024").json()
    assert (results["n"], results["satisfaction"]["ikm"]) == (29, 91.48)
    assert tuple(element["total"] for element in results["satisfaction"]["elements"]) == (
        ELEMENT_TOTALS
    )
    older = hub.get(f"{API}/surveys/skm/results?period=2024&weight=0.11").json()
    assert older["satisfaction"]["ikm"] == 90.56
    assert hub.get(f"{API}/surveys/awareness/results?period=2024").json()["by_sample"] == {
        "drawn": 30,
        "self_selected": 6,
    }


def an_assessment_is_kept_and_leads_to_its_evidence(hub: RunningHub) -> None:
    live = hub.get(f"{API}/metrics/collaboration-dynamics?period=2024").json()
    assert len(live["scores"]["drivers"]) == 4
    assert sum(len(d["elements"]) for d in live["scores"]["dimensions"]) == 12
    assert live["notices"] == []
    valued = follow(hub, live["scores"])
    assert valued >= 20

    key = hub.key("diskominfo", "metrics:draft")
    answer = hub.post(f"{API}/assessments", {"period": 2024}, key=key)
    assert answer.status_code == 201, answer.text
    stored_assessment = answer.json()
    assert answer.headers["location"] == stored_assessment["href"]
    assert stored_assessment["evidence_hash"] == live["evidence_hash"]
    assert values_of(stored_assessment["scores"]) == values_of(live["scores"])
    assert follow(hub, stored_assessment["scores"]) == valued

    read = {
        (item["kind"], item["key"]): item
        for item in hub.get(stored_assessment["evidence_href"]).json()["items"]
    }
    nodes = hub.get(stored_assessment["scores_href"]).json()["items"]
    assert len(nodes) == 1 + len(stored_assessment["scores"]["dimensions"]) + 12 + 4 + len(
        values_of(stored_assessment["scores"])
    )
    for node in nodes:
        detail = hub.get(node["href"]).json()
        assert detail["node"] == node
        for href in [*detail["children"], *([detail["parent"]] if detail["parent"] else [])]:
            assert href in {other["href"] for other in nodes}
        for item in detail["evidence"]:
            assert item == read[item["kind"], item["key"]]
        indicator = indicators_of(stored_assessment["scores"]).get(node["code"])
        if indicator is not None:
            named = {(link["kind"], link["key"]) for link in indicator["evidence"]}
            assert {(item["kind"], item["key"]) for item in detail["evidence"]} == named

    # It stays as it was when the evidence moves on.
    # (Answers count from the fifth on.)
    enumerator = hub.key("diskominfo", "surveys:collect")
    for number in range(30, 35):
        answers = {"knows_portals": ["oss"], "used": "yes"}
        respond(hub, "awareness", number, answers, enumerator=enumerator)
    hub.move_responses("2024-05-14")
    hub.form_bundles()
    assert dynamics(hub)["discovery.awareness"]["value"] != 40
    assert hub.get(stored_assessment["href"]).json() == stored_assessment


def the_command_line_assesses_as_the_api_does(hub: RunningHub) -> None:
    live = hub.get(f"{API}/metrics/collaboration-dynamics?period=2024").json()
    answer = hub.emall("assess", "--period", "2024")
    assert answer.returncode == 0, answer.stderr
    [stored_assessment] = hub.get(f"{API}/assessments").json()["items"]
    assert f'"evidence_hash": "{live["evidence_hash"]}"' in answer.stdout
    assert stored_assessment["evidence_hash"] == live["evidence_hash"]
    assert stored_assessment["recorded_by"] == "emall-assess"


def an_orderly_stop_loses_no_visit(hub: RunningHub) -> None:
    before = clicks(hub)["simbg", "pbg"]
    door = "hub" if "hub" in hub.addresses else "gateway"
    for _ in range(10):
        assert hub.get("/go/simbg?service=pbg").status_code == 302
    assert hub.stop(door) == 0
    hub.start(door)
    hub.wait(door)
    assert clicks(hub)["simbg", "pbg"] == before + 10


def test_a_hub_in_four_processes_goes_on_without_one_of_them(
    server: Server, database: str, tmp_path: Path
) -> None:
    made = in_four_processes(server.address_of(database), tmp_path)
    with running_hub(made, tuple(made.addresses)) as four:
        a_service_called_past_the_door_answers_nobody(four)
        a_catalogue_that_is_down_is_told_and_the_rest_goes_on(four)
        another_service_that_is_down_is_told_and_comes_back(four, "assessment")
        visits_outlive_a_stop_while_feedback_is_down(four)


def a_service_called_past_the_door_answers_nobody(four: RunningHub) -> None:
    for name, path in (("catalog", "services"), ("feedback", "surveys"), ("assessment", "methods")):
        for token in ("", "emk_x_y", "e30.e30.e30"):
            answer = LOOPBACK.get(
                f"{four.addresses[name]}{API}/{path}",
                headers={"Authorization": f"Bearer {token}"} if token else {},
            )
            assert answer.status_code == 401, (name, token, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
    private = four.folder / "identity" / "private.pem"
    assert [private] == list(four.folder.rglob("private.pem"))


def a_catalogue_that_is_down_is_told_and_the_rest_goes_on(four: RunningHub) -> None:
    assert four.stop("catalog") == 0
    listed = four.get(f"{API}/services")
    assert listed.status_code == 503
    assert listed.headers["content-type"] == "application/problem+json"
    assert listed.headers["retry-after"] == "5"
    assert listed.json()["service"] == "catalog"
    page = four.get("/layanan", headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert page.headers["content-type"].startswith("text/html")
    status = four.get(f"{API}/status").json()
    assert (status["state"], states(status)["catalog"]) == ("degraded", "down")

    # Where the catalogue is not needed, nothing is amiss.
    assert four.get("/go/simbg").status_code == 302
    assert four.get(f"{API}/surveys").status_code == 200
    live = four.get(f"{API}/metrics/collaboration-dynamics?period=2024").json()
    assert ["catalog" in notice for notice in live["notices"]] == [True]
    key = four.key("diskominfo", "metrics:draft")
    refused = four.post(f"{API}/assessments", {"period": 2024}, key=key)
    assert refused.status_code == 503

    four.start("catalog")
    four.wait("catalog")
    assert four.get(f"{API}/services").status_code == 200
    assert four.get("/layanan").status_code == 200
    assert four.get(f"{API}/status").json()["state"] == "ok"
    assert four.post(f"{API}/assessments", {"period": 2024}, key=key).status_code == 201


def another_service_that_is_down_is_told_and_comes_back(four: RunningHub, name: str) -> None:
    path = {"feedback": "/surveys", "assessment": "/methods"}[name]
    assert four.get(API + path).status_code == 200
    assert four.stop(name) == 0
    down = four.get(API + path)
    assert (down.status_code, down.json()["service"]) == (503, name)
    assert four.get(f"{API}/services").status_code == 200
    assert four.get("/").status_code == 200
    four.start(name)
    four.wait(name)
    assert four.get(API + path).status_code == 200


def dynamics(hub: RunningHub) -> dict[str, dict[str, Any]]:
    """Return the present indicators of 2024."""
    answer = hub.get(f"{API}/metrics/collaboration-dynamics?period=2024")
    assert answer.status_code == 200, answer.text
    return indicators_of(answer.json()["scores"])


def values_of(scores: dict[str, Any]) -> dict[str, float | None]:
    return {code: node["value"] for code, node in indicators_of(scores).items()}


def states(status: dict[str, Any]) -> dict[str, str]:
    return {health["service"]: health["state"] for health in status["services"]}


def visits_outlive_a_stop_while_feedback_is_down(four: RunningHub) -> None:
    four.stop("feedback")
    down = four.get(f"{API}/surveys")
    assert (down.status_code, down.json()["service"]) == (503, "feedback")
    for _ in range(5):
        assert four.get("/go/oss?service=nib").status_code == 302
    assert four.stop("gateway") == 0
    four.start("feedback")
    four.start("gateway")
    four.wait()
    until(lambda: clicks(four).get(("oss", "nib")) == 5)


def clicks(hub: RunningHub) -> dict[tuple[str, str], int]:
    cells = hub.get(f"{API}/usage/summary?group_by=link,service").json()["items"]
    return {
        (cell["link"], cell["service"]): cell["value"]
        for cell in cells
        if cell["measure"] == "click_out"
    }


def submitted(hub: RunningHub) -> int:
    """Applications of the month, by the summary."""
    cells = hub.get(f"{API}/usage/summary?from={PERIOD}-01&to={PERIOD}-31").json()["items"]
    return next(cell["value"] for cell in cells if cell["measure"] == "submitted")


def reporting_agencies(hub: RunningHub) -> list[str]:
    """Three agencies that have services."""
    agencies = hub.get(f"{API}/agencies?limit=100").json()["items"]
    return [agency["slug"] for agency in agencies if agency["services"]][:3]


def statistics_of(
    hub: RunningHub,
    agency: str,
    *,
    submitted: int,
    period: str = PERIOD,
    reason: str | None = None,
) -> dict[str, Any]:
    """Return statistics of a month of an agency's first service."""
    service = hub.get(f"{API}/services?agency={agency}").json()["items"][0]["slug"]
    counters = {"submitted": submitted, "completed": 90, "rejected": 4}
    # The first agency to report works online, the others at the counter.
    channel = "online" if agency == reporting_agencies(hub)[0] else "counter"
    item = {
        "agency": agency,
        "service": service,
        "channel": channel,
        "period": period,
        "counters": counters,
        "reason": reason,
    }
    return {"statistics": [item]}


def stored(hub: RunningHub, batch: dict[str, Any], key: str) -> tuple[int, int, int]:
    """Counters that were new, corrected and known."""
    answer = hub.post(f"{API}/usage/statistics", batch, key=key)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return body["added"], body["revised"], body["unchanged"]


def satisfaction_of(number: int) -> dict[str, int]:
    """Return the answers of one of 29 respondents, whose sums are those of the example."""
    answers: dict[str, int] = {}
    for element, total in enumerate(ELEMENT_TOTALS, start=1):
        level, more = divmod(total, 29)
        answers[f"U{element}"] = level + (number < more)
    return answers


def respond(
    hub: RunningHub,
    survey: str,
    number: int,
    answers: dict[str, Any],
    *,
    status: int = 201,
    enumerator: str | None = None,
) -> dict[str, Any]:
    """Answer as the person of this number: from an address of their own, or asked by an enumerator
    who has this key."""
    body: dict[str, Any] = {"id": str(uuid5(NAMES, f"{survey} {number}")), "answers": answers}
    headers = {"X-Forwarded-For": f"203.0.113.{number}"}
    if enumerator is not None:
        body["mode"] = "enumerator"
        headers = {"Authorization": f"Bearer {enumerator}"}
    path = f"{hub.address}{API}/surveys/{survey}/responses"
    answer = LOOPBACK.post(path, json=body, headers=headers, timeout=60)
    assert answer.status_code == status, answer.text
    return answer.json()
