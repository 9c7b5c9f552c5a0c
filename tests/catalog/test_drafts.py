"""Drafts of services: written, reviewed and published by a second person, or refused."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from services.platform.identity import Caller, Scope
from tests.conftest import Room, agency_caller
from tests.packs import load, service, write_pack

API = "/api/v1"
AKTA = f"{API}/services/akta"
DRAFT = f"{AKTA}/draft"
WRITE: frozenset[Scope] = frozenset({"catalog:write"})
EDITOR = Caller(subject="one", agency="dukcapil", scopes=WRITE, family="one")
SAME_HAND = Caller(subject="two", agency="dukcapil", scopes=WRITE, family="one")
APPROVER = Caller(subject="three", agency="dukcapil", scopes=WRITE, family="three")
REVIEWER = agency_caller("dukcapil", "catalog:approve")
OTHER = agency_caller("pupr", "catalog:write")


@pytest.fixture
def regency(catalog: Room, tmp_path: Path) -> Room:
    load(catalog, write_pack(tmp_path, [service("akta"), service("ktp")]))
    return catalog


def send(
    regency: Room,
    method: str,
    path: str,
    caller: Caller,
    body: Any = None,
    *,
    tag: str | None = None,
    **headers: str,
) -> httpx.Response:
    sent = regency.token(caller) | ({} if tag is None else {"If-Match": tag}) | headers
    return regency.client.request(method, path, json=body, headers=sent)


def step(
    regency: Room, name: str, caller: Caller, body: Any = None, *, path: str = DRAFT
) -> httpx.Response:
    """Take a step with the entity tag of the draft as it is now."""
    tag = send(regency, "GET", path, APPROVER).headers.get("ETag", '"1-x"')
    return send(regency, "POST", f"{path}/{name}", caller, body, tag=tag)


def test_a_draft_is_published_by_a_second_person(regency: Room) -> None:
    changed = service("akta", note="Baru")
    saved = send(regency, "PUT", DRAFT, EDITOR, changed)
    assert saved.status_code == 201, saved.text
    assert saved.json()["differences"] == [{"pointer": "#/note", "before": None, "after": "Baru"}]
    assert regency.get(AKTA).json()["version"] == 1
    assert step(regency, "publication", APPROVER).status_code == 409
    submitted = step(regency, "review", EDITOR)
    assert submitted.json()["state"] == "in_review"
    listed = send(regency, "GET", f"{API}/catalog/drafts?state=in_review", APPROVER)
    assert [one["slug"] for one in listed.json()["items"]] == ["akta"]
    for same in (EDITOR, SAME_HAND):
        assert step(regency, "publication", same).status_code == 403
    published = step(regency, "publication", APPROVER)
    assert (published.status_code, published.json()["version"]) == (200, 2), published.text
    assert regency.get(AKTA).json()["service"]["note"] == "Baru"
    version = regency.get(f"{AKTA}/versions/2").json()
    assert (version["recorded_by"], version["approved_by"]) == ("dukcapil", "dukcapil")
    assert regency.get(f"{AKTA}/versions/1").json()["approved_by"] is None
    assert send(regency, "GET", DRAFT, EDITOR).status_code == 404


def test_a_reviewer_publishes_what_an_editor_wrote_and_writes_nothing(regency: Room) -> None:
    send(regency, "PUT", DRAFT, EDITOR, service("akta", note="Baru"))
    step(regency, "review", EDITOR)
    listed = send(regency, "GET", f"{API}/catalog/drafts", REVIEWER).json()["items"]
    assert [one["slug"] for one in listed] == ["akta"]
    read = send(regency, "GET", DRAFT, REVIEWER)
    tag = read.headers["ETag"]
    for method, path in (("PUT", DRAFT), ("PUT", AKTA), ("DELETE", DRAFT), ("DELETE", AKTA)):
        body = service("akta") if method == "PUT" else None
        assert send(regency, method, path, REVIEWER, body, tag=tag).status_code == 403
    foreign = agency_caller("pupr", "catalog:approve")
    assert step(regency, "publication", foreign).status_code == 403
    published = step(regency, "publication", REVIEWER)
    assert (published.status_code, published.json()["version"]) == (200, 2), published.text


def test_a_refused_draft_says_why_and_is_submitted_again(regency: Room) -> None:
    path = f"{API}/services/kia/draft"
    new = service("kia", name="Layanan akta")
    saved = send(regency, "PUT", path, EDITOR, new)
    assert (saved.status_code, saved.json()["base_version"]) == (201, None), saved.text
    assert [one["slug"] for one in saved.json()["similar"]] == ["akta"]
    assert regency.get(f"{API}/services/kia").status_code == 404
    step(regency, "review", EDITOR, path=path)
    reason = {"reason": "Biaya belum ada."}
    assert step(regency, "refusal", EDITOR, reason, path=path).status_code == 403
    refused = step(regency, "refusal", APPROVER, reason, path=path).json()
    assert [one["state"] for one in refused["steps"]] == ["draft", "in_review", "refused"]
    assert refused["steps"][-1]["reason"] == "Biaya belum ada."
    assert step(regency, "publication", APPROVER, path=path).status_code == 409
    assert step(regency, "review", EDITOR, path=path).json()["state"] == "in_review"
    assert step(regency, "publication", APPROVER, path=path).json()["version"] == 1
    assert regency.get(f"{API}/services/kia").status_code == 200


def test_the_second_of_two_editors_of_a_draft_is_told_what_the_first_changed(
    regency: Room,
) -> None:
    tag = send(regency, "PUT", DRAFT, EDITOR, service("akta")).headers["ETag"]
    assert send(regency, "PUT", DRAFT, APPROVER, service("akta")).status_code == 428
    first = send(regency, "PUT", DRAFT, EDITOR, service("akta", note="Satu"), tag=tag)
    assert first.status_code == 200, first.text
    late = send(regency, "PUT", DRAFT, APPROVER, service("akta", owner="Bidang"), tag=tag)
    assert late.status_code == 412
    assert late.json()["differences"] == [{"pointer": "#/note", "before": None, "after": "Satu"}]


def test_a_draft_that_others_overtook_is_published_once_it_takes_theirs(regency: Room) -> None:
    send(regency, "PUT", DRAFT, EDITOR, service("akta", owner="Bidang"))
    step(regency, "review", EDITOR)
    published = regency.get(AKTA).headers["ETag"]
    direct = send(regency, "PUT", AKTA, APPROVER, service("akta", note="Kami"), tag=published)
    assert direct.status_code == 200
    overtaken = step(regency, "publication", APPROVER)
    assert overtaken.status_code == 409
    assert [one["pointer"] for one in overtaken.json()["differences"]] == ["#/note"]
    tag = send(regency, "GET", DRAFT, EDITOR).headers["ETag"]
    merged = service("akta", owner="Bidang", note="Kami")
    early = send(regency, "PUT", f"{DRAFT}?base_version=3", EDITOR, merged, tag=tag)
    assert early.json()["errors"][0]["parameter"] == "base_version"
    saved = send(regency, "PUT", f"{DRAFT}?base_version=2", EDITOR, merged, tag=tag)
    assert (saved.json()["state"], saved.json()["base_version"]) == ("draft", 2)
    step(regency, "review", EDITOR)
    assert step(regency, "publication", APPROVER).json()["version"] == 3


def test_drafts_are_shown_to_and_changed_by_their_agency_alone(regency: Room) -> None:
    saved = send(regency, "PUT", DRAFT, EDITOR, service("akta", sources=["nowhere"]))
    assert saved.status_code == 201, saved.text
    assert step(regency, "review", EDITOR).json()["errors"][0]["pointer"] == "#/sources/0"
    tag = saved.headers["ETag"]
    for method, path, body in (
        ("GET", DRAFT, None),
        ("PUT", DRAFT, service("akta")),
        ("DELETE", DRAFT, None),
        ("POST", f"{DRAFT}/review", None),
        ("POST", f"{DRAFT}/publication", None),
        ("POST", f"{DRAFT}/refusal", {"reason": "Bukan."}),
        ("GET", f"{API}/catalog/drafts?agency=dukcapil", None),
    ):
        assert send(regency, method, path, OTHER, body, tag=tag).status_code == 403, path
    assert regency.get(DRAFT).status_code == 401
    assert send(regency, "DELETE", DRAFT, EDITOR, tag=tag).status_code == 204
    assert send(regency, "GET", DRAFT, EDITOR).status_code == 404
    assert send(regency, "PUT", DRAFT, EDITOR, service("akta")).status_code == 201
