"""What a survey found and what is done about it, on a page for anybody."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.platform.service import API
from tests.conftest import Hub, Server, form_bundles
from tests.feedback.answering import move_responses, new_address

ELEMENTS = tuple(f"U{n}" for n in range(1, 10))
PAGE = "/survei/skm/hasil"


@pytest.fixture(scope="module")
def hub(server: Server, toba: str) -> Iterator[Hub]:
    with server.database_from(toba) as name:
        settings, proxy = server.settings(name), ("127.0.0.1", 50000)
        with TestClient(create_app(settings), follow_redirects=False, client=proxy) as client:
            yield Hub(client, settings)


def answer_skm(hub: Hub, times: int) -> None:
    answers = dict.fromkeys(ELEMENTS, 4) | {"U3": 2}
    body: dict[str, Any] = {"service": "ktp-el", "answers": answers}
    for _ in range(times):
        address = {"X-Forwarded-For": new_address()}
        sent = hub.client.post(f"{API}/surveys/skm/responses", json=body, headers=address)
        assert sent.status_code == 201
    move_responses(hub.settings, "2024-05-14")
    form_bundles(hub.settings)


@pytest.mark.slow
def test_a_page_shows_the_index_the_lowest_element_and_the_follow_up(hub: Hub) -> None:
    assert "Belum ada jawaban." in hub.client.get(f"{PAGE}?period=2024").text
    answer_skm(hub, 4)
    few = hub.client.get(f"{PAGE}?period=2024").text
    assert "Jawaban belum cukup" in few
    assert "94,44" not in few
    answer_skm(hub, 1)
    action = {
        "agency": "dukcapil",
        "period": "2024",
        "element": "U3",
        "action": "Menambah loket <b>kedua</b>.",
        "owner": "Bidang Pelayanan",
        "due": "2025-03-31",
    }
    sent = hub.client.post(
        f"{API}/surveys/skm/follow-up", json=action, headers=hub.auth("dukcapil", "usage:write")
    )
    assert sent.status_code == 201, sent.text
    page = hub.client.get(f"{PAGE}?period=2024&agency=dukcapil").text
    assert "<strong>94,44</strong>" in page
    assert "5 jawaban dari 5 pengirim" in page
    assert "lewat aplikasi lain: <strong>5</strong>" in page
    assert "Tanpa rentang kesalahan: responden memilih sendiri" in page
    assert page.index("Seberapa cepat") < page.index("Seberapa mudah")
    assert "Menambah loket &lt;b&gt;kedua&lt;/b&gt;." in page
    assert "31 Maret 2025" in page
    assert '<p class="lead">2024 · Disdukcapil ·' in page
    for period, words in (
        ("2024-05", "Mei 2024"),
        ("2024-Q2", "triwulan kedua 2024"),
        ("2024-S1", "semester pertama 2024"),
    ):
        found = hub.client.get(f"{PAGE}?period={period}").text
        assert f'<p class="lead">{words}' in found
    english = hub.client.get(f"{PAGE}?period=2024&lang=en").text
    assert "<strong>94.44</strong>" in english
    assert "5 responses from 5 senders" in english
    assert "31 March 2025" in english


@pytest.mark.slow
def test_every_survey_has_a_page_and_what_is_none_is_not_found(hub: Hub) -> None:
    html = {"Accept": "text/html"}
    for survey in ("awareness", "stakeholders", "penilaian"):
        shown = hub.client.get(f"/survei/{survey}/hasil", headers=html)
        assert shown.status_code == 200
        assert ("tidak dapat dicegah" in shown.text) == (survey == "penilaian")
    assert hub.client.get("/survei/no-such/hasil", headers=html).status_code == 404
    wrong = hub.client.get(f"{PAGE}?period=soon", headers=html)
    assert wrong.status_code == 422
    assert "<code>period</code>: " in wrong.text
    assert f'href="{PAGE}"' in hub.client.get("/survei").text


def test_a_form_names_the_office_that_it_is_about(hub: Hub) -> None:
    form = hub.client.get("/survei/skm?agency=dukcapil&mode=qr").text
    assert "Tentang kantor: <strong>Dinas Kependudukan dan Pencatatan Sipil" in form
    assert "Tentang kantor" not in hub.client.get("/survei/skm?agency=no-such").text
