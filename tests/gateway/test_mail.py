"""People are told by e-mail of what waits for them: a real mail server on loopback."""

import asyncio
import logging
import re
import ssl
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from icalendar import Calendar
from pydantic import AnyHttpUrl, SecretStr, ValidationError
from starlette.testclient import TestClient
from typer.testing import CliRunner

from services.cli import people as people_commands
from services.gateway.app import create_app
from services.gateway.people.mail import delivery
from services.gateway.people.mail.delivery import BACKOFF, MailDispatcher, StoredMail, compose
from services.gateway.people.mail.texts import CaseLine, due_cases, new_cases
from services.platform.jobs import PeriodicJob
from services.platform.languages import Language
from services.platform.settings import Settings, SmtpTls
from services.platform.translation import translator
from tests.conftest import DEFAULT_ZONE, Hub, Server
from tests.gateway.mail_rows import (
    count_given_up,
    delete_mails,
    disable,
    make_mails_due,
    move_deadline_to_tomorrow,
    retry_given_up,
    set_attempts,
    stored_bodies,
    waiting_mails,
)
from tests.gateway.mail_server import Mailbox, new_mailbox, running, text_of
from tests.gateway.parts import app_of, run
from tests.gateway.people import Colleague, colleague, execute, visitor
from tests.gateway.portals import certificate
from tests.gateway.test_workspace_cases import complain
from tests.rows import oblige_since

CASES = "/kelola/pengaduan"
PASSWORD_THERE = "kata-rahasia-peladen"
JOBS = ("notice-new-cases", "notice-due-cases", "mail-digests", "send-mail")


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
            smtp_user="hub",
            smtp_password=SecretStr(PASSWORD_THERE),
        )
        with TestClient(create_app(settings), follow_redirects=False) as client:
            running_hub = Hub(client, settings)
            for job in JOBS:
                run(client, job_of(running_hub, job).stop)
            yield running_hub


@pytest.fixture(autouse=True)
def _clean(hub: Hub, mailbox: Mailbox) -> Iterator[None]:
    yield
    hub.client.cookies.clear()
    execute(hub, "DELETE FROM gateway.sign_in_attempt")
    delete_mails(hub.settings)
    mailbox.received.clear()
    mailbox.answer = "250 OK"


@pytest.fixture(scope="module")
def responder(hub: Hub) -> Colleague:
    return colleague(hub, "penjawab@dukcapil.test", ("responder", "dukcapil"))


def job_of(hub: Hub, name: str) -> PeriodicJob:
    return next(job for job in app_of(hub.client).state.jobs if job.name == name)


def work(hub: Hub, *jobs: str) -> None:
    """Run each job twice at once, as two processes do."""

    async def twice() -> None:
        for name in jobs:
            await asyncio.gather(job_of(hub, name).run_once(), job_of(hub, name).run_once())

    run(hub.client, twice)


def tell_of_due(hub: Hub) -> None:
    """Tell of cases that are due soon as two processes do in working hours, and send the mails."""
    notices = app_of(hub.client).state.case_notices

    async def twice() -> None:
        await asyncio.gather(notices.tell_of_due(), notices.tell_of_due())

    run(hub.client, twice)
    work(hub, "send-mail")


def send_again(hub: Hub) -> None:
    """Send what waits for its next attempt."""
    make_mails_due(hub.settings)
    work(hub, "send-mail")


@pytest.mark.slow
def test_a_complaint_reaches_the_responders_mail_and_its_answer_the_citizen(
    hub: Hub, responder: Colleague, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    text = "Antrean KTP sejak pagi, kata Sihombing di 0812-3456-7890."
    ticket, secret = complain(hub, text)
    with running(mailbox):
        work(hub, "notice-new-cases", "send-mail", "notice-new-cases", "send-mail")
    [mail] = mailbox.received
    assert mail["To"] == responder.email
    assert mail["Subject"] == f"Pengaduan baru {ticket}"
    assert mail["From"] == "hub@toba.test"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[0-9a-f-]{36}@toba\.test>", mail["Message-ID"])
    assert mail["Date"].datetime.tzinfo is not None
    body = text_of(mail)
    deadline = hub.client.get(f"/api/v1/comments/{ticket}").json()["service_level"]["answer_by"]
    assert re.search(rf"paling lambat {int(deadline[8:])} \w+ {deadline[:4]}", body)
    assert not any(word in body for word in ("Antrean", "Sihombing", "0812"))

    link = re.search(r"http://testserver(/kelola/\S+)", body)
    assert link is not None
    stranger = visitor(hub)
    assert stranger.get(link[1]).headers["location"].startswith("/kelola/masuk")
    assert "Antrean KTP" in responder.get(link[1]).text
    case_page = link[1].partition("?")[0]  # without the agency to act for
    responder.post(f"{case_page}/jawaban", {"jawaban": "Loket kini buka sampai pukul empat."})
    assert "Loket kini buka" in hub.client.get(f"/aduan/{ticket}").text
    case = hub.client.get(f"/api/v1/comments/{ticket}", headers=secret).json()
    assert case["state"] == "answered"

    assert mailbox.sign_ins[-1] == ("hub", PASSWORD_THERE)
    assert stored_bodies(hub.settings) == [None]
    logged = [each.getMessage() for each in caplog.records if each.name != "mail.log"]  # the server
    assert any("/kelola/pengaduan/*/jawaban" in line for line in logged)
    assert not any(PASSWORD_THERE in line or responder.email in line for line in logged)
    waits = job_of(hub, "notice-new-cases").every + job_of(hub, "send-mail").every
    assert waits < timedelta(minutes=1)


def test_mail_waits_while_the_server_is_away_and_is_sent_once(
    hub: Hub, responder: Colleague, mailbox: Mailbox
) -> None:
    complain(hub, "Loket tutup pukul sepuluh.")
    complain(hub, "Nomor antrean habis pukul tujuh.")
    work(hub, "notice-new-cases", "send-mail")
    [(email, error)] = waiting_mails(hub.settings)
    assert email == responder.email
    assert error is not None
    assert "SMTPConnectError" in error
    [stored] = stored_bodies(hub.settings)
    assert stored is not None
    assert b"pengaduan" not in stored
    with running(mailbox):
        mailbox.answer = "451 try later"
        send_again(hub)
        assert "451" in str(waiting_mails(hub.settings))
        mailbox.answer = "250 OK"
        send_again(hub)
        send_again(hub)
    [mail] = mailbox.received
    assert mail["Subject"] == "2 pengaduan baru"
    assert waiting_mails(hub.settings) == []


def test_mail_that_is_refused_is_given_up_and_nobody_writes_to_who_left(
    hub: Hub, responder: Colleague, mailbox: Mailbox
) -> None:
    leaver = colleague(hub, "pindah@dukcapil.test", ("responder", "dukcapil"))
    complain(hub, "Blangko habis.")
    work(hub, "notice-new-cases")
    set_attempts(hub.settings, responder.email, len(BACKOFF))
    work(hub, "send-mail")
    assert count_given_up(hub.settings) == 1
    assert [email for email, _ in waiting_mails(hub.settings)] == [leaver.email]
    with running(mailbox):
        mailbox.answer = "550 no such user"
        send_again(hub)
        assert count_given_up(hub.settings) == 2
        mailbox.answer = "250 OK"
        disable(hub.settings, leaver.email)
        retry_given_up(hub.settings)
        work(hub, "send-mail")
    assert [mail["To"] for mail in mailbox.received] == [responder.email]
    assert waiting_mails(hub.settings) == []


@pytest.mark.slow
def test_another_agency_is_told_when_it_gets_a_case_in_the_persons_language(
    hub: Hub, responder: Colleague, mailbox: Mailbox
) -> None:
    other = colleague(hub, "penjawab@pupr.test", ("responder", "pupr"))
    choices = "/kelola/akun/surel"
    assert other.post(choices, {"bahasa": "en", "ringkasan": "ya"}).status_code == 303
    refused = other.post(choices, {"bahasa": "xx"})
    assert refused.status_code == 422
    assert 'href="#bahasa"' in refused.text
    assert '<option value="en" selected>' in other.get("/kelola/akun").text
    ticket, _ = complain(hub, "Jalan di depan kantor rusak sekali.")
    with running(mailbox):
        work(hub, "notice-new-cases", "send-mail")
        assert [mail["To"] for mail in mailbox.received] == [responder.email]
        responder.post(f"{CASES}/{ticket}/serahkan", {"instansi": "pupr"})
        work(hub, "notice-new-cases", "send-mail")
    [_, mail] = mailbox.received
    assert mail["To"] == other.email
    assert mail["Subject"] == f"New complaint {ticket}"
    assert "to be answered by" in text_of(mail)
    assert ticket in other.get(f"{CASES}/{ticket}").text


def test_complaints_to_an_agency_without_people_wait_for_the_first_one(
    hub: Hub, mailbox: Mailbox
) -> None:
    ticket, _ = complain(hub, "Surat belum dijawab.", agency="setda")
    work(hub, "notice-new-cases")
    assert waiting_mails(hub.settings) == []
    first = colleague(hub, "penjawab@setda.test", ("responder", "setda"))
    with running(mailbox):
        work(hub, "notice-new-cases", "send-mail")
    [mail] = mailbox.received
    assert mail["To"] == first.email
    assert ticket in text_of(mail)


def test_records_of_sent_mail_are_deleted_after_thirty_days(
    hub: Hub, responder: Colleague, mailbox: Mailbox
) -> None:
    retention = app_of(hub.client).state.retention
    complain(hub, "Kursi tunggu kurang.")
    work(hub, "notice-new-cases")
    later = datetime.now(UTC) + timedelta(days=31)
    run(hub.client, partial(retention.prune, now=later))
    assert [email for email, _ in waiting_mails(hub.settings)] == [responder.email]
    with running(mailbox):
        work(hub, "send-mail")
    run(hub.client, partial(retention.prune, now=later - timedelta(days=2)))
    assert len(stored_bodies(hub.settings)) == 1
    run(hub.client, partial(retention.prune, now=later))
    assert stored_bodies(hub.settings) == []
    assert responder.sign_in().status_code == 303  # the session was deleted, too


@pytest.mark.parametrize(("language", "last"), [("id", "Dan 2 lainnya."), ("en", "And 2 others.")])
def test_a_mail_lists_twenty_cases_and_tells_how_many_more_there_are(
    language: Language, last: str
) -> None:
    cases = [CaseLine(f"T{n}", date(2026, 12, 1), f"https://h/{n}") for n in range(22)]
    for write in (new_cases, due_cases):
        found = write(translator(language), "Dinas Uji", cases)
        assert "22" in found.subject
        assert found.body.count("https://h/") == 20
        assert last in found.body


def test_who_has_not_answered_is_told_once_before_the_day(
    hub: Hub, responder: Colleague, mailbox: Mailbox
) -> None:
    approver = colleague(hub, "penyetuju@dukcapil.test", ("approver", "dukcapil"))
    ticket, _ = complain(hub, "Petugas loket tidak ramah.")
    doubtful, _ = complain(
        hub, "Lihat https://a.example https://b.example https://c.example tentang loket."
    )
    answered, _ = complain(hub, "Kapan loket buka?")
    responder.post(f"{CASES}/{answered}/jawaban", {"jawaban": "Pukul delapan."})
    with running(mailbox):
        tell_of_due(hub)
        assert mailbox.received == []
        move_deadline_to_tomorrow(hub.settings, [ticket, answered, doubtful])
        tell_of_due(hub)
        tell_of_due(hub)
    mails = {mail["To"]: mail for mail in mailbox.received}
    assert len(mailbox.received) == 2
    mine, theirs = mails[responder.email], mails[approver.email]
    assert mine["Subject"].startswith(f"Belum dijawab: {ticket}, batasnya ")
    assert f"{CASES}/{ticket}" in text_of(mine)
    assert not any(other in text_of(mine) for other in (answered, doubtful))
    assert f"http://testserver/kelola/pengaduan/{ticket}?untuk=dukcapil" in text_of(theirs)


@pytest.mark.slow
def test_the_lead_agency_reminds_who_has_not_reported_once_a_day(
    hub: Hub, responder: Colleague, mailbox: Mailbox
) -> None:
    lead = colleague(hub, "pengampu@diskominfo.test", ("lead", "diskominfo"))
    reporter = colleague(hub, "pelapor@dinkes.test", ("reporter", "dinkes"))
    today = datetime.now(DEFAULT_ZONE).date()
    ended = today.replace(day=1) - timedelta(days=1)
    oblige_since(hub.settings, ended.replace(day=1))
    month, page = f"{ended:%Y-%m}", "/kelola/pelaporan"
    assert f'href="{page}"' in lead.get("/kelola").text
    shown = lead.get(page).text
    assert "Dinas Kesehatan" in shown
    assert reporter.get(page).status_code == 403
    with running(mailbox):
        done = lead.post(page, {"bulan": month})
        # Other tests of this hub may have people of other agencies.
        assert re.search(r"\b[1-9]\d* instansi diingatkan lewat surel\.", done.text)
        assert "belum ada pelapor atau penyetuju" in done.text
        again = lead.post(page, {"bulan": month})
        assert re.search(r"\b0 instansi diingatkan", again.text)
        assert "sudah diingatkan hari ini" in again.text
        work(hub, "send-mail")
    [mail] = [each for each in mailbox.received if each["To"] == reporter.email]
    assert "Dinas Kesehatan" in mail["Subject"]
    link = re.search(r"http://testserver(/kelola/\S+)", text_of(mail))
    assert link is not None
    assert reporter.get(link[1]).status_code == 200

    path, body = "/api/v1/month-reminders", {"period": month}
    another = hub.client.post(path, json=body, headers=hub.auth("dukcapil", "usage:write"))
    assert another.status_code == 403
    key = hub.auth("diskominfo", "usage:write")
    told = {
        one["agency"]: one["outcome"]
        for one in hub.client.post(path, json=body, headers=key).json()["agencies"]
    }
    assert told["dinkes"] == "mailed_before"
    assert "no_recipient" in told.values()
    running_month = hub.client.post(path, json={"period": f"{today:%Y-%m}"}, headers=key)
    assert running_month.status_code == 422
    assert running_month.json()["errors"][0]["pointer"] == "#/period"


@pytest.mark.slow
def test_invitations_are_mailed_from_page_api_and_command_line(
    hub: Hub, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator = colleague(hub, "pengelola@kominfo.test", ("administrator", None))
    assert "Pemberitahuan lewat surel mati" not in administrator.get("/kelola").text
    page = administrator.post(
        "/kelola/orang/undang",
        {"surel": "halaman@dukcapil.test", "peran": "responder", "instansi": "dukcapil"},
    )
    assert "juga dikirim ke alamat surel itu" in page.text
    role = {"role": "responder", "agency": "dukcapil"}
    made = hub.client.post(
        "/api/v1/invitations",
        json={"email": "api@dukcapil.test", "roles": [role]},
        headers=hub.auth("diskominfo", "admin"),
    )
    assert made.status_code == 201, made.text
    execute(
        hub,
        "INSERT INTO gateway.person (region, id, email, name, invited_by, created_at) "
        "VALUES ($1, gen_random_uuid(), '(@dukcapil.test', '', 'earlier release', now())",
        hub.settings.region,
    )
    odd = execute(hub, "SELECT id FROM gateway.person WHERE email = '(@dukcapil.test'")[0][0]
    again = hub.client.post(
        "/api/v1/invitations",
        json={"email": "(@dukcapil.test", "roles": [role]},
        headers=hub.auth("diskominfo", "admin"),
    )
    assert again.status_code == 422
    assert administrator.post(f"/kelola/orang/{odd}/tautan").status_code == 200
    monkeypatch.setattr(people_commands, "load_settings", lambda: hub.settings)
    printed = CliRunner().invoke(
        people_commands.app,
        ["invite", "--email", "perintah@dukcapil.test", "--role", "responder", "--agency",
         "dukcapil"],
    )  # fmt: skip
    assert printed.exit_code == 0, printed.output
    faulty = CliRunner().invoke(
        people_commands.app, ["invite", "--email", "josé@dukcapil.test", "--role", "lead"]
    )
    assert faulty.exit_code == 2
    assert "without accents" in faulty.output
    with running(mailbox):
        work(hub, "send-mail")
    assert count_given_up(hub.settings) == 1
    links = {
        mail["To"]: re.findall(r"http://testserver/kelola/undangan/\S+", text_of(mail))
        for mail in mailbox.received
    }
    assert links["api@dukcapil.test"] == [made.json()["link"]]
    assert links["perintah@dukcapil.test"][0] in printed.output
    assert links["halaman@dukcapil.test"][0] in page.text


@pytest.mark.parametrize("is_trusted", [True, False])
def test_password_and_mail_go_only_to_a_server_whose_certificate_is_trusted(
    hub: Hub,
    responder: Colleague,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    is_trusted: bool,
) -> None:
    theirs = certificate(tmp_path, name="localhost")
    trusted = theirs.trusted() if is_trusted else ssl.create_default_context()
    monkeypatch.setattr(delivery, "default_ssl_context", lambda: trusted)
    complain(hub, f"Loket tutup; tepercaya: {is_trusted}.")
    work(hub, "notice-new-cases")
    mailbox = new_mailbox()
    settings = hub.settings.model_copy(
        update={"smtp_host": "localhost", "smtp_port": mailbox.port, "smtp_tls": SmtpTls.starttls}
    )
    state = app_of(hub.client).state
    dispatcher = MailDispatcher(
        state.database, settings, state.mail_outbox, state.unsubscribe_links
    )
    with running(mailbox, theirs.server()):
        run(hub.client, dispatcher.send_all_due)
    assert [mail["To"] for mail in mailbox.received] == [responder.email] * is_trusted
    assert mailbox.sign_ins == [("hub", PASSWORD_THERE)] * is_trusted
    assert len(waiting_mails(hub.settings)) == (not is_trusted)


def test_an_invitation_to_a_meeting_reaches_the_people_of_the_invited_agencies(
    hub: Hub, responder: Colleague, mailbox: Mailbox
) -> None:
    colleague(hub, "pelapor@diskominfo.test", ("reporter", "diskominfo"), ("editor", "diskominfo"))
    colleague(hub, "penyunting@bappeda.test", ("editor", "bappeda"))
    day = datetime.now(UTC).date() + timedelta(days=3)
    meeting = {
        "name": "Rapat forum\nSPBE",
        "name_en": "Forum",
        "kind": "forum",
        "starts_at": f"{day}T02:00:00Z",
        "ends_at": f"{day}T04:00:00Z",
        "agenda": ["Laporan"],
        "invited": ["kepala-diskominfo", "it-del"],
    }
    key = hub.auth("diskominfo", "evidence:write")
    address = f"/api/v1/meeting-plans/{uuid4()}"
    tag = hub.client.put(address, json=meeting, headers=key).headers["ETag"]
    mailed = hub.client.post(f"{address}/mails", headers=key | {"If-Match": tag})
    assert mailed.json()["mailed"]["people"] == 1
    again = hub.client.post(f"{address}/mails", headers=key | {"If-Match": tag})
    assert again.status_code == 412
    tag = mailed.headers["ETag"]
    again = hub.client.post(f"{address}/mails", headers=key | {"If-Match": tag})
    assert again.status_code == 409
    with running(mailbox):
        work(hub, "send-mail")
    [mail] = mailbox.received
    assert mail["To"] == "pelapor@diskominfo.test"
    assert mail["Subject"] == "Undangan rapat: Rapat forum SPBE"
    text, file = mail.iter_parts()
    assert "09.00–11.00 WIB" in text.get_content()
    assert file.get_content_type() == "text/calendar"
    assert file.get_param("method") == "PUBLISH"
    assert "BEGIN:VEVENT" in file.get_content()
    assert "mailto:hub@toba.test" in file.get_content()
    [left] = execute(hub, "SELECT body, calendar FROM gateway.mail_outbox")
    assert (left["body"], left["calendar"]) == (None, None)

    changed = meeting | {"place": "Pendopo", "invited": ["it-del"]}
    tag = hub.client.put(address, json=changed, headers=key | {"If-Match": tag}).headers["ETag"]
    nobody = hub.client.post(f"{address}/mails", headers=key | {"If-Match": tag})
    assert nobody.status_code == 409
    assert "reporter or editor" in nobody.json()["detail"]
    changed = meeting | {"place": "Pendopo"}
    tag = hub.client.put(address, json=changed, headers=key | {"If-Match": tag}).headers["ETag"]
    assert hub.client.post(f"{address}/mails", headers=key | {"If-Match": tag}).is_success
    with running(mailbox):
        work(hub, "send-mail")
    assert mailbox.received[-1]["Subject"] == "Undangan rapat berubah: Rapat forum SPBE"


@pytest.mark.parametrize(
    "address",
    ["a@b.test\r\nBcc: c@d.test", "a@b.test,c@d.test", "(@b.test", "a@(b.test", "<a@b.test>",
     "a@[1.2", "a@", "a..b@c.test", "bü@c.test", '"a b"@c.test', "a@b.test\n"],
)  # fmt: skip
def test_no_mail_is_sent_to_an_address_that_says_more(address: str) -> None:
    mail = StoredMail(uuid4(), "Pokok", b"", datetime.now(UTC), 1, address, uuid4(), False)
    with pytest.raises(ValueError, match="such an address"):
        compose(mail, "Isi.", sender="hub@toba.test")


WHOLE = {"smtp_host": "mail.test", "smtp_from": "hub@toba.test", "public_url": "https://hub.test"}


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (WHOLE | {"smtp_from": None}, "EMALL_SMTP_FROM"),
        (WHOLE | {"public_url": None}, "EMALL_PUBLIC_URL"),
        (WHOLE | {"smtp_user": "hub"}, "EMALL_SMTP_PASSWORD"),
        (
            WHOLE | {"smtp_user": "hub", "smtp_password": "rahasia", "smtp_tls": "none"},
            "unencrypted",
        ),
    ],
)
def test_settings_that_cannot_work_or_would_leak_are_refused(
    given: dict[str, object], missing: str
) -> None:
    with pytest.raises(ValidationError, match=missing) as refused:
        Settings.model_validate(given)
    assert "rahasia" not in str(refused.value)


@pytest.mark.slow
def test_a_moved_meeting_and_one_called_off_reach_those_who_were_invited(
    hub: Hub, mailbox: Mailbox
) -> None:
    colleague(hub, "rapat@diskominfo.test", ("editor", "diskominfo"))
    colleague(hub, "rapat@bappeda.test", ("reporter", "bappeda"))
    day = datetime.now(UTC).date() + timedelta(days=3)
    meeting = {
        "name": "Rapat desk",
        "name_en": "Desk meeting",
        "kind": "desk",
        "starts_at": f"{day}T02:00:00Z",
        "ends_at": f"{day}T04:00:00Z",
        "invited": ["kepala-diskominfo", "kepala-bappeda"],
    }
    key = hub.auth("diskominfo", "evidence:write")
    address = f"/api/v1/meeting-plans/{uuid4()}"

    def told() -> dict[str, tuple[str, str, int]]:
        """Return subject, method and sequence of each mail by the person, and forget them."""
        mailbox.received.clear()
        with running(mailbox):
            work(hub, "send-mail")
        found: dict[str, tuple[str, str, int]] = {}
        for mail in mailbox.received:
            _, file = mail.iter_parts()
            calendar = Calendar.from_ical(file.get_content())
            [event] = calendar.walk("VEVENT")
            assert file.get_param("method") == calendar["method"]
            assert (
                event["uid"] == f"12.12-meetings-rapat-{address[-36:].replace('-', '')}-held@emall"
            )
            cancelled = calendar["method"] == "CANCEL"
            assert event["status"] == ("CANCELLED" if cancelled else "CONFIRMED")
            subject = mail["Subject"].partition(":")[0]
            found[mail["To"]] = (subject, str(calendar["method"]), int(str(event["sequence"])))
        return found

    def change(**changes: Any) -> None:
        tag = hub.client.get(address, headers=key).headers["ETag"]
        answer = hub.client.put(address, json=meeting | changes, headers=key | {"If-Match": tag})
        assert answer.status_code == 200, answer.text

    assert hub.client.put(address, json=meeting, headers=key).status_code == 201
    change(place="Pendopo")
    assert told() == {}, "nobody was invited yet"
    tag = hub.client.get(address, headers=key).headers["ETag"]
    assert hub.client.post(f"{address}/mails", headers=key | {"If-Match": tag}).is_success
    invited = ("Undangan rapat", "PUBLISH", 1)
    first = told()
    assert first.keys() >= {"rapat@diskominfo.test", "rapat@bappeda.test"}
    assert set(first.values()) == {invited}

    change(place="Pendopo", agenda=["Laporan"])
    assert told() == {}, "neither time nor place changed"
    change(place="Balai Data", starts_at=f"{day}T01:00:00Z")
    assert set(told().values()) == {("Undangan rapat berubah", "PUBLISH", 3)}
    change(place="Balai Data", starts_at=f"{day}T01:00:00Z", invited=["kepala-diskominfo"])
    left = told()
    assert left["rapat@bappeda.test"] == ("Undangan rapat dibatalkan", "CANCEL", 4)
    assert "rapat@diskominfo.test" not in left

    tag = hub.client.get(address, headers=key).headers["ETag"]
    assert hub.client.delete(address, headers=key | {"If-Match": tag}).status_code == 204
    last = told()
    assert last["rapat@diskominfo.test"] == ("Undangan rapat dibatalkan", "CANCEL", 5)
    assert "rapat@bappeda.test" not in last
