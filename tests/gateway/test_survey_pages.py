"""Surveys as pages, without a script: shown, answered once, corrected, thanked for."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest
from starlette.testclient import TestClient

from services.gateway.api_keys.signed_links import SignedLink
from services.gateway.app import create_app
from services.platform.service import API
from services.platform.settings import Service
from tests.conftest import Hub, form_bundles
from tests.feedback.answering import form_token, new_address
from tests.gateway.links import fields_of, new_link, wrong_code
from tests.gateway.parts import app_of
from tests.rows import rows
from tests.servers import free_port

ELEMENTS = tuple(f"U{n}" for n in range(1, 10))
DEVICE = "/survei/perangkat"
GOOD = dict.fromkeys(ELEMENTS, "4")


@pytest.fixture
def hub(proxied_hub: Hub) -> Hub:
    return proxied_hub


@pytest.fixture
def client(hub: Hub) -> TestClient:
    return hub.client


@pytest.fixture
def kiosk(hub: Hub) -> TestClient:
    """Provide a browser that is registered as a device of an agency."""
    register(hub.client, new_link(hub.settings, "device"))
    return hub.client


def register(client: TestClient, link: SignedLink, path: str = DEVICE) -> Any:
    return submit(client, path, fields_of(link))


def id_in(page: str) -> str:
    [found] = re.findall(r'name="id" value="([0-9a-f-]{36})"', page)
    return found


def form_of(client: TestClient, path: str, *, seconds_ago: float = 60) -> dict[str, str]:
    """Return the hidden fields of a form that was opened a while ago."""
    page = client.get(path).text
    [token] = re.findall(r'name="form_token" value="([^"]+)"', page)
    assert token
    form = f"survey {path.removeprefix('/survei/').partition('?')[0]}"
    opened = form_token(app_of(client).state.settings, form, seconds_ago=seconds_ago)
    return {"id": id_in(page), "form_token": opened}


def submit(
    client: TestClient, path: str, fields: dict[str, Any], *, address: str | None = None
) -> Any:
    """Send a form, each time from another address."""
    return client.post(
        path,
        content=urlencode(fields, doseq=True),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Forwarded-For": address or new_address(),
        },
    )


def publish(client: TestClient) -> None:
    form_bundles(app_of(client).state.settings)


def count(client: TestClient, survey: str = "skm") -> int | None:
    publish(client)
    return client.get(f"{API}/surveys/{survey}/results").json()["n"]


def test_the_list_leads_to_every_survey_in_both_languages(client: TestClient) -> None:
    page = client.get("/survei").text
    assert {"awareness", "skm", "stakeholders"} == set(re.findall(r'href="/survei/(\w+)"', page))
    assert "Satisfaction survey" in client.get("/survei?lang=en").text


def test_a_form_asks_every_question_and_names_the_service(client: TestClient) -> None:
    answer = client.get("/survei/skm?service=ktp-el")
    assert answer.status_code == 200
    assert set(re.findall(r'data-code="(\w+)"', answer.text)) == set(ELEMENTS)
    assert "KTP" in answer.text
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "set-cookie" not in answer.headers
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert not re.findall(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", answer.text)


@pytest.mark.slow
def test_answers_are_stored_once_however_often_they_are_submitted(client: TestClient) -> None:
    thanks = ""
    for _ in range(5):
        given = GOOD | form_of(client, "/survei/skm?service=ktp-el")
        for _ in range(2):
            answer = submit(client, "/survei/skm?service=ktp-el&mode=qr", given)
            assert answer.status_code == 303
            thanks = answer.headers["location"]
            assert thanks == "/survei/skm/terima-kasih?service=ktp-el&mode=qr"
    assert count(client) == 5
    assert "Terima kasih" in client.get(thanks).text
    found = client.get(f"{API}/surveys/skm/results?agency=dukcapil").json()
    assert found["satisfaction"]["ikm"] == 100.0


@pytest.mark.slow
def test_a_form_that_was_sent_is_not_sent_again_with_other_answers(client: TestClient) -> None:
    given = GOOD | form_of(client, "/survei/skm?service=ktp-el")
    assert submit(client, "/survei/skm?service=ktp-el", given).status_code == 303
    other = submit(client, "/survei/skm?service=ktp-el", given | {"U1": "1"})
    assert other.status_code == 422
    assert "sudah tercatat" in other.text


@pytest.mark.slow
def test_a_missing_answer_is_reported_beside_its_question_and_others_remain(
    client: TestClient,
) -> None:
    given = {code: "3" for code in ELEMENTS if code != "U4"}
    given_id = id_in(client.get("/survei/skm").text)
    answer = submit(client, "/survei/skm?lang=en", given | {"id": given_id})
    assert answer.status_code == 422
    assert id_in(answer.text) == given_id
    assert re.findall(r'id="q-(\w+)"[^>]*aria-invalid="true"', answer.text) == ["U4"]
    shown = re.findall(r'<p class="fault" id="e-(\w+)">([^<]*)<', answer.text)
    assert shown == [("U4", "Choose one answer.")]
    assert len(re.findall(r"\schecked", answer.text)) == 8
    assert submit(client, "/survei/skm?lang=en", GOOD | {"id": given_id}).status_code == 303


@pytest.mark.slow
def test_answers_to_questions_that_were_not_asked_are_left_out(client: TestClient) -> None:
    fields = {"knows_portals": ["oss", "simbg"], "used": "yes", "why_not": ["no_signal"]}
    for _ in range(5):
        sent = fields | form_of(client, "/survei/awareness")
        assert submit(client, "/survei/awareness", sent).status_code == 303
    publish(client)
    found = client.get(f"{API}/surveys/awareness/results").json()
    codes = {q["code"]: {o["code"]: o["count"] for o in q["options"]} for q in found["questions"]}
    assert codes["knows_portals"] == {"website": 0, "simbg": 5, "oss": 5, "none": 0}
    assert "why_not" not in codes
    page = unescape(client.get("/survei/awareness").text)
    assert 'data-after="used" data-answers="no"' in page
    assert "Jawab bila “Apakah Anda pernah memakai salah satu layanan daring itu?”" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe=%ff%fe&U1=\x00",
        b"U1=99999999999999999999999&U2=-1&U3=1.5&U4=%00",
        b"&".join(b"U1=1" for _ in range(2000)),
        urlencode({"id": "invalid_response", "U1": "<script>alert(1)</script>"}).encode(),
    ],
)
def test_a_form_of_nonsense_is_a_form_again(client: TestClient, body: bytes) -> None:
    answer = client.post("/survei/skm", content=body)
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert len(re.findall(r'aria-invalid="true"', answer.text)) >= 8


def test_a_missing_service_is_reported_and_nothing_stored(client: TestClient) -> None:
    answer = submit(client, "/survei/skm?service=no-such", GOOD)
    assert answer.status_code == 422
    assert "tidak dapat diterima" in answer.text


@pytest.mark.slow
def test_a_kiosks_browser_keeps_no_page_with_answers(kiosk: TestClient) -> None:
    path = "/survei/skm?mode=kiosk&service=ktp-el"
    incomplete = submit(kiosk, path, {"U1": "3"})
    assert (incomplete.status_code, "checked" in incomplete.text) == (422, True)
    unknown = submit(kiosk, f"{path}-lain", GOOD)
    thanks = kiosk.get(submit(kiosk, path, GOOD).headers["location"])
    for shown in (kiosk.get(path), incomplete, unknown, thanks):
        assert shown.headers["cache-control"] == "no-store"
    # On a phone of one's own, going back keeps what was filled in.
    own = kiosk.get("/survei/skm?service=ktp-el")
    assert own.headers["cache-control"] == "private, no-cache"


@pytest.mark.slow
def test_a_kiosk_comes_back_by_itself(kiosk: TestClient) -> None:
    form = kiosk.get("/survei/skm?mode=kiosk&service=ktp-el").text
    assert 'class="survey kiosk" data-idle="90"' in form
    answer = submit(kiosk, "/survei/skm?mode=kiosk&service=ktp-el", GOOD)
    thanks = kiosk.get(answer.headers["location"])
    assert thanks.headers["refresh"] == "8; url=/survei/skm?service=ktp-el&mode=kiosk"
    assert "diperiksa" not in thanks.text


@pytest.mark.slow
def test_a_form_that_no_person_filled_in_is_held_and_says_so(client: TestClient) -> None:
    path = "/survei/skm?service=ktp-el"
    for hidden in (
        {},
        {"form_token": "x" * 500},
        {"form_token": "\x00"},
        {"website": "a\x00b" * 200},
    ):
        answer = submit(client, path, GOOD | hidden)
        assert answer.status_code == 303
        assert answer.headers["location"].endswith("&diperiksa=1")
        assert "diperiksa petugas dulu" in client.get(answer.headers["location"]).text
    for _ in range(5):
        assert submit(client, path, GOOD | form_of(client, path, seconds_ago=1)).status_code == 303
    assert count(client) is None


def test_a_corrected_form_keeps_the_moment_at_which_it_was_opened(client: TestClient) -> None:
    opened = form_of(client, "/survei/skm")
    form = submit(client, "/survei/skm", opened | {"U1": "4"})
    assert form.status_code == 422
    assert f'name="form_token" value="{opened["form_token"]}"' in form.text


@pytest.mark.slow
def test_an_address_answers_a_few_times_a_day(hub: Hub) -> None:
    settings = hub.settings.model_copy(update={"survey_responses_per_sender": 3})
    proxy = ("127.0.0.1", 50000)
    with TestClient(create_app(settings), follow_redirects=False, client=proxy) as client:
        address, targets = new_address(), list[str]()
        for _ in range(5):
            given = GOOD | form_of(client, "/survei/skm?service=ktp-el")
            answer = submit(client, "/survei/skm?service=ktp-el", given, address=address)
            targets.append(answer.headers["location"])
        assert ["diperiksa" in target for target in targets] == [False] * 3 + [True] * 2


@pytest.mark.slow
def test_a_device_is_registered_by_a_link_and_its_code_and_signed_out_by_the_code(
    hub: Hub,
) -> None:
    client, link = hub.client, new_link(hub.settings, "device")
    for path in ("/survei/skm/petugas?service=ktp-el", "/survei/skm?service=ktp-el&mode=kiosk"):
        client.cookies.clear()
        sent = client.get(path)
        assert sent.status_code == 303
        where = sent.headers["location"]
        assert where.startswith("/survei/perangkat?lanjut=")
        assert "Tautan perangkat" in client.get(where).text
        entered = register(client, link, where)
        assert (entered.status_code, entered.headers["location"]) == (303, path)
        cookie = entered.headers["set-cookie"]
        assert all(part in cookie for part in ("HttpOnly", "SameSite=strict"))
        assert "eml_" not in cookie
        shown = client.get(path).text
        # Whoever stands at a kiosk finds the way, and cannot go it without the code.
        assert f'href="{where.replace("&", "&amp;")}"' in shown
        page = client.get(where)
        assert "Dinas Kependudukan" in page.text
        assert page.headers.get("refresh") == (f"90; url={path}" if "kiosk" in path else None)
        [own] = re.findall(r'name="sesi" value="([0-9a-f-]{36})" required checked', page.text)
        out = where.replace(DEVICE, f"{DEVICE}/keluar")
        for code in ("", "12", wrong_code(link)):
            refused = submit(client, out, {"sesi": own, "kode": code})
            assert refused.status_code in (403, 422)
            assert 'aria-invalid="true"' in refused.text
        assert client.get(path).status_code == 200
        kept = dict(client.cookies)
        done = submit(client, out, {"sesi": own, "kode": link.code})
        assert (done.status_code, done.headers["location"]) == (303, where)
        client.cookies.update(kept)  # a copy of the cookie is of no use either
        assert client.get(path).status_code == 303


@pytest.mark.slow
def test_a_device_is_registered_by_a_link_that_was_opened(hub: Hub) -> None:
    link = new_link(hub.settings, "device")
    moved = hub.client.get(link.path)
    assert (moved.status_code, moved.headers["location"]) == (303, f"{DEVICE}/tautan")
    opened = hub.client.get(f"{DEVICE}/tautan")
    assert "Dinas Kependudukan" in opened.text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', opened.text))
    assert submit(hub.client, DEVICE, {**hidden, "kode": link.code}).status_code == 303
    assert "mengumpulkan jawaban" in hub.client.get(DEVICE).text
    hub.client.cookies.clear()
    upload = new_link(hub.settings, "upload")
    wrong = hub.client.get(f"{DEVICE}/tautan/{upload.token}", follow_redirects=True)
    assert wrong.status_code == 403
    assert "tidak berlaku" in wrong.text


@pytest.mark.slow
def test_a_device_that_nobody_used_for_thirty_days_is_no_longer_registered(hub: Hub) -> None:
    path = "/survei/skm/petugas"
    register(hub.client, new_link(hub.settings, "device"))

    def age(days: int) -> None:
        """Let the session have begun, and been used last, so many days earlier."""
        rows(
            hub.settings,
            "UPDATE gateway.key_session SET created_at = created_at - $1::interval, "
            "last_used_at = last_used_at - $1::interval, expires_at = expires_at - $1::interval",
            timedelta(days=days),
        )

    age(29)
    assert hub.client.get(path).status_code == 200  # which counts as use
    age(29)
    assert hub.client.get(path).status_code == 200
    age(31)
    assert hub.client.get(path).status_code == 303
    # Use puts the end off within 400 days from the registration.
    register(hub.client, new_link(hub.settings, "device"))
    rows(
        hub.settings,
        "UPDATE gateway.key_session SET created_at = now() - interval '399 days', "
        "last_used_at = now() - interval '1 day'",
    )
    assert hub.client.get(path).status_code == 200
    age(2)
    assert hub.client.get(path).status_code == 303


@pytest.mark.slow
@pytest.mark.parametrize(
    "onward", ["https://other.example", "//other.example", "/kelola", "/survei/x/../y"]
)
def test_a_device_is_sent_back_to_a_survey_only(client: TestClient, onward: str) -> None:
    query = urlencode({"lanjut": onward})
    assert client.get(f"/survei/perangkat?{query}").status_code == 422
    assert submit(client, f"/survei/perangkat?{query}", {"kode": "1"}).status_code == 422


def test_a_device_and_an_upload_do_not_share_their_sessions(hub: Hub) -> None:
    register(hub.client, new_link(hub.settings, "device"))
    device = hub.client.cookies["emall_perangkat"]
    hub.client.cookies.set("emall_unggah", device)
    assert "Tautan unggah" in hub.client.get("/unggah").text
    assert "mengumpulkan jawaban" in hub.client.get(DEVICE).text


@pytest.mark.slow
def test_what_is_no_link_for_devices_with_its_code_registers_none(hub: Hub) -> None:
    link = new_link(hub.settings, "device")
    for fields in (
        fields_of(new_link(hub.settings, "upload")),
        {"kunci": hub.key("dukcapil", "surveys:collect")},
        {"tautan": hub.key("dukcapil", "surveys:collect"), "kode": link.code},
        {"tautan": link.token, "kode": wrong_code(link)},
        {"tautan": link.token},
        {"tautan": "\x00", "kode": "\x00"},
    ):
        answer = submit(hub.client, DEVICE, fields)
        assert answer.status_code in (403, 422), fields
        assert "set-cookie" not in answer.headers


@pytest.mark.slow
def test_a_phone_sends_what_it_stored_under_the_key_of_its_device(hub: Hub) -> None:
    def send(number: int) -> Any:
        body = {
            "id": str(uuid4()),
            "mode": "enumerator",
            "service": "ktp-el",
            "answers": dict.fromkeys(ELEMENTS, 4) if number else {},
        }
        return hub.client.post("/survei/skm/petugas", json=body)

    assert send(1).status_code == 401
    register(hub.client, new_link(hub.settings, "device"))
    assert [send(number).status_code for number in range(1, 31)] == [201] * 30
    wrong = send(0)
    assert (wrong.status_code, wrong.headers["content-type"]) == (409, "application/problem+json")
    form_bundles(hub.settings)
    found = hub.client.get(f"{API}/surveys/skm/results?service=ktp-el").json()
    assert (found["n"], found["by_mode"]) == (30, {"enumerator": 30})
    assert found["satisfaction"]["low"] == 100.0


@pytest.mark.slow
def test_a_kiosk_without_a_valid_key_takes_answers_as_a_page(hub: Hub) -> None:
    given = GOOD | form_of(hub.client, "/survei/skm")
    answer = submit(hub.client, "/survei/skm?mode=kiosk", given)
    assert answer.status_code == 303
    assert "diperiksa" not in answer.headers["location"]
    stored = rows(hub.settings, "SELECT mode, collector FROM feedback.response")
    assert stored == [("page", "")]
    register(hub.client, new_link(hub.settings, "device"))
    submit(hub.client, "/survei/skm?mode=kiosk", GOOD)
    stored = rows(hub.settings, "SELECT mode, collector FROM feedback.response ORDER BY mode")
    assert stored == [("kiosk", "dukcapil"), ("page", "")]


def test_without_feedback_the_answers_stay_in_the_form(hub: Hub) -> None:
    given = GOOD | form_of(hub.client, "/survei/skm")
    clients = app_of(hub.client).state.clients
    whole: httpx.AsyncClient = clients[Service.feedback]

    async def fail_to_store(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            raise httpx.ConnectError("down")
        return await whole.send(request)

    clients[Service.feedback] = httpx.AsyncClient(
        base_url=whole.base_url, transport=httpx.MockTransport(fail_to_store)
    )
    try:
        answer = submit(hub.client, "/survei/skm", given)
    finally:
        clients[Service.feedback] = whole
    assert answer.status_code == 503
    assert id_in(answer.text) == given["id"]
    assert len(re.findall(r"\schecked", answer.text)) == 9


def test_while_feedback_is_down_a_page_reports_it(hub: Hub) -> None:
    away = hub.settings.model_copy(update={"feedback_url": f"http://127.0.0.1:{free_port()}"})
    with TestClient(create_app(away), follow_redirects=False) as client:
        for path in ("/survei", "/survei/skm", "/survei/skm/petugas"):
            assert client.get(path).status_code == 503


def test_what_is_no_survey_is_not_found(client: TestClient) -> None:
    for path in ("/survei/no-such", "/survei/no-such/petugas"):
        assert client.get(path, headers={"Accept": "text/html"}).status_code == 404
    assert submit(client, "/survei/no-such", GOOD).status_code == 404


def test_a_service_leads_to_its_survey(client: TestClient) -> None:
    answer = client.get("/layanan/ktp-el/survei?lang=en")
    assert answer.headers["location"] == "/survei/skm?service=ktp-el&lang=en"


def test_the_service_worker_may_serve_only_the_pages_under_survei(client: TestClient) -> None:
    answer = client.get("/survei/worker.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "service-worker-allowed" not in answer.headers


@pytest.mark.slow
def test_a_survey_says_when_it_is_open(hub: Hub, client: TestClient) -> None:
    answered = form_of(client, "/survei/awareness")
    key = {"Authorization": f"Bearer {hub.key('diskominfo', 'metrics:draft')}"}
    planned = {"opens_on": "2099-03-01", "closes_on": "2099-03-31", "sample": "drawn"}
    path = f"{API}/surveys/awareness/rounds/2099"
    assert client.put(path, json=planned, headers=key).status_code == 201
    closed = client.get("/survei/awareness", params={"lang": "en"})
    assert closed.status_code == 200
    assert "This survey is not open at present." in closed.text
    assert "<form" not in closed.text.partition("<main")[2]
    assert "1 Maret 2099" in client.get("/survei/awareness").text
    late = submit(client, "/survei/awareness", answered)
    assert late.status_code == 409
    assert "Akan dibuka" in late.text
