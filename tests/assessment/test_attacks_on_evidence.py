"""Attacks on a confirmed score through evidence: none raises it, or each leaves a visible trace."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.assessment.bundles.verify import verify
from tests.conftest import Hub
from tests.gateway.key_rows import chain_audit_log

API = "/api/v1"
DYNAMICS = f"{API}/metrics/collaboration-dynamics"
Scores = dict[str, Any]


def scores(hub: Hub, period: int = 2024) -> Scores:
    answer = hub.client.get(DYNAMICS, params={"period": period, "draws": 200})
    assert answer.status_code == 200, answer.text
    return answer.json()["scores"]


def figures(found: Scores) -> dict[str, Any]:
    """Value and bounds of each node of the official tree."""
    elements = [element for dimension in found["dimensions"] for element in dimension["elements"]]
    nodes = [found["index"], *found["dimensions"], *elements, *found["drivers"]]
    names = ("value", "proven", "possible", "coverage")
    return {node["code"]: {name: node.get(name) for name in names} for node in nodes}


def with_proposals(found: Scores, code: str = "collaboration_dynamics") -> Any:
    return next(node for node in found["with_proposals"]["nodes"] if node["code"] == code)


def record_of(hub: Hub, kind: str, key: str) -> Any:
    items = hub.client.get(f"{API}/{kind}", params={"limit": 100}).json()["items"]
    [found] = [item for item in items if item["content"]["key"] == key]
    return hub.client.get(f"{API}/{kind}/{found['id']}")


def observation(key: str, subject: str, **more: Any) -> dict[str, Any]:
    return {
        "key": key,
        "subject": subject,
        "name": key,
        "name_en": key,
        "unit": "share",
        "attested_in": 2024,
        "sources": ["study-2025"],
    } | more


def post(hub: Hub, kind: str, body: dict[str, Any], agency: str = "dukcapil") -> Any:
    key = hub.auth(agency, "evidence:write")
    answer = hub.client.post(f"{API}/{kind}", json=body, headers=key)
    assert answer.status_code == 201, answer.text
    return answer


def test_the_only_memorandum_withdrawn_counts_until_another_organisation_agrees(hub: Hub) -> None:
    before = scores(hub)
    memorandum = record_of(hub, "agreements", "rri-sibolga")
    where = f"{API}/agreements/{memorandum.json()['id']}"
    tag = {"If-Match": memorandum.headers["ETag"]}
    agency = hub.client.delete(where, headers=hub.auth("diskominfo", "evidence:write") | tag)
    assert agency.status_code == 403
    gone = hub.client.delete(where, headers=hub.auth("diskominfo", "admin") | tag)
    assert gone.status_code == 204

    pending = scores(hub)
    assert figures(pending) == figures(before)
    assert pending["with_proposals"]["proposals"] == 1
    assert with_proposals(pending, "commitment") != figures(before)["commitment"]

    path = f"{API}/evidence/agreements/{memorandum.json()['id']}/versions/2/confirmation"
    own = hub.client.post(path, headers=hub.auth("diskominfo", "admin"))
    assert own.status_code == 403
    done = hub.client.post(path, headers=hub.auth("dukcapil", "evidence:confirm"))
    assert done.json()["state"] == "withdrawn"
    after = scores(hub)
    [former] = after["former_evidence"]
    assert (former["kind"], former["key"]) == ("agreements", "rri-sibolga")
    assert former["index"]["value"] == before["index"]["value"]
    assert hub.client.get(former["href"]).json()["content"]["key"] == "rri-sibolga"

    tag = {"If-Match": hub.client.get(where).headers["ETag"]}
    back = hub.client.put(
        where,
        json=memorandum.json()["content"],
        headers=hub.auth("diskominfo", "admin") | tag,
    )
    hub.confirm(back)
    assert figures(scores(hub)) == figures(before)


@pytest.mark.slow
def test_eleven_records_of_one_agency_that_cite_the_study_move_nothing(hub: Hub) -> None:
    before = scores(hub)
    subjects = (
        "agencies_taking_part",
        "partners_taking_part",
        "programmes_running",
        "agencies_with_budget",
        "staff_trained",
        "comments_answered_in_time",
        "risks_with_mitigation",
    )
    posted = [
        post(hub, "observations", observation(f"own-{at}", subject, value=1))
        for at, subject in enumerate(subjects)
    ]
    named = {"name": "x", "name_en": "x", "sources": ["study-2025"]}
    for at in range(4):
        body = named | {
            "key": f"mou-{at}",
            "parties": ["kepala-diskominfo", "rri-sibolga"],
            "partner_sector": "private",
            "scope": "x",
            "attested_in": 2024,
        }
        posted.append(post(hub, "agreements", body))
    found = scores(hub)
    assert figures(found) == figures(before)
    assert found["with_proposals"]["proposals"] == len(posted) == 11
    assert with_proposals(found)["value"] != before["index"]["value"]
    own = hub.auth("dukcapil", "evidence:write", "evidence:confirm")
    for answer in posted:
        address = answer.headers["Location"].replace(API, f"{API}/evidence")
        refused = hub.client.post(f"{address}/versions/1/confirmation", headers=own)
        assert refused.status_code == 403
    assert figures(scores(hub)) == figures(before)


def test_a_correction_moves_nothing_until_it_is_confirmed_and_is_seen_then(hub: Hub) -> None:
    before = scores(hub)
    assert before["former_evidence"] == []
    current = record_of(hub, "observations", "programmes-running-2024")
    where = f"{API}/observations/{current.json()['id']}"
    put = hub.client.put(
        where,
        json=current.json()["content"] | {"value": 1.0},
        headers=hub.auth("diskominfo", "admin") | {"If-Match": current.headers["ETag"]},
    )
    assert figures(scores(hub)) == figures(before)
    hub.confirm(put)
    after = scores(hub)
    assert after["index"]["value"] != before["index"]["value"]
    [former] = after["former_evidence"]
    assert (former["key"], former["version"]) == ("programmes-running-2024", 1)
    assert former["index"]["value"] == before["index"]["value"]
    assert after["self_reports"]["self_reported"] == before["self_reports"]["self_reported"] + 1


def test_a_dispute_of_what_is_confirmed_is_seen_and_can_be_taken_back(hub: Hub) -> None:
    before = scores(hub)
    record = record_of(hub, "observations", "risks-with-mitigation-2024").json()
    path = f"{API}/evidence/observations/{record['id']}/versions/1"
    body = {"reason": "Ada mitigasi."}
    agency = hub.client.post(
        f"{path}/dispute", json=body, headers=hub.auth("dukcapil", "evidence:confirm")
    )
    assert agency.status_code == 403
    admin = hub.auth("diskominfo", "admin")
    assert hub.client.post(f"{path}/dispute", json=body, headers=admin).status_code == 200
    [former] = scores(hub)["former_evidence"]
    assert former["key"] == "risks-with-mitigation-2024"
    assert hub.client.post(f"{path}/confirmation", headers=admin).status_code == 200
    assert figures(scores(hub)) == figures(before)
    assert scores(hub)["former_evidence"] == []


def test_a_stored_assessment_and_its_bundle_hold_proposals_and_their_states(hub: Hub) -> None:
    post(hub, "observations", observation("own", "staff_trained", value=1))
    key = hub.auth("diskominfo", "metrics:draft")
    stored = hub.client.post(
        f"{API}/assessments", json={"period": 2024, "draws": 200}, headers=key
    ).json()
    assert stored["scores"]["with_proposals"]["proposals"] == 1
    items = hub.client.get(stored["evidence_href"]).json()["items"]
    [proposed] = [item for item in items if item["state"] == "proposed"]
    assert (proposed["key"], proposed["recorded_by"]) == ("own", "dukcapil")
    assert {item["state"] for item in items if item["version"]} == {"confirmed", "proposed"}
    bundle = hub.client.get(stored["bundle_href"], headers=key)
    assert verify(bundle.content).nodes > 30


def test_the_first_report_of_an_agency_is_a_statistic_and_counts_as_its_own_word(hub: Hub) -> None:
    before = scores(hub)
    statistic = {
        "agency": "dukcapil",
        "service": "ktp-el",
        "channel": "online",
        "period": "2024-03",
        "counters": {"submitted": 40},
    }
    sent = hub.client.post(
        f"{API}/usage/statistics",
        json={"statistics": [statistic]},
        headers=hub.auth("dukcapil", "usage:write"),
    )
    assert sent.is_success, sent.text
    after = scores(hub)
    raised = after["self_reports"]["self_reported"] - before["self_reports"]["self_reported"]
    assert raised >= 1
    assert after["former_evidence"] == []


def test_two_observations_of_one_subject_and_year_both_stand(hub: Hub) -> None:
    before = scores(hub)
    second = observation("programmes-running-again", "programmes_running", value=0.9)
    answer = post(hub, "observations", second)
    assert figures(scores(hub)) == figures(before)
    hub.confirm(answer, agency="setda")
    found = scores(hub)
    [indicator] = [
        indicator
        for dimension in found["dimensions"]
        for element in dimension["elements"]
        for indicator in element["indicators"]
        if indicator["code"] == "understanding.programmes"
    ]
    assert (indicator["interval"]["low"], indicator["interval"]["high"]) == (50, 90)
    assert "programmes-running-again" in indicator["notices"][0]
    assert {link["key"] for link in indicator["evidence"]} >= {second["key"]}


def test_who_confirmed_is_in_the_audit_log(hub: Hub) -> None:
    answer = post(hub, "observations", observation("own", "staff_trained", value=1))
    hub.confirm(answer, agency="setda")
    chain_audit_log(hub.settings)
    lines = hub.client.get(f"{API}/audit", headers=hub.auth("diskominfo", "admin")).json()["items"]
    [line] = [one for one in lines if str(one).count("/confirmation")]
    assert line["agency"] == "setda"


def declare(hub: Hub, register: str, entries: int, agency: str = "diskominfo") -> Any:
    body = {
        "key": f"{register}-2024",
        "register_name": register,
        "year": 2024,
        "entries": entries,
        "sources": ["study-2025"],
    }
    key = hub.auth(agency, "evidence:write")
    return hub.client.post(f"{API}/declarations", json=body, headers=key)


def test_a_register_is_declared_complete_by_the_lead_agency_and_confirmed_by_another(
    hub: Hub,
) -> None:
    refused = declare(hub, "meetings", 1, agency="bappeda")
    assert refused.status_code == 403
    assert "diskominfo" in refused.json()["detail"]
    before = scores(hub)
    declared = declare(hub, "meetings", 1)
    assert declared.status_code == 201, declared.text
    assert figures(scores(hub)) == figures(before)
    hub.confirm(declared)
    assert figures(scores(hub))["deliberation"] != figures(before)["deliberation"]


def test_a_change_to_a_register_declared_complete_stays_visible_with_what_it_did(hub: Hub) -> None:
    hub.confirm(declare(hub, "agreements", 1))
    complete = scores(hub)
    memorandum = record_of(hub, "agreements", "rri-sibolga")
    where = f"{API}/agreements/{memorandum.json()['id']}"
    admin = hub.auth("diskominfo", "admin")
    hub.client.delete(where, headers=admin | {"If-Match": memorandum.headers["ETag"]})
    assert figures(scores(hub)) == figures(complete)
    path = where.replace(API, f"{API}/evidence")
    done = hub.client.post(
        f"{path}/versions/2/confirmation", headers=hub.auth("dukcapil", "evidence:confirm")
    )
    assert done.status_code == 200
    withdrawn = scores(hub)
    for code, node in figures(complete).items():
        assert figures(withdrawn)[code]["proven"] <= node["proven"], code
    [former] = withdrawn["former_evidence"]
    assert former["index"]["proven"] == complete["index"]["proven"]


@pytest.mark.slow
def test_an_entry_after_the_declaration_is_listed_with_the_index_without_it(hub: Hub) -> None:
    hub.confirm(declare(hub, "meetings", 1))
    complete = scores(hub)
    assert complete["late_entries"] == []
    meeting = {
        "key": "forum-2024-11",
        "name": "Forum",
        "name_en": "Forum",
        "kind": "forum",
        "held_on": "2024-11-04",
        "minutes": False,
        "discussion": False,
        "sources": ["study-2025"],
    }
    added = post(hub, "meetings", meeting)
    assert figures(scores(hub)) == figures(complete)
    hub.confirm(added, agency="setda")
    found = scores(hub)
    [late] = found["late_entries"]
    assert late["key"] == "forum-2024-11"
    assert late["index"]["proven"] == complete["index"]["proven"]


@pytest.mark.slow
def test_a_report_tells_of_proposals_and_of_what_no_longer_counts(hub: Hub) -> None:
    current = record_of(hub, "observations", "programmes-running-2024")
    put = hub.client.put(
        f"{API}/observations/{current.json()['id']}",
        json=current.json()["content"] | {"value": 1.0},
        headers=hub.auth("diskominfo", "admin") | {"If-Match": current.headers["ETag"]},
    )
    hub.confirm(put)
    post(hub, "observations", observation("own", "staff_trained", value=1))
    key = hub.auth("diskominfo", "metrics:draft")
    stored = hub.client.post(
        f"{API}/assessments", json={"period": 2024, "draws": 200}, headers=key
    ).json()
    text = hub.client.get(stored["report_href"], params={"format": "html"}).text
    assert "Usulan yang belum dikonfirmasi: 1." in text
    assert "Tidak lagi dihitung: pengamatan programmes-running-2024 (versi 1)" in text


def correct(hub: Hub, posted: Any, confirmed_by: str = "setda", **more: Any) -> Any:
    """Correct a record as an administrator, and confirm the correction."""
    where = posted.headers["Location"]
    current = hub.client.get(where)
    answer = hub.client.put(
        where,
        json=current.json()["content"] | more,
        headers=hub.auth("diskominfo", "admin") | {"If-Match": current.headers["ETag"]},
    )
    assert answer.status_code == 200, answer.text
    hub.confirm(answer, agency=confirmed_by)
    return answer


@pytest.mark.slow
def test_a_second_correction_does_not_hide_what_the_first_one_did(hub: Hub) -> None:
    before = scores(hub)
    current = record_of(hub, "observations", "programmes-running-2024")
    current.headers["Location"] = f"{API}/observations/{current.json()['id']}"
    correct(hub, current, value=1.0)
    correct(hub, current, note="Read again.")
    found = scores(hub)
    assert found["index"]["proven"] > before["index"]["proven"]
    [former] = found["former_evidence"]
    assert former["version"] == 1
    assert former["index"]["proven"] == before["index"]["proven"]


@pytest.mark.slow
def test_a_late_entry_stays_one_when_it_is_corrected_or_the_register_declared_again(
    hub: Hub,
) -> None:
    declared = declare(hub, "meetings", 1)
    hub.confirm(declared)
    complete = scores(hub)
    meeting = {
        "key": "forum-2024-11",
        "name": "Forum",
        "name_en": "Forum",
        "kind": "forum",
        "held_on": "2024-11-04",
        "sources": ["study-2025"],
    }
    added = post(hub, "meetings", meeting)
    hub.confirm(added, agency="setda")
    for change, confirmed_by, more in (
        (added, "setda", {"note": "Read again."}),
        (declared, "dukcapil", {"entries": 2}),
    ):
        correct(hub, change, confirmed_by, **more)
        [late] = scores(hub)["late_entries"]
        assert late["key"] == "forum-2024-11"
        assert late["index"]["proven"] == complete["index"]["proven"]
    # An entry that was in the register before is no late one because of its correction.
    first = hub.client.get(f"{API}/meetings", params={"limit": 100}).json()["items"]
    [known] = [one for one in first if one["content"]["key"] == "forum-2024-08"]
    current = hub.client.get(f"{API}/meetings/{known['id']}")
    current.headers["Location"] = f"{API}/meetings/{known['id']}"
    correct(hub, current, note="Read again.")
    assert [one["key"] for one in scores(hub)["late_entries"]] == ["forum-2024-11"]


@pytest.mark.parametrize(
    ("subject", "figure"),
    [
        ("staff_trained", {"unit": "count", "value": 3}),
        ("agencies_taking_part", {"unit": "%", "low": 51, "high": 75}),
        ("programmes_running", {"unit": "1", "value": 1.5}),
        ("villages_without_coverage", {"unit": "share", "value": 0.1}),
        ("areas_without_coverage", {"unit": "%", "numerator": 28, "denominator": 244, "per": 100}),
    ],
)
def test_a_figure_in_another_unit_than_its_subject_has_is_refused(
    toba_hub: Hub, subject: str, figure: dict[str, Any]
) -> None:
    key = toba_hub.auth("dukcapil", "evidence:write")
    body = observation("other-unit", subject) | figure
    answer = toba_hub.client.post(f"{API}/observations", json=body, headers=key)
    assert answer.status_code == 422, answer.text
    [fault] = answer.json()["errors"]
    assert fault["pointer"] == "#/unit"


@pytest.mark.parametrize("year", [0, 1, 50])
def test_a_register_is_not_declared_complete_before_its_year_is_over(
    toba_hub: Hub, year: int
) -> None:
    late = datetime.now(UTC).year + year
    body = {
        "key": f"meetings-{late}",
        "register_name": "meetings",
        "year": late,
        "entries": 0,
        "sources": ["study-2025"],
    }
    key = toba_hub.auth("diskominfo", "evidence:write")
    answer = toba_hub.client.post(f"{API}/declarations", json=body, headers=key)
    assert answer.status_code == 422, answer.text
    [fault] = answer.json()["errors"]
    assert fault["pointer"] == "#/year"
