"""`/kelola/jejak`: the audit log searched by people."""

import csv
import io
from html import escape

import openpyxl
import pytest

from tests.conftest import Hub
from tests.gateway.key_rows import chain_audit_log, disable_audit_triggers
from tests.gateway.people import Colleague, colleague, execute, visitor
from tests.rows import rows

pytestmark = pytest.mark.usefixtures("signed_out")

AUDIT = "/kelola/jejak"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def auditor(hub: Hub) -> Colleague:
    return colleague(hub, "auditor@inspektorat.test", ("auditor", None))


@pytest.mark.slow
def test_an_auditor_finds_who_did_what_by_person_agency_act_and_time(
    hub: Hub, auditor: Colleague
) -> None:
    reporter = colleague(hub, "pelapor@dukcapil.test", ("reporter", "dukcapil"))
    reporter.post("/kelola/instansi", {"instansi": "dukcapil"})
    [[person]] = execute(hub, "SELECT id FROM gateway.person WHERE email = $1", reporter.email)
    chain_audit_log(hub.settings)
    page = auditor.get(f"{AUDIT}?orang={person}&alamat=/kelola/instansi").text
    assert "<strong>pelapor</strong>" in page
    assert f"p{person.hex}" in page
    assert "rantainya utuh" in page
    assert "the chain is intact" in auditor.get(f"{AUDIT}?lang=en").text
    for query in ("instansi=dinkes", "tindakan=DELETE", "dari=2099-01-01", "alamat=tidak-ada"):
        assert "Tidak ada baris yang cocok" in auditor.get(f"{AUDIT}?orang={person}&{query}").text
    search = f"orang={person}&alamat=/kelola/instansi"
    assert f'href="{AUDIT}.csv?{escape(search.replace("/", "%2F"))}' in page
    file = auditor.get(f"{AUDIT}.csv?{search}").content.decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(file), delimiter=";")
    assert (row["Siapa"], row["Id"], row["Tindakan"]) == ("pelapor", f"p{person.hex}", "POST")
    assert row["Alamat"] == "/kelola/instansi"
    book = openpyxl.load_workbook(io.BytesIO(auditor.get(f"{AUDIT}.xlsx?{search}").content))
    assert book.active is not None
    assert book.active["C2"].value == "pelapor"
    assert auditor.get(f"{AUDIT}.csv?dari=x").status_code == 422
    assert reporter.get(f"{AUDIT}.csv").status_code == 403
    admin = hub.auth("diskominfo", "admin")
    path = f"/api/v1/audit?person={person}&target=/kelola/instansi&action=POST"
    [line] = hub.client.get(path, headers=admin).json()["items"]
    assert (line["name"], line["agency"]) == ("pelapor", "dukcapil")
    later = hub.client.get(f"{path}&from=2099-01-01T00:00:00Z", headers=admin)
    assert later.json()["items"] == []


def test_wrong_days_are_named_at_their_fields(auditor: Colleague) -> None:
    answer = auditor.get(f"{AUDIT}?dari=2026-13-01&sampai=x")
    assert answer.status_code == 422
    assert 'href="#dari"' in answer.text
    assert "Ada 2 isian" in answer.text
    turned = auditor.get(f"{AUDIT}?dari=2026-02-01&sampai=2026-01-01")
    assert "sesudah tanggal awal" in turned.text
    assert auditor.get(f"{AUDIT}?cursor=0").status_code == 422


@pytest.mark.slow
def test_a_changed_line_shows_and_others_are_not_let_in(hub: Hub, auditor: Colleague) -> None:
    editor = colleague(hub, "penyunting@dukcapil.test", ("editor", "dukcapil"))
    assert editor.get(AUDIT).status_code == 403
    assert visitor(hub).get(AUDIT).headers["location"].startswith("/kelola/masuk")
    assert f'href="{AUDIT}"' in auditor.get("/kelola").text
    assert f'href="{AUDIT}"' not in editor.get("/kelola").text
    chain_audit_log(hub.settings)
    disable_audit_triggers(hub.settings)
    rows(hub.settings, "UPDATE gateway.audit_line SET agency = 'x' WHERE number = 2")
    assert "Jejak tidak utuh" in auditor.get(AUDIT).text
