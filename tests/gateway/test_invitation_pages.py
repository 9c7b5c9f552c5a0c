"""A stakeholder answers a survey by the link of an invitation."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from services.platform.service import API
from tests.conftest import DEFAULT_ZONE, Hub, form_bundles

ROUND = f"{API}/surveys/stakeholders/rounds/now"
LEVELS = {f"{part}{n}": "3" for part in "TPCL" for n in (1, 2, 3)}
ALONE = LEVELS | {"partners": "none"}
CODES = [f"opd-{number}" for number in range(6)]


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def links(hub: Hub) -> list[str]:
    today = str(datetime.now(DEFAULT_ZONE).date())
    lead = hub.auth("diskominfo", "metrics:draft")
    content = {"opens_on": today, "closes_on": today, "sample": "invited"}
    assert hub.client.put(ROUND, json=content, headers=lead).status_code == 201
    invited = [{"code": code, "name": f"Dinas {code}", "name_en": code} for code in CODES]
    made = hub.client.post(f"{ROUND}/invitations", json={"invited": invited}, headers=lead)
    return [item["path"] for item in made.json()["items"]]


def opened(hub: Hub, path: str, **query: str) -> httpx.Response:
    """Follow a link, as a browser without cookies does."""
    hub.client.cookies.clear()
    return hub.client.get(path, params=query, follow_redirects=True)


def send(hub: Hub, page: str, fields: dict[str, Any]) -> httpx.Response:
    [action] = re.findall(r'action="(/survei/undangan[^"]*)"', page)
    hidden = dict(re.findall(r'type="hidden" name="(id|token)" value="([^"]+)"', page))
    return hub.client.post(
        action,
        content=urlencode(hidden | fields, doseq=True),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )


@pytest.mark.slow
def test_a_link_opens_the_survey_for_one_response(hub: Hub, links: list[str]) -> None:
    moved = hub.client.get(links[0])
    assert (moved.status_code, moved.headers["location"]) == (303, "/survei/undangan")
    page = opened(hub, links[0])
    assert page.status_code == 200
    assert page.headers["cache-control"] == "private, no-store"
    assert "Undangan untuk <strong>Dinas opd-0</strong>" in page.text
    assert 'name="website"' not in page.text
    empty = send(hub, page.text, {})
    assert empty.status_code == 422
    assert len(re.findall(r'aria-invalid="true"', empty.text)) == len(LEVELS) + 1
    silent = send(hub, page.text, LEVELS)
    assert re.findall(r'id="q-(\w+)"[^>]*aria-invalid="true"', silent.text) == ["partners"]
    hub.client.cookies.clear()  # it may expire: the form is enough
    sent = send(hub, page.text, ALONE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/survei/undangan/terima-kasih")
    assert "Terima kasih" in hub.client.get("/survei/undangan/terima-kasih").text
    for again in (opened(hub, links[0]), send(hub, page.text, ALONE)):
        assert again.status_code == 404
        assert "Undangan ini tidak terbuka" in again.text


def test_the_survey_of_an_invitation_is_in_english_too(hub: Hub, links: list[str]) -> None:
    page = opened(hub, links[1], lang="en")
    assert "Invitation for <strong>opd-1</strong>" in page.text
    assert "keep what they agree to" in page.text
    sent = send(hub, page.text, ALONE)
    assert sent.headers["location"] == "/survei/undangan/terima-kasih?lang=en"


def test_partners_are_stated_on_the_page(hub: Hub, links: list[str]) -> None:
    page = opened(hub, links[2])
    assert "diterbitkan atas nama instansi atau organisasi Anda" in page.text
    assert re.findall(r"<summary>([^<]+)</summary>", page.text) == [
        f"Dinas {code}" for code in CODES if code != "opd-2"
    ]
    stated = {
        "partners.opd-0": "monthly",
        "partners.opd-0.exchange": ["data", "staff"],
        **{f"partners.opd-0.trust.{item}": "4" for item in ("reliable", "mission", "open")},
    }
    half = stated | {"partners.opd-0.value.influence": "2"}
    wrong = send(hub, page.text, LEVELS | half)
    assert wrong.status_code == 422
    assert re.findall(r'id="q-(\w+)"[^>]*aria-invalid="true"', wrong.text) == ["partners"]
    # What was filled in is still there.
    assert '<details class="partner" open>' in wrong.text
    assert '<option value="monthly" selected>' in wrong.text
    assert 'value="staff" checked' in wrong.text
    assert send(hub, wrong.text, LEVELS | stated).status_code == 303


def test_nobody_else_answers_a_survey_by_invitation(hub: Hub, links: list[str]) -> None:
    page = hub.client.get("/survei/stakeholders")
    assert "hanya oleh yang diundang" in page.text
    assert "<form" not in page.text.partition("<main")[2]
    hub.client.cookies.clear()
    for path in ("/survei/undangan", f"/survei/undangan/{'a' * 16}"):
        refused = hub.client.get(path, follow_redirects=True)
        assert refused.status_code == 404
        hub.client.cookies.clear()
    assert hub.client.get("/survei/undangan/short").status_code in {404, 422}


@pytest.mark.slow
def test_the_results_tell_the_response_rate(hub: Hub, links: list[str]) -> None:
    for link in links:
        page = opened(hub, link)
        if page.status_code == 200:
            assert send(hub, page.text, ALONE).status_code == 303
    form_bundles(hub.settings)
    shown = hub.client.get("/survei/stakeholders/hasil")
    assert "diundang: <strong>6</strong>" in shown.text
    assert "tingkat respons: <strong>100%</strong>" in shown.text
