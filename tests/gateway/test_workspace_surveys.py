"""`/kelola/survei`: rounds that invite and close, results in words, and the follow-up plan."""

import re
from datetime import date, datetime, timedelta

import pytest

from services.platform.service import API
from tests.conftest import DEFAULT_ZONE, Hub, form_bundles
from tests.feedback.answering import move_responses
from tests.gateway.people import Colleague, colleague, visitor

pytestmark = [pytest.mark.usefixtures("signed_out"), pytest.mark.slow]

SURVEYS = "/kelola/survei"
ROUNDS = f"{SURVEYS}/stakeholders/putaran"
TODAY = datetime.now(DEFAULT_ZONE).date()
FIRST = max(TODAY - timedelta(days=20), date(TODAY.year, 1, 1))
LAST = date(TODAY.year, 12, 31)
SOON = min(TODAY + timedelta(days=5), LAST)


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module; its tests hold rounds of different surveys."""
    return toba_hub


@pytest.fixture(scope="module")
def lead(hub: Hub) -> Colleague:
    return colleague(hub, "pengampu@diskominfo.test", ("lead", "diskominfo"))


@pytest.fixture(scope="module")
def reporter(hub: Hub) -> Colleague:
    return colleague(hub, "pelapor@dukcapil.test", ("reporter", "dukcapil"))


@pytest.fixture(scope="module")
def approver(hub: Hub) -> Colleague:
    return colleague(hub, "penyetuju@dukcapil.test", ("approver", "dukcapil"))


def value_of(text: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', text)
    assert found is not None, name
    return found[1].replace("&#34;", '"').replace("&quot;", '"')


def test_who_has_no_role_for_surveys_does_not_enter(hub: Hub, reporter: Colleague) -> None:
    assert visitor(hub).get(SURVEYS).headers["location"].startswith("/kelola/masuk")
    responder = colleague(hub, "penjawab@dukcapil.test", ("responder", "dukcapil"))
    assert responder.get(SURVEYS).status_code == 403
    assert SURVEYS not in responder.get("/kelola").text
    assert "Survei Kepuasan Masyarakat" in reporter.get(SURVEYS).text
    shown = reporter.get(f"{SURVEYS}/skm")
    assert "Dapat dijawab setiap hari" in shown.text
    assert "putaran/baru" not in shown.text
    assert reporter.get(f"{SURVEYS}/skm/putaran/baru").status_code == 403
    assert reporter.get(f"{SURVEYS}/no-such").status_code == 404
    homeless = colleague(hub, "penilai@kampus.test", ("evaluator", None))
    assert "tidak menyebut instansi" in homeless.get(f"{SURVEYS}/skm/putaran/baru").text


def test_a_round_names_what_is_wrong_and_keeps_what_was_typed(lead: Colleague) -> None:
    path = f"{SURVEYS}/awareness/putaran/baru"
    assert "hanya dapat dijawab pada hari-hari" in lead.get(path).text
    empty = lead.post(path)
    assert empty.status_code == 422
    for name in ("mulai", "akhir", "responden"):
        assert f'href="#{name}"' in empty.text
    typed = {
        "mulai": LAST.isoformat(),
        "akhir": FIRST.isoformat(),
        "responden": "drawn",
        "populasi": "1.200",
        "ditanya": "1.500",
    }
    wrong = lead.post(path, typed)
    assert "Hari terakhir tidak boleh sebelum" in wrong.text
    assert "tidak boleh lebih banyak daripada" in wrong.text
    assert value_of(wrong.text, "populasi") == "1.200"
    next_year = f"{TODAY.year + 1}-01-05"
    other = lead.post(path, typed | {"mulai": FIRST.isoformat(), "akhir": next_year})
    assert "dalam tahun yang sama" in other.text
    right = typed | {"mulai": FIRST.isoformat(), "akhir": SOON.isoformat(), "ditanya": "400"}
    assert lead.post(path, right | {"populasi": "banyak"}).status_code == 422
    started = lead.post(path, right)
    assert started.status_code == 303, started.text
    again = lead.post(path, right)
    assert "bertumpang tindih" in again.text
    shown = lead.get(started.headers["location"])
    assert "400 akan ditanya, mewakili 1.200 pengguna" in shown.text
    assert "baru 0% menjawab" in lead.get("/kelola").text
    token = lead.post(f"{SURVEYS}/penilaian/putaran/baru", right | {"responden": "invited"})
    assert 'href="#responden"' in token.text


@pytest.mark.skipif(FIRST == TODAY, reason="a round cannot end before the first day of the year")
def test_stakeholders_are_invited_by_links_and_the_round_is_closed_early(
    hub: Hub, lead: Colleague
) -> None:
    fields = {"mulai": FIRST.isoformat(), "akhir": LAST.isoformat(), "responden": "invited"}
    started = lead.post(f"{ROUNDS}/baru", fields)
    page = started.headers["location"]
    assert 'href="#undang"' in lead.post(f"{page}/undang").text
    names = re.findall(r'name="(undang-[a-z0-9-]+)"', lead.get(page).text)
    assert lead.post(f"{page}/undang", dict.fromkeys(names[:3], "1")).status_code == 303
    assert "0 dari 3 yang diundang sudah menjawab" in lead.get(page).text
    assert names[0] not in lead.get(page).text
    slips = lead.get(f"{page}/tautan")
    assert slips.headers["cache-control"] == "no-store"
    links = re.findall(r'class="secret">https?://[^/]+(/survei/undangan/[a-z2-7]{16})<', slips.text)
    assert len(links) == 3
    guest = visitor(hub)
    guest.get(links[0])
    assert "pemangku kepentingan" in guest.get("/survei/undangan").text
    assert "undangan Survei pemangku kepentingan belum dijawab" in lead.get("/kelola").text
    assert (
        "Survey of stakeholders: 3 invitations are not answered" in lead.get("/kelola?lang=en").text
    )
    other = colleague(hub, "pengampu@setda.test", ("lead", "setda"))
    seen = other.get(page)
    assert "instansi lain" in seen.text
    assert "/undang" not in seen.text
    assert other.get(f"{page}/tautan").status_code == 403
    assert other.post(f"{page}/undang", {names[3]: "1"}).status_code == 403
    assert other.post(f"{page}/hapus").status_code == 403
    tag = value_of(lead.get(page).text, "versi")
    late = lead.post(f"{page}/tutup", {"versi": tag, "akhir": LAST.isoformat()})
    assert 'href="#akhir"' in late.text
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    stale = lead.post(f"{page}/tutup", {"versi": '"old"', "akhir": yesterday})
    assert stale.status_code == 412
    assert lead.post(f"{page}/tutup", {"versi": tag, "akhir": yesterday}).status_code == 303
    closed = lead.get(page)
    assert "Selesai" in closed.text
    assert "/tutup" not in closed.text
    assert f"{page}/tautan" not in closed.text
    assert lead.post(f"{page}/undang", {names[3]: "1"}).status_code == 422
    assert "Sedang tidak dibuka" in lead.get(f"{SURVEYS}/stakeholders").text


def answer_skm(hub: Hub, times: int) -> None:
    """Store answers of a satisfaction survey of 2024, whose lowest element is U3."""
    answers = {f"U{n}": 4 for n in range(1, 10)} | {"U3": 2}
    key = hub.auth("dukcapil", "surveys:collect")
    for _ in range(times):
        body = {"mode": "enumerator", "service": "ktp-el", "answers": answers}
        sent = hub.client.post(f"{API}/surveys/skm/responses", json=body, headers=key)
        assert sent.status_code == 201, sent.text
    move_responses(hub.settings, "2024-05-14")
    form_bundles(hub.settings)


def test_satisfaction_is_read_in_words_and_followed_up_until_it_is_done(
    hub: Hub, reporter: Colleague, approver: Colleague
) -> None:
    page = f"{SURVEYS}/skm?tahun=2024"
    assert "Belum ada jawaban." in reporter.get(page).text
    answer_skm(hub, 6)
    shown = reporter.get(page).text
    assert "6 jawaban" in shown
    assert "Kepuasan 94,44 dari 100, mutu A (sangat baik), dari 6 jawaban lengkap." in shown
    assert shown.index("Seberapa cepat") < shown.index("Semua unsur")
    assert "94.44 out of 100" in reporter.get(f"{page}&lang=en").text
    assert "/poster/kantor/dukcapil.pdf" in shown
    form = f"{SURVEYS}/skm/tindak-lanjut/baru"
    filled = reporter.get(f"{form}?tahun=2024&unsur=U3").text
    assert '<option value="U3" selected>' in filled
    fields = {"id": value_of(filled, "id"), "tahun": "2024", "unsur": "U3", "keadaan": "done"}
    empty = reporter.post(form, fields)
    assert empty.status_code == 422
    for name in ("tindakan", "penanggung", "batas", "hasil"):
        assert f'href="#{name}"' in empty.text
    fields |= {"tindakan": "Menambah loket <b>kedua</b>.", "penanggung": "Bidang Pelayanan"}
    fields |= {"batas": "2025-03-31", "keadaan": "planned"}
    assert 'href="#unsur"' in reporter.post(form, fields | {"unsur": "U99"}).text
    for _ in range(2):  # sent twice, stored once
        assert reporter.post(form, fields).status_code == 303
    changed = reporter.post(form, fields | {"penanggung": "Sekretariat"})
    assert changed.status_code == 422
    assert "Formulir ini sudah tersimpan dengan isi lain." in changed.text
    in_english = reporter.post(f"{form}?lang=en", fields | {"penanggung": "Sekretariat"})
    assert "This form was stored with other contents." in in_english.text
    planned = reporter.get(page).text
    assert "Menambah loket &lt;b&gt;kedua&lt;/b&gt;." in planned
    assert len(re.findall("tindak-lanjut/[0-9a-f]{8}-", planned)) == 1
    assert "Lewat batas" in planned
    desk = reporter.get("/kelola").text
    found = re.search(rf'href="({SURVEYS}/skm/tindak-lanjut/[0-9a-f-]+)"', desk)
    assert found is not None
    stranger = colleague(hub, "pelapor@dinkes.test", ("reporter", "dinkes"))
    assert found[1] not in stranger.get("/kelola").text
    assert found[1] not in stranger.get(page).text
    assert stranger.get(found[1]).status_code == 403
    assert stranger.post(found[1], fields).status_code == 403
    tag = value_of(reporter.get(found[1]).text, "versi")
    under_way = fields | {"versi": tag, "keadaan": "under_way"}
    assert approver.post(found[1], under_way).status_code == 303
    done = fields | {"versi": tag, "keadaan": "done", "hasil": "Loket buka sejak Maret."}
    conflict = reporter.post(found[1], done)
    assert conflict.status_code == 412
    assert "Loket buka sejak Maret." in conflict.text
    again = done | {"versi": value_of(conflict.text, "versi")}
    assert reporter.post(found[1], again).status_code == 303
    assert "Loket buka sejak Maret." in reporter.get(page).text
    assert found[1] not in reporter.get("/kelola").text
    left = hub.client.get(f"{API}/surveys/follow-up/open?agency=dukcapil")
    assert left.json() == {"items": []}
