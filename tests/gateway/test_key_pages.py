"""`/kelola/kunci` and `/kelola/webhook`: keys, upload links and webhooks kept by people."""

import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from tests.conftest import Hub
from tests.gateway.people import Colleague, colleague, execute, visitor

pytestmark = pytest.mark.usefixtures("signed_out")

KEYS = "/kelola/kunci"
WEBHOOKS = "/kelola/webhook"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def head(hub: Hub) -> Colleague:
    """Provide the administrator of the hub."""
    return colleague(hub, "kepala@diskominfo.test", ("administrator", "diskominfo"))


def shown_key(text: str) -> str:
    [key] = re.findall(r"emk_[0-9a-f]{12}_[0-9a-f]{64}", text)
    return key


def own_keys(hub: Hub, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return hub.client.get("/api/v1/keys", headers=headers).status_code


@pytest.mark.slow
def test_a_key_is_issued_once_replaced_and_revoked(hub: Hub, head: Colleague) -> None:
    form = head.get(f"{KEYS}/baru").text
    [form_id] = re.findall(r'name="id" value="([0-9a-f-]{36})"', form)
    fields = {"id": form_id, "instansi": "pupr", "hari": "90", "cakupan-usage:write": "1"}
    shown = head.post(f"{KEYS}/baru", fields)
    key = shown_key(shown.text)
    assert own_keys(hub, key) == 200
    again = head.post(f"{KEYS}/baru", fields)
    assert again.status_code == 409
    assert "sudah dikirim" in again.text
    assert "emk_" not in again.text
    key_id = key.split("_")[1]
    listed = head.get(KEYS).text
    assert key_id in listed
    assert "Melaporkan statistik dan kejadian" in listed
    assert key not in listed
    page = head.get(f"{KEYS}/{key_id}?lang=en").text
    assert "Issue the successor" in page

    [form_id] = re.findall(r'name="id" value="([0-9a-f-]{36})"', page)
    replaced = head.post(f"{KEYS}/{key_id}/ganti", {"id": form_id, "tumpang": "1"})
    successor = shown_key(replaced.text)
    assert [own_keys(hub, each) for each in (key, successor)] == [200, 200]
    full = head.post(f"{KEYS}/baru", {**fields, "id": str(uuid4())})
    assert full.status_code == 409
    assert "Sudah ada dua kunci" in full.text
    new_id = successor.split("_")[1]
    assert head.post(f"{KEYS}/{new_id}/cabut").status_code == 303
    assert own_keys(hub, successor) == 401
    late = head.post(f"{KEYS}/{new_id}/cabut")
    assert late.status_code == 409
    assert "sudah tidak berlaku" in late.text
    assert new_id not in head.get(KEYS).text
    assert new_id in head.get(f"{KEYS}?semua=true").text


@pytest.mark.slow
def test_a_link_and_its_code_are_shown_once_and_five_wrong_codes_are_reported(
    hub: Hub, head: Colleague
) -> None:
    fields = {"untuk": "upload", "instansi": "pupr", "hari": "3"}
    shown = head.post(f"{KEYS}/tautan", fields).text
    [(path, link_id)] = re.findall(r"http://testserver(/unggah/tautan/eml_(\w+?)_[^<]+)<", shown)
    [code] = re.findall(r'<code class="secret">(\d{3} \d{3})</code>', shown)
    assert code not in head.get(f"{KEYS}/{link_id}").text
    guest = visitor(hub)
    guest.get(path)
    assert "Dinas Pekerjaan Umum" in guest.get("/unggah/tautan").text
    token = path.rpartition("/")[2]
    signed_in = guest.post("/unggah/masuk", {"tautan": token, "kode": code})
    assert signed_in.status_code == 303
    wrong = {"tautan": token, "kode": "000000" if code != "000 000" else "000001"}
    for _ in range(5):
        assert guest.post("/unggah/masuk", wrong).status_code == 403
    assert "salah diketik lima kali" in head.get(f"{KEYS}/{link_id}").text
    assert "Dicabut, kode salah" in head.get(f"{KEYS}?semua=true").text
    device = head.post(f"{KEYS}/tautan", {**fields, "untuk": "device"}).text
    assert "/survei/perangkat/tautan/eml_" in device
    assert "Tautan perangkat survei" in head.get(KEYS).text


@pytest.mark.parametrize(
    ("path", "fields", "field"),
    [
        ("/baru", {"instansi": "tidak-ada", "hari": "1", "cakupan-admin": "1"}, "instansi"),
        ("/baru", {"instansi": "pupr", "hari": "1"}, "cakupan-usage:write"),
        ("/baru", {"instansi": "pupr", "hari": "9999", "cakupan-admin": "1"}, "hari"),
        ("/baru", {"instansi": "pupr", "hari": "\u0663", "cakupan-admin": "1"}, "hari"),
        ("/tautan", {"untuk": "upload", "instansi": "pupr", "hari": "0"}, "hari"),
        ("/tautan", {"untuk": "apa pun", "instansi": "pupr", "hari": "1"}, "untuk"),
    ],
)
def test_what_is_wrong_in_a_form_is_named_at_its_field_and_stays(
    head: Colleague, path: str, fields: dict[str, str], field: str
) -> None:
    answer = head.post(f"{KEYS}{path}", fields)
    assert answer.status_code == 422
    assert "Ada 1 isian yang perlu diperbaiki" in answer.text
    assert f'href="#{field}"' in answer.text
    assert f'value="{fields["hari"]}"' in answer.text
    if fields["instansi"] == "pupr":
        assert 'value="pupr" selected' in answer.text


def test_a_webhook_shows_its_secret_once_and_sends_again_what_failed(
    hub: Hub, head: Colleague
) -> None:
    bad = head.post(WEBHOOKS, {"alamat": "javascript:alert(1)"})
    assert bad.status_code == 422
    assert 'href="#alamat"' in bad.text
    shown = head.post(WEBHOOKS, {"alamat": "https://penerima.example/kejadian"}).text
    assert "whsec_" in shown
    assert "whsec_" not in head.get(WEBHOOKS).text
    [[webhook]] = execute(hub, "SELECT id FROM gateway.webhook WHERE disabled_at IS NULL")
    event = uuid4()
    execute(
        hub,
        "INSERT INTO gateway.webhook_event (region, id, occurred_at, subject, event_type, data) "
        "VALUES ($1, $2, now(), 'simbg', 'link.state', '{}')",
        hub.settings.region,
        event,
    )
    execute(
        hub,
        "INSERT INTO gateway.webhook_delivery (region, webhook, event, attempts, last_error, "
        "given_up_at) VALUES ($1, $2, $3, 10, 'status 500', $4)",
        hub.settings.region,
        webhook,
        event,
        datetime.now(UTC),
    )
    log = head.get(f"{WEBHOOKS}/{webhook}").text
    for text in ("link.state", "simbg", "status 500", "Gagal"):
        assert text in log
    admin = hub.auth("diskominfo", "admin")
    path = f"/api/v1/webhooks/{webhook}/deliveries"
    [item] = hub.client.get(path, headers=admin).json()["items"]
    assert (item["state"], item["attempts"]) == ("given_up", 10)
    sent = head.post(f"{WEBHOOKS}/{webhook}/kirim-ulang", {"peristiwa": str(event)})
    assert sent.status_code == 303
    [item] = hub.client.get(path, headers=admin).json()["items"]
    assert (item["state"], item["attempts"], item["last_error"]) == ("pending", 0, None)
    again = hub.client.post(f"{path}/{event}/attempts", headers=admin)
    assert again.status_code == 204
    missing = hub.client.post(f"{path}/{UUID(int=1)}/attempts", headers=admin)
    assert missing.status_code == 404
    lost = head.post(f"{WEBHOOKS}/{webhook}/kirim-ulang", {"peristiwa": str(uuid4())})
    assert lost.status_code == 409
    assert head.post(f"{WEBHOOKS}/{webhook}/hapus").headers["location"] == WEBHOOKS
    assert head.get(f"{WEBHOOKS}/{webhook}").status_code == 404


@pytest.mark.slow
def test_others_are_refused_and_each_act_asks_for_a_code_again(hub: Hub, head: Colleague) -> None:
    lead = colleague(hub, "pengampu@diskominfo.test", ("lead", "diskominfo"))
    stranger = visitor(hub)
    for path in (KEYS, f"{KEYS}/baru", f"{KEYS}/tautan", WEBHOOKS):
        assert lead.get(path).status_code == 403
        assert stranger.get(path).headers["location"].startswith("/kelola/masuk")
    execute(hub, "UPDATE gateway.person_session SET verified_at = now() - interval '16 minutes'")
    acts = (f"{KEYS}/baru", f"{KEYS}/tautan", f"{KEYS}/abc/ganti", f"{KEYS}/abc/cabut", WEBHOOKS)
    for path in acts:
        assert head.post(path).headers["location"].startswith("/kelola/konfirmasi")
    assert head.get(KEYS).status_code == 200
