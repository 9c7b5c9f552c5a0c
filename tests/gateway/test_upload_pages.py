"""`/unggah`: an agency without a program enters, checks a file, sends it, and leaves."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.gateway.api_keys.keys import revoke_key
from services.gateway.api_keys.signed_links import SignedLink
from services.gateway.portal.upload.session import UPLOADS
from services.platform.database import Database
from services.platform.settings import Service
from tests.conftest import Hub
from tests.feedback.sheets import ods, ods_cell, ods_row, workbook
from tests.gateway.key_rows import (
    chain_audit_log,
    expire_upload_sessions,
    set_expiry,
    upload_sessions,
)
from tests.gateway.links import fields_of, new_link, wrong_code
from tests.gateway.people import USER_AGENT, colleague, execute, visitor
from tests.rows import oblige_since

HEADS = ("layanan", "kanal", "bulan", "masuk", "selesai", "alasan")
UPLOAD = "/unggah"
WAY_IN = "Tautan unggah"
"""What only the page has that asks somebody to sign in."""


@pytest.fixture(scope="module")
def running(toba_hub: Hub) -> Hub:
    """Provide a hub with the Toba pack for a module; each of its tests reports another month."""
    return toba_hub


class Browser:
    """A user of Dukcapil at the page, whose cookies are deleted afterwards."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.client = hub.client

    def enter(self, link: SignedLink | None = None) -> httpx.Response:
        link = link or new_link(self.hub.settings, "upload")
        return self.client.post(f"{UPLOAD}/masuk", data=fields_of(link))

    def word(self) -> str:
        found = re.search(r'name="kata" value="([^"]+)"', self.client.get(UPLOAD).text)
        assert found is not None
        return found[1]

    def check(
        self, content: bytes, *, word: str | None = None, name: str = "maret.xlsx"
    ) -> httpx.Response:
        data = {"kata": self.word() if word is None else word}
        return self.client.post(f"{UPLOAD}/periksa", data=data, files={"berkas": (name, content)})

    def confirm(self, preview: httpx.Response) -> httpx.Response:
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', preview.text))
        parts: dict[str, Any] = {name: (None, value) for name, value in fields.items()}
        return self.client.post(f"{UPLOAD}/kirim", files=parts)


@pytest.fixture
def browser(running: Hub) -> Iterator[Browser]:
    yield Browser(running)
    running.client.cookies.clear()


def revoke(hub: Hub, key_id: str) -> None:
    async def work() -> None:
        database = Database(hub.settings, Service.gateway)
        async with database.write_session() as session:
            assert await revoke_key(session, hub.settings.region, key_id, now=datetime.now(UTC))
        await database.close()

    asyncio.run(work())


def figures(hub: Hub, period: str) -> list[tuple[str, int, str | None]]:
    answer = hub.client.get(f"/api/v1/usage/statistics?period={period}")
    items = answer.json()["items"]
    return [(item["measure"], item["value"], item["reason"]) for item in items]


def test_an_agency_enters_checks_its_file_sends_it_and_gets_a_receipt(browser: Browser) -> None:
    answer = browser.enter()
    assert (answer.status_code, answer.headers["location"]) == (303, UPLOAD)
    home = browser.client.get(UPLOAD)
    assert "Dinas Kependudukan dan Pencatatan Sipil" in home.text
    template = browser.client.get(f"{UPLOAD}/templat.xlsx")
    assert template.content.startswith(b"PK")
    assert "statistik-dukcapil" in template.headers["content-disposition"]
    file = workbook(("ktp-el", "loket", "Januari 2024", 412, 398, None), heads=HEADS)
    preview = browser.check(file)
    assert preview.status_code == 200, preview.text
    assert "<b>2</b> angka baru" in preview.text
    assert figures(browser.hub, "2024-01") == []
    receipt = browser.confirm(preview)
    assert receipt.status_code == 200
    assert "Statistik tersimpan" in receipt.text
    assert "maret.xlsx" in receipt.text
    stored = [("completed", 398, None), ("submitted", 412, None)]
    assert figures(browser.hub, "2024-01") == stored
    again = browser.confirm(preview)
    assert "<b>2</b> angka sama" in again.text
    assert figures(browser.hub, "2024-01") == stored


@pytest.mark.slow
def test_what_is_wrong_stands_beside_its_cell_and_nothing_is_stored(browser: Browser) -> None:
    browser.enter()
    file = workbook(("ktp-el", "loket", "Feb 2024", "4,5", "<b>", None), heads=HEADS)
    answer = browser.check(file)
    assert answer.status_code == 422
    assert "Lembar Statistik, baris 2" in answer.text
    assert re.search(r"masuk <small>D2</small></dt><dd>4,5<strong>[^<]*bilangan bulat", answer.text)
    assert "&lt;b&gt;" in answer.text
    assert "<dd><b>" not in answer.text
    assert figures(browser.hub, "2024-02") == []
    damaged = browser.check(b"PK\x03\x04 damaged")
    assert damaged.status_code == 422
    assert "bukan buku kerja XLSX" in damaged.text
    assert browser.check(b"").status_code == 422


def test_a_workbook_of_libreoffice_is_checked_and_stored(browser: Browser) -> None:
    browser.enter()
    cells = map(ods_cell, ("ktp-el", "loket", "September 2024", 7, 6, None))
    preview = browser.check(ods(ods_row(*cells), heads=HEADS), name="september.ods")
    assert preview.status_code == 200, preview.text
    browser.confirm(preview)
    assert figures(browser.hub, "2024-09") != []


@pytest.mark.slow
def test_a_file_whose_name_and_content_differ_is_refused(browser: Browser) -> None:
    browser.enter()
    sheet = workbook(("ktp-el", "loket", "Agustus 2024", 7, 7, None), heads=HEADS)
    table = b"layanan;kanal;bulan;masuk\nktp-el;loket;Agustus 2024;7\n"
    for name, content in (
        ("agustus.csv", sheet),
        ("agustus.xlsx", table),
        ("agustus.pdf", sheet),
        ("agustus.ods", sheet),
        ("agustus.xlsx", ods(heads=HEADS)),
        ("agustus.xlsx.exe", sheet),
        ("agustus", table),
    ):
        answer = browser.check(content, name=name)
        assert answer.status_code == 422, name
        assert "tidak cocok dengan namanya" in answer.text
    named = f"{'a' * 250}.XLSX"
    for name, content in ((named, sheet), ("agustus.CSV", table), ("agustus.txt", table)):
        assert browser.check(content, name=name).status_code == 200, name
    assert figures(browser.hub, "2024-08") == []


@pytest.mark.slow
def test_what_is_hard_to_believe_is_shown_and_can_be_explained(browser: Browser) -> None:
    browser.enter()
    rows = [("ktp-el", "telepon", "2023-05", 10, 2, None), ("ktp-el", "telepon", "2023-06", 5, 900)]
    receipt = browser.confirm(browser.check(workbook(*rows, heads=HEADS)))
    assert "900 selesai, ditolak, atau dikembalikan" in receipt.text
    flag = re.search(r'name="tanda" value="([^"]+)"', receipt.text)
    assert flag is not None
    said = {"kata": browser.word(), "tanda": flag[1], "penjelasan": "Pekan pelayanan keliling"}
    assert browser.client.post(f"{UPLOAD}/penjelasan", data=said).status_code == 303
    assert "900 selesai" not in browser.client.get(UPLOAD).text


def test_the_cookie_is_closed_to_scripts_other_sites_and_readers(browser: Browser) -> None:
    answer = browser.enter()
    cookie = answer.headers["set-cookie"]
    for said in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=1800"):
        assert said in cookie
    assert cookie.startswith(f"{UPLOADS.cookie}=")
    assert "Secure" not in cookie
    assert "emk_" not in cookie
    home = browser.client.get(UPLOAD)
    assert home.headers["cache-control"] == "no-store"
    assert "script-src" not in home.headers["content-security-policy"]
    assert "default-src 'none'" in home.headers["content-security-policy"]
    assert "emk_" not in home.text


def test_over_tls_no_other_host_of_the_domain_can_set_the_cookie(browser: Browser) -> None:
    link = new_link(browser.hub.settings, "upload")
    address = f"https://testserver{UPLOAD}"
    entered = browser.client.post(f"{address}/masuk", data=fields_of(link))
    [cookie] = [each for each in entered.headers.get_list("set-cookie") if UPLOADS.cookie in each]
    assert cookie.startswith(f"__Host-{UPLOADS.cookie}=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert "Pencatatan Sipil" in browser.client.get(address).text
    session_id = cookie.partition("=")[2].partition(";")[0]
    browser.client.cookies.clear()
    # A neighbour in the domain can set the name without the prefix.
    planted = {"Cookie": f"{UPLOADS.cookie}={session_id}"}
    assert WAY_IN in browser.client.get(address, headers=planted).text


def copied(browser: Browser) -> dict[str, str]:
    """Return the header with a copy of the browser's cookie."""
    return {"Cookie": f"{UPLOADS.cookie}={browser.client.cookies[UPLOADS.cookie]}"}


def test_a_copy_of_the_cookie_ends_with_the_session(browser: Browser) -> None:
    browser.enter()
    word, copy = browser.word(), copied(browser)
    left = browser.client.post(f"{UPLOAD}/keluar")
    assert left.status_code == 303
    assert "Max-Age=0" in left.headers["set-cookie"]
    browser.client.cookies.clear()
    assert WAY_IN in browser.client.get(UPLOAD, headers=copy).text
    assert browser.client.get(f"{UPLOAD}/templat.csv", headers=copy).status_code == 403
    for path in ("periksa", "kirim", "penjelasan"):
        data = {"kata": word, "isi": "eA=="}
        answer = browser.client.post(f"{UPLOAD}/{path}", data=data, headers=copy)
        assert answer.status_code == 403
        assert WAY_IN in answer.text


def test_signing_in_again_ends_the_session_before_and_no_other(browser: Browser) -> None:
    browser.enter()
    other = copied(browser)
    browser.client.cookies.clear()
    browser.enter()
    before = copied(browser)
    browser.enter()
    now = copied(browser)
    browser.client.cookies.clear()
    assert WAY_IN in browser.client.get(UPLOAD, headers=before).text
    for signed_in in (other, now):
        assert 'name="kata"' in browser.client.get(UPLOAD, headers=signed_in).text


def test_a_session_ends_after_half_an_hour_and_its_row_is_deleted(browser: Browser) -> None:
    browser.enter()
    expire_upload_sessions(browser.hub.settings)
    assert WAY_IN in browser.client.get(UPLOAD).text
    app: Any = browser.client.app
    assert browser.client.portal is not None
    browser.client.portal.call(app.state.retention.prune_now)
    assert upload_sessions(browser.hub.settings) == []


def test_the_database_holds_no_cookie(browser: Browser) -> None:
    browser.enter()
    [stored] = upload_sessions(browser.hub.settings)[-1:]
    assert browser.client.cookies[UPLOADS.cookie] not in stored
    assert browser.word() not in stored


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://other.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_is_refused(browser: Browser, headers: dict[str, str]) -> None:
    browser.enter()
    word = browser.word()
    file = {"berkas": ("a.csv", b"x")}
    for path in ("masuk", "periksa", "kirim", "penjelasan", "keluar"):
        answer = browser.client.post(
            f"{UPLOAD}/{path}", data={"kata": word}, files=file, headers=headers
        )
        assert answer.status_code == 403
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    answer = browser.client.post(f"{UPLOAD}/keluar", headers=own)
    assert answer.status_code == 303


def test_a_form_without_the_word_of_this_session_is_refused(browser: Browser) -> None:
    browser.enter()
    word = browser.word()
    assert browser.check(b"x", word="").status_code == 403
    assert browser.check(b"x", word="é").status_code == 403
    browser.enter()
    assert browser.check(b"x", word=word).status_code == 403


def test_without_a_session_every_step_leads_to_the_way_in(browser: Browser) -> None:
    for path in ("periksa", "kirim", "penjelasan"):
        answer = browser.client.post(f"{UPLOAD}/{path}", data={"kata": "x"})
        assert answer.status_code == 403
        assert WAY_IN in answer.text
    assert browser.client.get(f"{UPLOAD}/templat.csv").status_code == 403
    for forged in ("x", "AAAA" * 30, "é"):
        headers = {"Cookie": f"{UPLOADS.cookie}={forged}".encode()}
        assert WAY_IN in browser.client.get(UPLOAD, headers=headers).text


def test_a_key_does_not_sign_in_and_a_link_needs_its_code(browser: Browser) -> None:
    link = new_link(browser.hub.settings, "upload")
    key = browser.hub.key("dukcapil", "usage:write")
    device = new_link(browser.hub.settings, "device")
    for fields in (
        {"kunci": key},
        {"tautan": key, "kode": link.code},
        {"tautan": link.token},
        {"tautan": link.token, "kode": "12345"},
        {"tautan": link.token, "kode": wrong_code(link)},
        {"tautan": link.token, "kode": device.code},
        fields_of(device),
    ):
        answer = browser.client.post(f"{UPLOAD}/masuk", data=fields)
        assert answer.status_code in (403, 422), fields
        assert "set-cookie" not in answer.headers
    pasted = {"tautan": f"https://hub.test{link.path} ", "kode": link.readable_code}
    assert browser.client.post(f"{UPLOAD}/masuk", data=pasted).status_code == 303
    assert WAY_IN not in browser.client.get(UPLOAD).text


def test_five_wrong_codes_in_a_row_revoke_a_link_and_end_its_sessions(browser: Browser) -> None:
    link = new_link(browser.hub.settings, "upload")
    browser.enter(link)
    copy = copied(browser)
    browser.client.cookies.clear()

    def attempt(code: str) -> str:
        answer = browser.client.post(f"{UPLOAD}/masuk", data={"tautan": link.token, "kode": code})
        assert answer.status_code in (403, 422)
        return answer.text

    for remaining in (4, 3, 2, 1):
        assert f"Sisa percobaan: {remaining};" in attempt(wrong_code(link))
        assert "enam angka yang disampaikan" in attempt("12")  # no code, and no attempt
    browser.enter(link)  # begins the count anew
    assert "Sisa percobaan: 4;" in attempt(wrong_code(link))
    for _ in range(3):
        attempt(wrong_code(link))
    closed = attempt(wrong_code(link))
    assert "sehingga tautan ini dicabut" in closed
    assert "tidak berlaku" in attempt(link.code)
    assert WAY_IN in browser.client.get(UPLOAD, headers=copy).text


@pytest.mark.slow
def test_simultaneous_guesses_count_each(browser: Browser) -> None:
    link = new_link(browser.hub.settings, "upload")
    fields = {"tautan": link.token, "kode": wrong_code(link)}

    def guess(_: int) -> str:
        return browser.client.post(f"{UPLOAD}/masuk", data=fields).text

    with ThreadPoolExecutor(8) as guessers:
        answers = list(guessers.map(guess, range(12)))
    assert sum("Sisa percobaan" in answer for answer in answers) <= 4
    assert "tidak berlaku" in browser.client.post(f"{UPLOAD}/masuk", data=fields_of(link)).text


@pytest.mark.slow
def test_sessions_of_a_link_are_seen_and_ended_after_its_code(browser: Browser) -> None:
    link = new_link(browser.hub.settings, "upload")
    firefox = {"User-Agent": USER_AGENT}
    browser.client.post(f"{UPLOAD}/masuk", data=fields_of(link), headers=firefox)
    other = copied(browser)
    browser.client.cookies.clear()
    browser.enter()  # of another link, which neither sees nor ends it
    stranger, stranger_word = copied(browser), browser.word()
    browser.client.cookies.clear()
    browser.enter(link)
    page = browser.client.get(f"{UPLOAD}/sesi").text
    ids = re.findall(r'name="sesi" value="([0-9a-f-]{36})" required( checked)?', page)
    [own] = [found for found, is_own in ids if is_own]
    [theirs] = [found for found, is_own in ids if not is_own]
    assert "Perangkat ini" in page
    assert "Firefox, Android" in page

    def end(chosen: str, code: str, headers: dict[str, str] | None = None) -> httpx.Response:
        word = stranger_word if headers == stranger else browser.word()
        fields = {"kata": word, "sesi": chosen, "kode": code}
        return browser.client.post(f"{UPLOAD}/sesi", data=fields, headers=headers)

    assert end(theirs, wrong_code(link)).status_code == 403
    assert end(theirs, "").status_code == 422
    assert end("lain", link.code).status_code == 422
    assert WAY_IN not in browser.client.get(UPLOAD, headers=other).text
    ended = end(theirs, link.readable_code)
    assert (ended.status_code, ended.headers["location"]) == (303, f"{UPLOAD}/sesi")
    kept = copied(browser)
    browser.client.cookies.clear()
    assert WAY_IN in browser.client.get(UPLOAD, headers=other).text
    assert end(own, link.code, headers=stranger).status_code == 403  # not their code
    browser.client.cookies.set(UPLOADS.cookie, kept["Cookie"].partition("=")[2])
    for _ in range(7):
        end("semua", wrong_code(link))
    held = end("semua", link.code)
    assert held.status_code == 429
    execute(browser.hub, "DELETE FROM gateway.sign_in_attempt")
    assert end("semua", link.code).headers["location"] == UPLOAD
    browser.client.cookies.clear()
    assert WAY_IN in browser.client.get(UPLOAD, headers=kept).text
    assert WAY_IN not in browser.client.get(UPLOAD, headers=stranger).text
    # Wrong codes in a session did not revoke the link.
    assert browser.enter(link).status_code == 303


def test_the_audit_log_says_which_link_signed_in_or_tried_to_and_signed_out(
    browser: Browser,
) -> None:
    link = new_link(browser.hub.settings, "upload")
    for code in (link.code, wrong_code(link)):
        browser.client.post(f"{UPLOAD}/masuk", data={"tautan": link.token, "kode": code})
    browser.client.post(f"{UPLOAD}/masuk", data={"tautan": f"{link.token}x", "kode": link.code})
    browser.client.post(f"{UPLOAD}/keluar")
    headers = {"Authorization": f"Bearer {browser.hub.key('diskominfo', 'admin')}"}
    chain_audit_log(browser.hub.settings)
    lines = browser.client.get("/api/v1/audit?limit=3", headers=headers).json()["items"]
    wanted = [(link.id, "dukcapil", status) for status in (303, 403, 303)]
    assert [(line["key_id"], line["agency"], line["status"]) for line in lines] == wanted


def test_a_link_that_is_revoked_ends_its_session(browser: Browser) -> None:
    link = new_link(browser.hub.settings, "upload")
    browser.enter(link)
    assert "Pencatatan Sipil" in browser.client.get(UPLOAD).text
    revoke(browser.hub, link.id)
    assert WAY_IN in browser.client.get(UPLOAD).text
    assert browser.client.get(link.path, follow_redirects=True).status_code == 403


def test_a_link_that_expires_ends_its_session(browser: Browser) -> None:
    link = new_link(browser.hub.settings, "upload")
    browser.enter(link)
    set_expiry(browser.hub.settings, link.id, datetime.now(UTC))
    assert WAY_IN in browser.client.get(UPLOAD).text


def test_a_link_names_its_agency_and_its_code_signs_in(browser: Browser) -> None:
    link = new_link(browser.hub.settings, "upload")
    moved = browser.client.get(link.path)
    assert (moved.status_code, moved.headers["location"]) == (303, f"{UPLOAD}/tautan")
    assert moved.headers["referrer-policy"] == "no-referrer"
    assert {"HttpOnly", "SameSite=lax", f"Path={UPLOAD}/tautan"} <= set(
        moved.headers["set-cookie"].split("; ")
    )
    opened = browser.client.get(moved.headers["location"])
    assert "Pencatatan Sipil" in opened.text
    assert WAY_IN in browser.client.get(UPLOAD).text
    assert 'action="/unggah/masuk"' in opened.text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', opened.text))
    wrong = browser.client.post(f"{UPLOAD}/masuk", data={**hidden, "kode": wrong_code(link)})
    assert 'aria-invalid="true"' in wrong.text
    entered = browser.client.post(f"{UPLOAD}/masuk", data={**hidden, "kode": link.code})
    assert entered.status_code == 303
    assert "Pencatatan Sipil" in browser.client.get(UPLOAD).text


def test_a_link_that_was_changed_or_is_over_does_not_enter(browser: Browser) -> None:
    settings = browser.hub.settings
    link, other = new_link(settings, "upload"), new_link(settings, "upload", "dpmptsp")
    over = new_link(settings, "upload", life=timedelta(seconds=-1))
    signature = link.token.split("_", 2)[2]
    changed = "B" if signature[0] != "B" else "C"
    for token, code in (
        (f"eml_{other.id}_{signature}", other.code),
        (f"eml_{link.id}_{changed}{signature[1:]}", link.code),
        (f"eml_{link.id}_", link.code),
        (f"emk_{link.id}_{signature}", link.code),
        ("eml", link.code),
        (over.token, over.code),
    ):
        shown = browser.client.get(f"{UPLOAD}/tautan/{token}", follow_redirects=True)
        assert shown.status_code == 403
        answer = browser.client.post(f"{UPLOAD}/masuk", data={"tautan": token, "kode": code})
        assert answer.status_code == 403
    bearer = {"Authorization": f"Bearer emk_{link.id}_{signature}"}
    assert browser.client.get("/api/v1/usage/summary", headers=bearer).status_code == 401


def test_the_reporting_page_counts_services_by_agency_and_month(browser: Browser) -> None:
    before = browser.client.get("/dasbor/pelaporan?tahun=2021").text
    assert "Tidak ada instansi yang wajib melapor untuk tahun ini." in before
    oblige_since(browser.hub.settings, date(2021, 11, 1))
    begun = browser.client.get("/dasbor/pelaporan?tahun=2021").text
    [row] = re.findall(r'<tr><th scope="row">Disdukcapil</th>.*', begun)
    assert re.findall(r'class="heat ?(\w*)"', row) == [""] * 10 + ["missing"] * 2
    page = browser.client.get("/dasbor/pelaporan?tahun=2022")
    assert page.status_code == 200
    assert "Disdukcapil" in page.text
    assert page.text.count('class="heat missing"') > 100
    assert browser.client.get("/dasbor/pelaporan?tahun=1999").status_code == 422


@pytest.mark.slow
def test_a_reporter_who_signed_in_uploads_for_the_own_agency_without_a_key(running: Hub) -> None:
    reporter = colleague(running, "pelapor@dukcapil.test", ("reporter", "dukcapil"))
    responder = colleague(running, "penjawab@dukcapil.test", ("responder", "dukcapil"))
    assert WAY_IN in responder.get(UPLOAD).text
    home = reporter.get(UPLOAD)
    assert "Dinas Kependudukan dan Pencatatan Sipil" in home.text
    assert WAY_IN not in home.text
    assert "/unggah/keluar" not in home.text
    assert reporter.get("/unggah/templat.csv").status_code == 200
    file = {
        "berkas": ("juli.xlsx", workbook(("ktp-el", "loket", "Juli 2023", 7, 6, None), heads=HEADS))
    }
    fields = {"kata": "0" * 64}
    assert reporter.post("/unggah/periksa", fields, files=file).status_code == 403
    preview = reporter.post("/unggah/periksa", files=file)
    assert preview.status_code == 200, preview.text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', preview.text))
    receipt = reporter.post("/unggah/kirim", hidden)
    assert "Statistik tersimpan" in receipt.text
    assert "pelapor</dd>" in receipt.text
    figures = running.client.get("/api/v1/usage/statistics?period=2023-07&agency=dukcapil").json()
    assert {one["value"] for one in figures["items"] if one["service"] == "ktp-el"} == {6, 7}
    signed_in = visitor(running).get("/kelola/masuk?ke=/unggah")
    assert 'action="/kelola/masuk?ke=/unggah' in signed_in.text
    running.client.cookies.clear()
    execute(running, "DELETE FROM gateway.sign_in_attempt")
