"""A stakeholder answers the relational survey on a phone, by the link of an invitation."""

from datetime import datetime

import httpx
import pytest
from playwright.sync_api import sync_playwright

from services.gateway.app import create_app
from tests.browser.conftest import BROWSER_ARGUMENTS
from tests.browser.overflow import overflow
from tests.conftest import DEFAULT_ZONE, Server, new_key
from tests.servers import serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROUND = "/api/v1/surveys/stakeholders/rounds/now"
CODES = ("diskominfo", "bappeda", "it-del")


def invite(site: str, key: str) -> str:
    """Open a round, and return the link of its first invitation."""
    today = str(datetime.now(DEFAULT_ZONE).date())
    invited = [{"code": code, "name": f"Mitra {code}", "name_en": code} for code in CODES]
    with httpx.Client(base_url=site, headers={"Authorization": f"Bearer {key}"}) as client:
        content = {"opens_on": today, "closes_on": today, "sample": "invited"}
        client.put(ROUND, json=content).raise_for_status()
        made = client.post(f"{ROUND}/invitations", json={"invited": invited}).raise_for_status()
    return made.json()["items"][0]["path"]


def test_an_invited_stakeholder_answers_on_a_phone(
    server: Server, toba: str, chromium: str
) -> None:
    with server.database_from(toba) as name:
        settings = server.settings(name)
        key = new_key(settings, "diskominfo", "metrics:draft")
        with serving(create_app(settings)) as site, sync_playwright() as playwright:
            link = invite(site, key)
            browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
            page = browser.new_page(viewport={"width": 360, "height": 740})
            errors: list[str] = []
            page.on("console", lambda message: errors.append(message.text))
            page.goto(site + link)
            assert page.url == f"{site}/survei/undangan"
            for field in (f"{part}{n}" for part in "TPCL" for n in (1, 2, 3)):
                page.check(f'input[name="{field}"][value="3"]')
            page.click("text=Mitra diskominfo")
            page.select_option('select[name="partners.diskominfo"]', "monthly")
            page.check('input[name="partners.diskominfo.exchange"][value="data"]')
            assert overflow(page) == []
            page.click("button.send")
            page.wait_for_url(f"{site}/survei/undangan/terima-kasih")
            page.goto(site + link)
            assert "Undangan ini tidak terbuka" in page.inner_text("main")
            assert [error for error in errors if "404" not in error] == []
            browser.close()
