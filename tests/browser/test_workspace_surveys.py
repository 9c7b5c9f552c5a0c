"""A survey is held on a phone without script: round, invitations, results, follow-up."""

import re
from datetime import datetime, timedelta

import httpx
import pytest

from services.platform.settings import Settings
from tests.browser.conftest import BrowserTab, OpenTab
from tests.browser.overflow import overflow
from tests.browser.test_workspace_cases import accept
from tests.conftest import DEFAULT_ZONE, form_bundles, new_key
from tests.feedback.answering import move_responses
from tests.gateway.people import invite_to

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TODAY = datetime.now(DEFAULT_ZONE).date()
FIRST = TODAY - timedelta(days=1)
LAST = TODAY.replace(month=12, day=31)


@pytest.fixture(scope="module")
def invitation(site_settings: Settings, site: str) -> str:
    """Store answers of 2024, invite the lead before the browser starts, and return the link."""
    key = new_key(site_settings, "dukcapil", "surveys:collect")
    answers = {f"U{n}": 4 for n in range(1, 10)} | {"U3": 2}
    body = {"mode": "enumerator", "service": "ktp-el", "answers": answers}
    with httpx.Client(base_url=site, headers={"Authorization": f"Bearer {key}"}) as client:
        for _ in range(6):
            client.post("/api/v1/surveys/skm/responses", json=body).raise_for_status()
    move_responses(site_settings, "2024-05-14")
    form_bundles(site_settings)
    return invite_to(site_settings, "pengampu@dukcapil.test", ("lead", "dukcapil")).path


def answer(open_tab: OpenTab, link: str) -> None:
    """Answer the survey of stakeholders by the link of an invitation."""
    with open_tab(width=360, java_script_enabled=False) as guest:
        guest.open(link)
        for field in (f"{part}{n}" for part in "TPCL" for n in (1, 2, 3)):
            guest.page.check(f'input[name="{field}"][value="3"]')
        guest.page.get_by_label("Kami tidak bekerja sama").check()
        guest.page.locator("button.send").click()
        guest.page.wait_for_url("**/terima-kasih")


def follow_up(tab: BrowserTab) -> None:
    """Plan what follows from the satisfaction of 2024, and finish it from the desk."""
    page = tab.page
    tab.open("/kelola/survei/skm?tahun=2024")
    page.get_by_text("Kepuasan 94,44 dari 100, mutu A (sangat baik)").wait_for()
    page.get_by_role("link", name="Rencanakan tindak lanjut: Seberapa cepat").click()
    page.get_by_label("Apa yang dilakukan").fill("Menambah loket kedua.")
    page.get_by_label("Penanggung jawab").fill("Bidang Pelayanan")
    page.get_by_label("Paling lambat").fill("2025-03-31")
    page.get_by_role("button", name="Simpan").click()
    tab.open("/kelola")
    page.get_by_role("link", name=re.compile("Menambah loket kedua")).click()
    page.get_by_label("Keadaan").select_option("done")
    page.get_by_label("Hasil").fill("Loket buka sejak Maret.")
    page.get_by_role("button", name="Simpan").click()
    page.get_by_text("Loket buka sejak Maret.").wait_for()


@pytest.mark.skipif(
    FIRST.year != LAST.year or TODAY == LAST, reason="a round lies in one year, and ends early"
)
def test_a_survey_is_held_and_followed_up_on_a_phone_without_script(
    invitation: str, open_tab: OpenTab
) -> None:
    with open_tab(width=360, height=640, java_script_enabled=False) as tab:
        page = tab.page
        tab.open(invitation)
        accept(page)
        tab.open("/kelola/survei")
        page.get_by_role("link", name="Survei pemangku kepentingan").click()
        page.get_by_role("link", name="Mulai putaran").click()
        page.get_by_label("Hari pertama").fill(FIRST.isoformat())
        page.get_by_role("button", name="Mulai putaran").click()
        page.get_by_role("link", name="Pilih siapa yang menjawab.").click()
        assert page.get_by_label("Hari pertama").input_value() == FIRST.isoformat()
        page.get_by_label("Hari terakhir").fill(LAST.isoformat())
        page.get_by_label("Pemangku kepentingan yang diundang").check()
        page.get_by_role("button", name="Mulai putaran").click()
        boxes = page.locator("input[type=checkbox]")
        for n in range(3):
            boxes.nth(n).check()
        page.get_by_role("button", name="Undang").click()
        page.get_by_text("0 dari 3 yang diundang sudah menjawab").wait_for()
        round_page = page.url
        page.get_by_role("link", name="Cetak tautan undangan").click()
        link = page.locator(".secret").first.inner_text()
        answer(open_tab, re.sub(r"^https?://[^/]+", "", link))
        page.goto(round_page)
        page.get_by_text("1 dari 3 yang diundang sudah menjawab").wait_for()
        page.get_by_text("Tutup lebih awal").click()
        page.get_by_label("Hari terakhir").fill(FIRST.isoformat())
        page.get_by_role("button", name="Tutup putaran").click()
        page.get_by_role("link", name="sudah dijawab sesudah hari itu").wait_for()
        page.get_by_label("Hari terakhir").fill(TODAY.isoformat())
        page.get_by_role("button", name="Tutup putaran").click()
        page.get_by_role("heading", name=re.compile(f"sampai {TODAY.day} ")).wait_for()
        follow_up(tab)
        assert all("422" in error for error in tab.console_errors)  # the two refused forms
    with open_tab(width=320) as tab:
        tab.open("/survei/skm/hasil?period=2024")
        assert "Loket buka sejak Maret." in tab.page.inner_text("main")
        assert overflow(tab.page) == []
