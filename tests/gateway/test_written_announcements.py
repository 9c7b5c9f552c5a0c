"""Announcements that agencies write, over a socket: reviewed, published, shown, withdrawn."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import httpx
import pytest

from services.gateway.app import create_app
from services.platform.scopes import Scope
from services.platform.settings import Settings
from tests.conftest import Server, new_key
from tests.servers import serving
from tests.waiting import until

WRITE: Scope = "announcements:write"
PUBLISH: Scope = "announcements:publish"
ATOM = {"atom": "http://www.w3.org/2005/Atom"}


@dataclass
class Newsroom:
    """A hub on a socket, and the keys of those who write and publish."""

    client: httpx.Client
    settings: Settings
    keys: dict[tuple[str, Scope], str] = field(default_factory=dict[tuple[str, Scope], str])

    def send(
        self,
        method: str,
        path: str,
        agency: str,
        scope: Scope,
        body: Any = None,
        *,
        tag: str | None = None,
        **headers: str,
    ) -> httpx.Response:
        key = self.keys.get((agency, scope))
        if key is None:
            key = self.keys[agency, scope] = new_key(self.settings, agency, scope)
        sent = {"Authorization": f"Bearer {key}"} | ({"If-Match": tag} if tag else {}) | headers
        return self.client.request(method, f"/api/v1/announcements/{path}", json=body, headers=sent)

    def step(
        self, made: str, name: str, body: Any = None, *, agency: str = "dukcapil"
    ) -> httpx.Response:
        """Take a step with the entity tag of the draft as it is now."""
        tag = self.send("GET", f"{made}/draft", "dukcapil", PUBLISH).headers.get("ETag", '"1-x"')
        scope = WRITE if name == "review" else PUBLISH
        return self.send("POST", f"{made}/draft/{name}", agency, scope, body, tag=tag)

    def publish(self, **fields: Any) -> str:
        """Write, submit and publish an announcement; return its id."""
        made = str(uuid4())
        saved = self.send("PUT", f"{made}/draft", "dukcapil", WRITE, written(**fields))
        assert saved.status_code == 201, saved.text
        assert self.step(made, "review").status_code == 200
        published = self.step(made, "publication")
        assert published.status_code == 200, published.text
        return made

    def withdraw(self, made: str, reason: str = "Keliru.") -> httpx.Response:
        tag = self.send("GET", f"{made}/versions", "dukcapil", PUBLISH).headers["ETag"]
        body = {"reason": reason}
        return self.send("POST", f"{made}/withdrawal", "dukcapil", PUBLISH, body, tag=tag)

    def shows(self, path: str, text: str) -> bool:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return text in answer.text


def written(**fields: Any) -> dict[str, Any]:
    return {
        "agency": "dukcapil",
        "title": "Loket tutup hari Jumat",
        "text": "Loket KTP-el tutup.\n\nTanya di https://tobakab.go.id.",
        "services": ["ktp-el"],
    } | fields


@pytest.fixture(scope="module")
def hub(server: Server, toba: str) -> Iterator[Newsroom]:
    with server.database_from(toba) as name:
        settings = server.settings(name)
        with (
            serving(create_app(settings)) as address,
            httpx.Client(base_url=address, trust_env=False) as client,
        ):
            yield Newsroom(client, settings)


PLACES = ("/pengumuman", "/", "/layanan/ktp-el", "/cari?q=loket", "/pengumuman.atom")


@pytest.mark.slow
def test_a_draft_becomes_what_every_page_shows_and_is_gone_once_withdrawn(hub: Newsroom) -> None:
    made, title = str(uuid4()), "Loket Porsea pindah"
    places = (*PLACES, f"/pengumuman/{made}")
    for path in PLACES:
        assert not hub.shows(path, title), path  # and is in the cache
    saved = hub.send("PUT", f"{made}/draft", "dukcapil", WRITE, written(title=title))
    assert (saved.status_code, saved.json()["state"]) == (201, "draft"), saved.text
    assert hub.client.get(f"/api/v1/announcements/{made}").status_code == 404
    assert hub.step(made, "publication").status_code == 409
    assert hub.step(made, "review").json()["state"] == "in_review"
    published = hub.step(made, "publication")
    assert (published.status_code, published.json()["visibility"]) == (200, "shown")
    for path in places:
        until(lambda path=path: hub.shows(path, title), f"{path} does not show it")
    shown = hub.client.get(f"/api/v1/announcements/{made}").json()
    assert (shown["agency"], shown["source"], shown["url"]) == ("dukcapil", None, None)
    assert [each["service"] for each in shown["services"]] == ["ktp-el"]
    assert '<a href="https://tobakab.go.id"' in shown["content"]

    assert hub.withdraw(made).json()["visibility"] == "withdrawn"
    for path in PLACES:
        until(lambda path=path: not hub.shows(path, title), f"{path} still shows it")
    assert hub.client.get(f"/pengumuman/{made}").status_code == 404
    versions = hub.send("GET", f"{made}/versions", "dukcapil", WRITE).json()["versions"]
    assert [(one["number"], one["reason"]) for one in versions] == [(2, "Keliru."), (1, None)]
    assert hub.withdraw(made).status_code == 409


def test_nobody_publishes_what_they_wrote_nor_reads_what_another_agency_writes(
    hub: Newsroom,
) -> None:
    made = str(uuid4())
    saved = hub.send("PUT", f"{made}/draft", "dukcapil", "admin", written())
    tag = hub.send("POST", f"{made}/draft/review", "dukcapil", "admin", tag=saved.headers["ETag"])
    refused: tuple[tuple[Scope, str], ...] = (
        (PUBLISH, "pupr"), (WRITE, "dukcapil"), ("admin", "dukcapil"),
    )  # fmt: skip
    for scope, agency in refused:
        path = f"{made}/draft/publication"
        answer = hub.send("POST", path, agency, scope, tag=tag.headers["ETag"])
        assert answer.status_code == 403, (scope, agency)
    for path in (f"{made}/draft", "written?agency=dukcapil"):
        assert hub.send("GET", path, "pupr", PUBLISH).status_code == 403, path
    assert hub.send("PUT", f"{made}/draft", "pupr", WRITE, written()).status_code == 403
    listed = hub.send("GET", "written?draft=in_review", "diskominfo", PUBLISH).json()["items"]
    assert [(one["id"], one["is_own"]) for one in listed] == [(made, False)]
    # The lead agency publishes for an agency that has no second person.
    assert hub.step(made, "publication", agency="diskominfo").status_code == 200
    [version] = hub.send("GET", f"{made}/versions", "dukcapil", WRITE).json()["versions"]
    assert (version["recorded_by"], version["approved_by"]) == ("dukcapil", "diskominfo")


def test_a_refused_draft_says_why_and_the_second_editor_what_the_first_changed(
    hub: Newsroom,
) -> None:
    made = str(uuid4())
    first = hub.send("PUT", f"{made}/draft", "dukcapil", WRITE, written())
    hub.step(made, "review")
    refused = hub.step(made, "refusal", {"reason": "Sebut jamnya."}).json()
    assert refused["steps"][-1]["reason"] == "Sebut jamnya."
    tag = hub.send("GET", f"{made}/draft", "dukcapil", WRITE).headers["ETag"]
    hub.send("PUT", f"{made}/draft", "dukcapil", WRITE, written(text="Pukul 12.00."), tag=tag)
    late = hub.send("PUT", f"{made}/draft", "dukcapil", WRITE, written(), tag=first.headers["ETag"])
    assert late.status_code == 412
    assert [one["pointer"] for one in late.json()["differences"]] == ["#/text"]
    assert hub.send("PUT", f"{made}/draft", "dukcapil", WRITE, written()).status_code == 428
    again = hub.send("PUT", f"{made}/draft", "dukcapil", WRITE, written(), **{"If-None-Match": "*"})
    assert again.status_code == 412
    tag = hub.send("GET", f"{made}/draft", "dukcapil", WRITE).headers["ETag"]
    assert hub.send("DELETE", f"{made}/draft", "dukcapil", WRITE, tag=tag).status_code == 204
    assert hub.send("GET", f"{made}/draft", "dukcapil", WRITE).status_code == 404


@pytest.mark.slow
def test_cached_pages_follow_the_times_to_show(hub: Newsroom) -> None:
    now = datetime.now(UTC)
    begin, end = now + timedelta(seconds=3), now + timedelta(seconds=10)
    title = "Hanya beberapa detik"
    fields = {"publish_from": begin.isoformat(), "publish_until": end.isoformat()}
    made = hub.publish(title=title, **fields)
    listed = hub.send("GET", "written", "dukcapil", WRITE).json()["items"]
    assert next(one["visibility"] for one in listed if one["id"] == made) == "scheduled"
    for path in PLACES:
        assert not hub.shows(path, title), path
    for path in PLACES:
        until(lambda path=path: hub.shows(path, title), f"{path} does not show it")
    assert datetime.now(UTC) >= begin
    for path in PLACES:
        until(lambda path=path: not hub.shows(path, title), f"{path} still shows it")
    assert datetime.now(UTC) - end < timedelta(seconds=8)


@pytest.mark.slow
def test_a_correction_keeps_its_place_and_what_it_corrects(hub: Newsroom) -> None:
    older = hub.publish(title="Pertama", title_en="First", text_en="Closed.")
    newer = hub.publish(title="Kedua")
    tag = hub.send("GET", f"{older}/versions", "dukcapil", WRITE).headers["ETag"]
    body = written(title="Pertama, diralat")
    saved = hub.send("PUT", f"{older}/draft", "dukcapil", WRITE, body).json()
    assert {one["pointer"] for one in saved["differences"]} == {
        "#/title", "#/title_en", "#/text_en",
    }  # fmt: skip
    assert hub.client.get(f"/api/v1/announcements/{older}").json()["title_en"] == "First"
    assert '<h1 lang="en">First' in hub.client.get(f"/pengumuman/{older}?lang=en").text
    hub.step(older, "review")
    assert hub.step(older, "publication").status_code == 200
    items = hub.client.get("/api/v1/announcements").json()["items"]
    order = [one["id"] for one in items if one["id"] in {older, newer}]
    assert order == [newer, older]
    old = hub.send("POST", f"{older}/withdrawal", "dukcapil", PUBLISH, {"reason": "Lama."}, tag=tag)
    assert old.status_code == 412
    # What was withdrawn meanwhile is not published again unawares.
    hub.send("PUT", f"{older}/draft", "dukcapil", WRITE, body)
    hub.step(older, "review")
    assert hub.withdraw(older).status_code == 200
    assert hub.step(older, "publication").status_code == 409


def test_markup_of_an_author_is_text_and_the_feed_is_well_formed(hub: Newsroom) -> None:
    text = "<script>alert(1)</script> & <img src=x onerror=alert(1)>\n- satu\n- a@toba.go.id"
    made = hub.publish(title="<b>Tebal</b>", text=text)
    page = hub.client.get(f"/pengumuman/{made}").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert '<h1 lang="id">&lt;b&gt;Tebal' in page
    assert re.search(r'<ul><li>satu</li><li><a href="mailto:a@toba.go.id"[^>]*>a@toba', page)
    feed = ElementTree.fromstring(hub.client.get("/pengumuman.atom").content)
    entry = feed.find(f"atom:entry[atom:id='urn:uuid:{made}']", ATOM)
    assert entry is not None
    assert entry.findtext("atom:title", namespaces=ATOM) == "<b>Tebal</b>"
    assert "Kependudukan" in (entry.findtext("atom:author/atom:name", namespaces=ATOM) or "")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": " "}, "#/title"),
        ({"text": ""}, "#/text"),
        ({"text": "x" * 5001}, "#/text"),
        ({"title_en": "Only the title", "text_en": None}, "#/text_en"),
        ({"services": ["ktp-el", "ktp-el"]}, "#/services"),
        ({"services": ["ktp-el"] * 21}, "#/services"),
        (
            {"publish_from": "2026-12-02T00:00:00Z", "publish_until": "2026-12-01T00:00:00Z"},
            "#/publish_until",
        ),
    ],
)
def test_a_wrong_draft_is_refused_at_its_field(
    hub: Newsroom, fields: dict[str, Any], pointer: str
) -> None:
    answer = hub.send("PUT", f"{uuid4()}/draft", "dukcapil", WRITE, written(**fields))
    assert answer.status_code == 422
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"services": ["ktp-el", "tidak-ada"]}, "#/services/1"),
        ({"publish_until": "2020-01-01T00:00:00Z"}, "#/publish_until"),
    ],
)
def test_a_draft_that_nobody_could_read_is_not_submitted(
    hub: Newsroom, fields: dict[str, Any], pointer: str
) -> None:
    made = str(uuid4())
    hub.send("PUT", f"{made}/draft", "dukcapil", WRITE, written(**fields))
    answer = hub.step(made, "review")
    assert answer.status_code == 409
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
