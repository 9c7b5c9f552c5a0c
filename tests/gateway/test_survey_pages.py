"""Surveys as pages, without a script: shown, answered once, corrected, thanked for."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.platform.service import API
from services.platform.settings import Service
from tests.conftest import Hub, form_bundles
from tests.gateway.parts import app_of
from tests.servers import free_port

ELEMENTS = tuple(f"U{n}" for n in range(1, 10))
GOOD = dict.fromkeys(ELEMENTS, "4")


@pytest.fixture
def client(hub: Hub) -> Iterator[TestClient]:
    return hub.client


def id_in(page: str) -> str:
    [found] = re.findall(r'name="id" value="([0-9a-f-]{36})"', page)
    return found


def submit(client: TestClient, path: str, fields: dict[str, Any]) -> Any:
    return client.post(
        path,
        content=urlencode(fields, doseq=True),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
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


def test_answers_are_stored_once_however_often_they_are_submitted(client: TestClient) -> None:
    thanks = ""
    for _ in range(5):
        given = GOOD | {"id": id_in(client.get("/survei/skm?service=ktp-el").text)}
        for _ in range(2):
            answer = submit(client, "/survei/skm?service=ktp-el&mode=qr", given)
            assert answer.status_code == 303
            thanks = answer.headers["location"]
            assert thanks == "/survei/skm/terima-kasih?service=ktp-el&mode=qr"
    assert count(client) == 5
    assert "Terima kasih" in client.get(thanks).text
    found = client.get(f"{API}/surveys/skm/results?agency=dukcapil").json()
    assert found["satisfaction"]["ikm"] == 100.0


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


def test_answers_to_questions_that_were_not_asked_are_left_out(client: TestClient) -> None:
    fields = {"knows_portals": ["oss", "simbg"], "used": "yes", "why_not": ["no_signal"]}
    for _ in range(5):
        assert submit(client, "/survei/awareness", fields).status_code == 303
    publish(client)
    found = client.get(f"{API}/surveys/awareness/results").json()
    codes = {q["code"]: {o["code"]: o["count"] for o in q["options"]} for q in found["questions"]}
    assert codes["knows_portals"] == {"website": 0, "simbg": 5, "oss": 5, "none": 0}
    assert "why_not" not in codes
    page = unescape(client.get("/survei/awareness").text)
    assert 'data-after="used" data-answers="no"' in page
    assert "Jawab bila “Apakah Anda pernah memakai salah satu layanan daring itu?”" in page


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


def test_a_kiosk_comes_back_by_itself(client: TestClient) -> None:
    form = client.get("/survei/skm?mode=kiosk&service=ktp-el").text
    assert 'class="survey kiosk" data-idle="90"' in form
    answer = submit(client, "/survei/skm?mode=kiosk&service=ktp-el", GOOD)
    thanks = client.get(answer.headers["location"])
    assert thanks.headers["refresh"] == "8; url=/survei/skm?service=ktp-el&mode=kiosk"


def test_without_feedback_the_answers_stay_in_the_form(hub: Hub) -> None:
    page = hub.client.get("/survei/skm").text
    given = GOOD | {"id": id_in(page)}
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
