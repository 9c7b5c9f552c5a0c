"""A daily mail tells people what waits for them, once, in working hours, until they stop it."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from html import unescape

import pytest
from pydantic import AnyHttpUrl, ValidationError
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.platform.settings import Settings, SmtpTls
from tests.conftest import Hub, Server
from tests.gateway.mail_rows import (
    make_mails_due,
    move_deadline_to_tomorrow,
    stored_bodies,
    waiting_mails,
)
from tests.gateway.mail_server import Mailbox, new_mailbox, running, text_of
from tests.gateway.parts import app_of, run
from tests.gateway.people import Colleague, colleague, execute, visitor
from tests.gateway.test_mail import job_of, work
from tests.gateway.test_workspace_cases import complain
from tests.gateway.test_workspace_meetings import recorded

HOLIDAY = datetime(2026, 12, 25, 3, tzinfo=UTC)
SATURDAY = datetime(2026, 12, 26, 3, tzinfo=UTC)
BEFORE_WORK = datetime(2026, 12, 28, 0, 29, tzinfo=UTC)  # 07.29 in Jakarta
MONDAY = datetime(2026, 12, 28, 0, 30, tzinfo=UTC)
EVENING = datetime(2026, 12, 28, 9, tzinfo=UTC)
TUESDAY = datetime(2026, 12, 29, 0, 30, tzinfo=UTC)
WEDNESDAY = datetime(2026, 12, 30, 0, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def mailbox() -> Mailbox:
    return new_mailbox()


@pytest.fixture(scope="module")
def hub(server: Server, toba: str, mailbox: Mailbox) -> Iterator[Hub]:
    """Start a hub with a mail server, whose jobs for mail run when a test says so."""
    with server.database_from(toba) as name:
        settings = server.settings(
            name,
            public_url=AnyHttpUrl("http://testserver"),
            smtp_host="127.0.0.1",
            smtp_port=mailbox.port,
            smtp_tls=SmtpTls.none,
            smtp_from="hub@toba.test",
        )
        with TestClient(create_app(settings), follow_redirects=False) as client:
            running_hub = Hub(client, settings)
            for job in ("notice-new-cases", "notice-due-cases", "mail-digests", "send-mail"):
                run(client, job_of(running_hub, job).stop)
            yield running_hub


@pytest.fixture(autouse=True)
def _clean(hub: Hub, mailbox: Mailbox) -> Iterator[None]:
    yield
    hub.client.cookies.clear()
    execute(hub, "DELETE FROM gateway.mail_outbox")
    execute(hub, "DELETE FROM gateway.sign_in_attempt")
    execute(hub, "UPDATE gateway.person SET digest_day = NULL, wants_digest = true")
    mailbox.received.clear()


@pytest.fixture(scope="module")
def editor(hub: Hub) -> Colleague:
    """Return somebody with roles in two agencies, for whom something waits in both."""
    person = colleague(
        hub, "sihombing@toba.test", ("editor", "diskominfo"), ("responder", "dukcapil")
    )
    recorder = colleague(hub, "perekam@dukcapil.test", ("editor", "dukcapil"))
    recorded(recorder, **{"apa-0": "Telepon Sitorus", "kapan-0": "2026-03-06"})
    ticket, _ = complain(hub, "Antrean KTP sejak pagi, kata Simanjuntak di 0812-3456-7890.")
    move_deadline_to_tomorrow(hub.settings, [ticket])
    return person


def store(hub: Hub, now: datetime) -> None:
    """Store the digests of a moment, as two processes do at once."""
    digests = app_of(hub.client).state.digests

    async def twice() -> None:
        await asyncio.gather(digests.send_due(now=now), digests.send_due(now=now))

    run(hub.client, twice)


def send(hub: Hub) -> None:
    make_mails_due(hub.settings)
    work(hub, "send-mail")


@pytest.mark.slow
def test_a_digest_of_counts_and_links_comes_once_on_a_working_day(
    hub: Hub, editor: Colleague, mailbox: Mailbox
) -> None:
    idle = colleague(hub, "kosong@setda.test", ("responder", "setda"))
    head = colleague(hub, "kepala@toba.test", ("administrator", "diskominfo"))  # every source
    approver = colleague(hub, "penyetuju@dukcapil.test", ("approver", "dukcapil"))
    for now in (HOLIDAY, SATURDAY, BEFORE_WORK, EVENING):
        store(hub, now)
    assert waiting_mails(hub.settings) == []
    with running(mailbox):
        store(hub, MONDAY)
        send(hub)
        store(hub, MONDAY)
        send(hub)
        assert len(mailbox.to(editor.email)) == 1
        assert mailbox.to(idle.email) == []
        store(hub, TUESDAY)
        send(hub)
    first, second = mailbox.to(editor.email)
    assert first["Subject"] == "Ringkasan harian: yang menunggu Anda, 28 Desember 2026"
    assert second["Subject"].endswith("29 Desember 2026")
    body = text_of(first).replace("\r\n", "\n")
    assert (
        "- 1 pengaduan baru\n  http://testserver/kelola/pengaduan?saring=baru&untuk=dukcapil\n"
        in body
    )
    assert (
        "- Tindak lanjut rapat: 1 (mendesak: 1)\n  http://testserver/kelola/rapat?untuk=diskominfo\n"
        in body
    )
    names = [body.index(name) for name in ("Dinas Komunikasi", "Dinas Kependudukan")]
    assert names == sorted(names)
    assert not any(word in body for word in ("Sitorus", "Simanjuntak", "0812", "Antrean"))
    assert len(mailbox.to(head.email)) == 2
    told = text_of(mailbox.to(approver.email)[0])
    assert "- 1 pengaduan jatuh tempo dalam dua hari kerja" in told
    assert "pengaduan baru" not in told
    own, theirs = body.split("Dinas Kependudukan")
    for agency, part in (("dukcapil", theirs), ("diskominfo", own), ("dukcapil", theirs)):
        links = re.findall(r"http://testserver(/kelola/\S*untuk=\S*)", part)
        assert links
        for link in links:
            _follow(editor, link, agency)
    assert set(stored_bodies(hub.settings)) == {None}


def _follow(person: Colleague, link: str, agency: str) -> None:
    """Open a link, and choose the agency if the page asks for it."""
    opened = person.get(link)
    if opened.status_code == 303:
        choice = person.get(opened.headers["location"])
        assert re.findall(r'name="instansi" value="(\w+)"', choice.text) == [agency]
        [action] = re.findall(r'action="(/kelola/instansi\?[^"]+)"', choice.text)
        chosen = person.post(unescape(action), {"instansi": agency})
        assert chosen.headers["location"] == link
        opened = person.get(link)
    assert opened.status_code == 200, link


@pytest.mark.slow
def test_a_digest_that_could_not_be_sent_gives_way_to_the_next(
    hub: Hub, editor: Colleague, mailbox: Mailbox
) -> None:
    for now in (MONDAY, TUESDAY):
        store(hub, now)
        send(hub)  # the mail server is away
    assert [email for email, _ in waiting_mails(hub.settings)].count(editor.email) == 1
    with running(mailbox):
        send(hub)
    [mail] = mailbox.to(editor.email)
    assert mail["Subject"].endswith("29 Desember 2026")


@pytest.mark.slow
def test_one_post_of_the_mail_stops_it_and_the_account_starts_it_again(
    hub: Hub, editor: Colleague, mailbox: Mailbox
) -> None:
    choices = "/kelola/akun/surel"
    assert editor.post(choices, {"bahasa": "en", "ringkasan": "ya"}).status_code == 303
    with running(mailbox):
        store(hub, MONDAY)
        send(hub)
    [mail] = mailbox.to(editor.email)
    assert mail["Subject"] == "Daily digest: what waits for you, 28 December 2026"
    body = text_of(mail)
    assert "http://testserver/kelola/rapat?lang=en&untuk=diskominfo" in body
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(
        r"<http://testserver(/surel/berhenti/[0-9a-f]{64})>", mail["List-Unsubscribe"]
    )
    assert found is not None
    link = found[1]
    assert f"http://testserver{link}" in body

    stranger = visitor(hub)
    assert stranger.get(link).status_code == 200  # a filter of mail opens links
    other = link[:-1] + ("0" if link[-1] != "0" else "1")
    for wrong in (other, f"{link}0", "/surel/berhenti/x", "/surel/berhenti/" + "é" * 64):
        assert hub.client.get(wrong).status_code == 404
        assert hub.client.post(wrong).status_code == 404
    assert 'value="ya" checked' in editor.get("/kelola/akun").text
    store(hub, TUESDAY)
    assert editor.email in [email for email, _ in waiting_mails(hub.settings)]

    one_click = hub.client.post(link, data={"List-Unsubscribe": "One-Click"})
    assert one_click.status_code == 200
    assert "tidak lagi menerima" in one_click.text
    assert hub.client.post(link).status_code == 200
    assert 'value="ya" checked' not in editor.get("/kelola/akun").text
    with running(mailbox):
        send(hub)  # what waited already
        store(hub, WEDNESDAY)
        send(hub)
        assert len(mailbox.to(editor.email)) == 1
        assert editor.post(choices, {"bahasa": "id", "ringkasan": "ya"}).status_code == 303
        store(hub, WEDNESDAY)
        send(hub)
    assert len(mailbox.to(editor.email)) == 2

    person = execute(hub, "SELECT id FROM gateway.person WHERE email = $1", editor.email)[0][0]
    lines = hub.client.get(
        "/api/v1/audit", params={"person": str(person)}, headers=hub.auth("diskominfo", "admin")
    ).json()["items"]
    assert "/surel/*/*" in [line["target"] for line in lines]


@pytest.mark.slow
def test_the_api_sets_what_the_account_sets(hub: Hub, editor: Colleague) -> None:
    person = execute(hub, "SELECT id FROM gateway.person WHERE email = $1", editor.email)[0][0]
    path, auth = f"/api/v1/people/{person}/mail", hub.auth("diskominfo", "admin")
    found = hub.client.get(path, headers=auth)
    body = {"language": "en", "digest": False}
    change = partial(hub.client.put, path, json=body)
    assert change(headers=auth).status_code == 428
    changed = change(headers=auth | {"If-Match": found.headers["ETag"]})
    assert changed.status_code == 200, changed.text
    assert changed.json() == body
    assert hub.client.get(path, headers=auth).headers["ETag"] == changed.headers["ETag"]
    assert change(headers=auth | {"If-Match": found.headers["ETag"]}).status_code == 412
    assert 'value="ya" checked' not in editor.get("/kelola/akun").text
    store(hub, MONDAY)
    assert editor.email not in [email for email, _ in waiting_mails(hub.settings)]
    wrong = hub.client.put(path, json={"language": "bbc", "digest": 1}, headers=auth)
    assert wrong.status_code == 422


def test_hours_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ValidationError, match="EMALL_MAIL_HOURS_END"):
        Settings.model_validate({"mail_hours_begin": "16:00", "mail_hours_end": "08:00"})
