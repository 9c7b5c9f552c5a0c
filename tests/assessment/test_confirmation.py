"""Evidence that people confirm: states, who may change them, and what scores read."""

from typing import Any

import pytest

from services.platform.identity import Caller
from tests.assessment.test_write_routes import address, meeting, record, write
from tests.conftest import Room, agency_caller

DISKOMINFO = agency_caller("diskominfo", "evidence:write", "evidence:confirm")
BAPPEDA = agency_caller("bappeda", "evidence:write", "evidence:confirm")
SETDA = agency_caller("setda", "evidence:confirm")
ADMIN = agency_caller("setda", "admin")
MEETINGS = "/api/v1/meetings"
PROPOSALS = "/api/v1/evidence/proposals"
DOCUMENT = {
    "name": "Hasil evaluasi",
    "url": "https://jdih.example.go.id/hasil.pdf",
    "sha256": "a" * 64,
}


def act(room: Room, path: str, verb: str, version: int, caller: Any, **body: Any) -> Any:
    path = path.replace("/api/v1/", "/api/v1/evidence/")
    return write(room, "POST", f"{path}/versions/{version}/{verb}", body or None, caller=caller)


def keys(room: Room, path: str = MEETINGS, **parameters: Any) -> set[str]:
    items = room.get(path, **parameters).json()["items"]
    return {item["href"].split("?")[0] + f"@{item['version']}" for item in items}


def test_what_the_pack_takes_from_a_publication_is_confirmed(regency: Room) -> None:
    meetings = regency.get(MEETINGS).json()["items"]
    assert {meeting["state"] for meeting in meetings} == {"confirmed"}
    assert all([step["by"] for step in each["states"]] == ["pack"] for each in meetings)
    assert regency.get(MEETINGS, state="proposed").json()["items"] == []


def test_what_an_agency_records_is_proposed_until_another_confirms_it(regency: Room) -> None:
    stored = record(regency, meeting())
    path = address(stored)
    assert stored.json()["state"] == "proposed"
    assert keys(regency, state="proposed") == {f"{path}@1"}
    waiting = {"kind": "meetings", "recorded_by": "diskominfo", "count": 1}
    assert waiting in regency.get(PROPOSALS).json()["items"]

    own = act(regency, path, "confirmation", 1, DISKOMINFO)
    assert (own.status_code, own.json()["type"]) == (403, "urn:emall:problem:not-allowed")
    done = act(regency, path, "confirmation", 1, BAPPEDA)
    assert done.status_code == 200, done.text
    assert done.json()["state"] == "confirmed"
    assert [(s["state"], s["by"]) for s in done.json()["states"]] == [
        ("proposed", "diskominfo"),
        ("confirmed", "bappeda"),
    ]
    assert f"{path}@1" in keys(regency, state="confirmed")
    assert waiting not in regency.get(PROPOSALS).json()["items"]
    assert act(regency, path, "confirmation", 1, BAPPEDA).json() == done.json()
    assert regency.get(f"{path}/versions").json()["items"][0]["state"] == "confirmed"


def test_a_person_of_two_agencies_does_not_confirm_what_the_same_person_recorded(
    regency: Room,
) -> None:
    for_one, for_other, colleague = (
        Caller(subject=person, agency=agency, scopes=DISKOMINFO.scopes)
        for person, agency in (("ani", "diskominfo"), ("ani", "bappeda"), ("budi", "bappeda"))
    )
    path = address(write(regency, "POST", MEETINGS, meeting(), caller=for_one))
    refused = act(regency, path, "confirmation", 1, for_other)
    assert refused.status_code == 403
    assert "Another person" in refused.json()["detail"]
    assert act(regency, path, "confirmation", 1, colleague).json()["state"] == "confirmed"


def test_confirming_needs_its_own_scope(regency: Room) -> None:
    path = address(record(regency, meeting()))
    writer = agency_caller("bappeda", "evidence:write")
    assert act(regency, path, "confirmation", 1, writer).status_code == 403
    assert act(regency, path, "dispute", 1, writer, reason="x").status_code == 403


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("meetings", meeting(led_by="kepala-bappeda")),
        ("risks", {"owner": "kepala-bappeda", "attested_in": 2025}),
        ("programmes", {"partners": ["kepala-bappeda"], "attested_in": 2025}),
        (
            "agreements",
            {
                "parties": ["kepala-bappeda", "rri-sibolga"],
                "partner_sector": "private",
                "scope": "x",
                "attested_in": 2025,
            },
        ),
        ("stakeholders", {"agency": "bappeda", "sector": "government", "attested_in": 2025}),
    ],
)
def test_an_organisation_that_a_record_favours_does_not_confirm_it(
    regency: Room, kind: str, body: dict[str, Any]
) -> None:
    stakeholder = {
        "key": "kepala-bappeda",
        "name": "Kepala Bappeda",
        "name_en": "Head of Bappeda",
        "sector": "government",
        "agency": "bappeda",
        "valid_from": "2025-01-01",
        "sources": ["study-2025"],
    }
    posted = write(regency, "POST", "/api/v1/stakeholders", stakeholder, caller=DISKOMINFO)
    assert posted.status_code in {201, 409}
    named = {"key": "a", "name": "x", "name_en": "x", "sources": ["study-2025"]}
    stored = write(regency, "POST", f"/api/v1/{kind}", named | body, caller=DISKOMINFO)
    assert stored.status_code == 201, stored.text
    refused = act(regency, address(stored), "confirmation", 1, BAPPEDA)
    assert refused.status_code == 403
    assert "bappeda" in refused.json()["detail"]
    assert act(regency, address(stored), "confirmation", 1, SETDA).status_code == 200


def test_a_correction_counts_when_it_is_confirmed(regency: Room) -> None:
    first = record(regency, meeting())
    path = address(first)
    act(regency, path, "confirmation", 1, BAPPEDA)
    tag = regency.get(path).headers["ETag"]
    changed = meeting(minutes=True)
    second = write(regency, "PUT", path, changed, caller=DISKOMINFO, If_Match=tag)
    assert (second.status_code, second.json()["state"]) == (200, "proposed")
    assert f"{path}@1" in keys(regency, state="confirmed")
    assert f"{path}@2" in keys(regency, state="proposed")
    assert f"{path}@2" in keys(regency)
    old = act(regency, path, "confirmation", 1, BAPPEDA)
    assert old.status_code == 200, "it is confirmed already"
    assert act(regency, path, "confirmation", 2, BAPPEDA).status_code == 200
    assert f"{path}@2" in keys(regency, state="confirmed")


def test_a_version_that_was_corrected_since_is_not_confirmed(regency: Room) -> None:
    first = record(regency, meeting())
    path, tag = address(first), first.headers["ETag"]
    write(regency, "PUT", path, meeting(minutes=True), caller=DISKOMINFO, If_Match=tag)
    stale = act(regency, path, "confirmation", 1, BAPPEDA)
    assert stale.status_code == 409
    assert "Version 2" in stale.json()["detail"]
    assert act(regency, path, "confirmation", 3, BAPPEDA).status_code == 404
    nowhere = act(regency, path.replace("meetings", "walks"), "confirmation", 1, BAPPEDA)
    assert nowhere.status_code == 404
    assert "meetings" in nowhere.json()["errors"][0]["detail"]


def test_a_confirmed_record_is_withdrawn_when_another_organisation_confirms_it(
    regency: Room,
) -> None:
    path = address(record(regency, meeting()))
    act(regency, path, "confirmation", 1, BAPPEDA)
    tag = regency.get(path).headers["ETag"]
    gone = write(regency, "DELETE", path, caller=DISKOMINFO, If_Match=tag)
    assert gone.status_code == 204
    [pending] = regency.get(MEETINGS, state="proposed").json()["items"]
    assert (pending["content"], pending["version"]) == (None, 2)
    assert f"{path}@1" in keys(regency, state="confirmed")
    taken = write(regency, "POST", MEETINGS, meeting(), caller=BAPPEDA)
    assert taken.status_code == 409, "the record still stands under its key"
    own = act(regency, path, "confirmation", 2, DISKOMINFO)
    assert own.status_code == 403
    done = act(regency, path, "confirmation", 2, BAPPEDA)
    assert done.json()["state"] == "withdrawn"
    assert keys(regency, state="withdrawn") == {f"{path}@2"}
    assert f"{path}@1" not in keys(regency, state="confirmed") | keys(regency)


def test_a_dispute_has_a_reason_and_is_settled_by_its_author_or_an_administrator(
    regency: Room,
) -> None:
    path = address(record(regency, meeting()))
    assert act(regency, path, "dispute", 1, BAPPEDA).status_code == 422
    own = act(regency, path, "dispute", 1, DISKOMINFO, reason="no")
    assert own.status_code == 403
    disputed = act(regency, path, "dispute", 1, BAPPEDA, reason="Nobody was there.")
    assert disputed.json()["states"][-1]["reason"] == "Nobody was there."
    assert keys(regency, state="disputed") == {f"{path}@1"}
    assert act(regency, path, "dispute", 1, SETDA, reason="x").status_code == 409
    assert act(regency, path, "confirmation", 1, SETDA).status_code == 403
    assert act(regency, path, "confirmation", 1, ADMIN).status_code == 200

    agency = act(regency, path, "dispute", 1, BAPPEDA, reason="Still.")
    assert agency.status_code == 403, "what is confirmed is disputed by an administrator"
    again = act(regency, path, "dispute", 1, ADMIN, reason="The minutes are another meeting's.")
    assert [step["state"] for step in again.json()["states"]] == [
        "proposed",
        "disputed",
        "confirmed",
        "disputed",
    ]
    assert f"{path}@1" not in keys(regency, state="confirmed")


def test_published_values_of_an_index_are_recorded_by_an_administrator(regency: Room) -> None:
    value = {
        "key": "spbe-2025",
        "index": "spbe-2020",
        "year": 2025,
        "value": 3.5,
        "sources": ["study-2025"],
        "document": DOCUMENT,
    }
    agency = write(regency, "POST", "/api/v1/index-values", value, caller=DISKOMINFO)
    assert agency.status_code == 403
    admin = write(regency, "POST", "/api/v1/index-values", value, caller=ADMIN)
    assert admin.status_code == 201
    [index] = [
        one for one in regency.get("/api/v1/indices").json()["items"] if one["id"] == "spbe-2020"
    ]
    assert 3.5 not in {one["value"] for one in index["values"]}, "it is not yet confirmed"


def test_a_list_of_withdrawn_records_goes_on_after_records_of_one_key(regency: Room) -> None:
    for _ in range(3):
        stored = record(regency, meeting())
        write(
            regency,
            "DELETE",
            address(stored),
            caller=DISKOMINFO,
            If_Match=stored.headers["ETag"],
        )
    seen: list[str] = []
    answer = regency.get(MEETINGS, state="withdrawn", limit=2).json()
    seen += [item["id"] for item in answer["items"]]
    rest = regency.get(answer["next"]).json()
    seen += [item["id"] for item in rest["items"]]
    assert (len(set(seen)), rest["next"]) == (3, None)


SOURCED = {"key": "a", "name": "x", "name_en": "x", "sources": ["study-2025"], "attested_in": 2025}


@pytest.mark.parametrize(
    ("kind", "body", "pointer", "possible"),
    [
        (
            "observations",
            {"subject": "agencies_taking_prat", "unit": "share", "value": 1},
            "#/subject",
            "agencies_taking_part",
        ),
        ("decisions", {"number": "1", "instruments": ["e-mall"]}, "#/instruments/0", ""),
        ("decisions", {"number": "1", "instruments": ["emall"]}, "#/instruments/0", "e_mall"),
        (
            "decisions",
            {"number": "1", "procedures": ["risk", "handovers"]},
            "#/procedures/1",
            "handover",
        ),
        (
            "meetings",
            {"kind": "party", "held_on": "2025-01-01", "attested_in": None},
            "#/kind",
            "'desk'",
        ),
        (
            "verdicts",
            {
                "element": "discovered",
                "year": 2025,
                "word": "baik",
                "passage": "h. 3",
                "document": DOCUMENT,
                "name": None,
                "name_en": None,
                "attested_in": None,
            },
            "#/element",
            "discovery",
        ),
    ],
)
def test_a_code_of_no_vocabulary_is_refused_with_those_that_are_possible(
    shared_regency: Room, kind: str, body: dict[str, Any], pointer: str, possible: str
) -> None:
    sent = {name: value for name, value in (SOURCED | body).items() if value is not None}
    answer = write(shared_regency, "POST", f"/api/v1/{kind}", sent, caller=DISKOMINFO)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert possible in error["detail"]


def test_an_index_has_one_value_of_a_year_with_its_document(regency: Room) -> None:
    value = {
        "key": "spbe-2024-again",
        "index": "spbe-2020",
        "year": 2024,
        "value": 3.9,
        "sources": ["study-2025"],
    }
    path = "/api/v1/index-values"
    bare = write(regency, "POST", path, value, caller=ADMIN)
    assert (bare.status_code, bare.json()["errors"][0]["pointer"]) == (422, "#/document")
    documented = value | {"document": DOCUMENT}
    second = write(regency, "POST", path, documented, caller=ADMIN)
    assert (second.status_code, second.json()["errors"][0]["pointer"]) == (409, "#/year")
    assert "spbe-2024 " in second.json()["errors"][0]["detail"]
    target = write(regency, "POST", path, documented | {"role": "target"}, caller=ADMIN)
    assert target.status_code == 201
    assert target.json()["content"]["document"] == DOCUMENT
