"""`/kelola/sistem` and its operations: findings, jobs, backups and settings."""

import csv
import io
import re
from pathlib import Path
from typing import Any, get_args

import httpx
import openpyxl
import pytest
from pydantic import SecretStr

from services.feedback.app import create_app as create_feedback
from services.gateway.app import create_app
from services.platform.health.findings import HealthCheck
from services.platform.settings import Settings, load_settings
from services.platform.settings_in_force import list_settings
from tests.conftest import Hub
from tests.gateway.click_rows import counted_clicks, make_click_happen_now, queue_click
from tests.gateway.key_rows import chain_audit_log
from tests.gateway.people import Colleague, colleague, execute, visitor
from tests.rows import rows
from tests.servers import serving
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("signed_out")

SYSTEM = "/kelola/sistem"
JOB = "deliver-clicks"
EARLY = {
    "kind": "click_out",
    "source": "gateway",
    "link": "simbg",
    "channel": "online",
    "occurred_at": "2999-01-05T12:00:00+07:00",
}


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def administrator(hub: Hub) -> Colleague:
    return colleague(hub, "pengelola@diskominfo.test", ("administrator", "diskominfo"))


def refused(hub: Hub) -> list[str]:
    """Return the clicks that feedback refused."""
    query = "SELECT id::text FROM gateway.click_outbox WHERE refused_at IS NOT NULL ORDER BY id"
    return [row[0] for row in rows(hub.settings, query)]


def refuse(hub: Hub, *numbers: int) -> list[str]:
    """Let feedback refuse clicks for their time, which is to come; no others are set aside."""
    rows(hub.settings, "DELETE FROM gateway.click_outbox WHERE refused_at IS NOT NULL")
    items = [queue_click(hub.settings, number) for number in numbers]
    for number, item in zip(numbers, items, strict=True):
        queue_click(hub.settings, number, EARLY | {"id": item})
    hub.client.get("/go/oss")  # wakes the delivery
    until(lambda: set(items) <= set(refused(hub)))
    return items


def clicks_on_simbg(hub: Hub) -> int:
    return sum(count for link, _, count in counted_clicks(hub.settings) if link == "simbg")


@pytest.mark.slow
def test_refused_items_are_retried_and_discarded_over_a_socket(hub: Hub) -> None:
    mended, lost = refuse(hub, 1, 2)
    before = clicks_on_simbg(hub)
    admin = hub.auth("diskominfo", "admin")
    with serving(create_feedback(hub.settings)) as feedback:
        assert httpx.get(f"{feedback}/health/jobs").status_code == 401
        apart = hub.settings.model_copy(update={"feedback_url": feedback})
        with serving(create_app(apart)) as address, httpx.Client(base_url=address) as client:

            def post(action: str, *items: str) -> httpx.Response:
                path = f"/api/v1/jobs/{JOB}/{action}"
                return client.post(path, json={"items": items}, headers=admin)

            editor = hub.auth("dukcapil", "catalog:write")
            assert client.get("/api/v1/jobs", headers=editor).status_code == 403
            listed = client.get("/api/v1/jobs", headers=admin).json()
            jobs: dict[str, dict[str, Any]] = {each["job"]: each for each in listed["items"]}
            assert listed["unanswered"] == []
            assert jobs["form-bundles"]["service"] == "feedback"
            assert {each["item"] for each in jobs[JOB]["refused"]} == {mended, lost}
            assert "occurred_at" in jobs[JOB]["refused"][0]["reason"]
            assert jobs[JOB]["refused_count"] == 2

            wrong = post("retry", mended, "nothing")
            assert wrong.status_code == 409
            assert [each["pointer"] for each in wrong.json()["errors"]] == ["#/items/1"]
            assert set(refused(hub)) == {mended, lost}
            unknown = client.post(
                "/api/v1/jobs/check-links/retry", json={"items": ["x"]}, headers=admin
            )
            assert unknown.status_code == 404

            make_click_happen_now(hub.settings, mended)
            assert post("retry", mended).json()["items"][0]["item"] == mended
            until(lambda: clicks_on_simbg(hub) == before + 1)
            assert post("discard", lost).status_code == 200
            assert refused(hub) == []
    with serving(create_app(apart)) as address:
        listed = httpx.get(f"{address}/api/v1/jobs", headers=admin).json()
    assert listed["unanswered"] == ["feedback"]
    assert JOB in {each["job"] for each in listed["items"]}
    chain_audit_log(hub.settings)
    key = admin["Authorization"].split("_")[1]
    lines = rows(
        hub.settings,
        "SELECT action, target FROM gateway.audit_line WHERE key_id = $1 "
        "AND action LIKE 'jobs %' ORDER BY number",
        key,
    )
    assert [tuple(line) for line in lines] == [
        ("jobs retry", f"{JOB} {mended}"),
        ("jobs discard", f"{JOB} {lost}"),
    ]


@pytest.mark.slow
def test_an_administrator_retries_on_the_page_what_an_auditor_only_sees(
    hub: Hub, administrator: Colleague
) -> None:
    auditor = colleague(hub, "auditor@inspektorat.test", ("auditor", None))
    editor = colleague(hub, "penyunting@dukcapil.test", ("editor", "dukcapil"))
    first, second = refuse(hub, 11, 12)
    seen = auditor.get(SYSTEM).text
    assert first in seen
    assert "/ulangi" not in seen
    assert f'href="{SYSTEM}"' in seen
    assert editor.get(SYSTEM).status_code == 403
    assert f'href="{SYSTEM}"' not in editor.get("/kelola").text
    assert visitor(hub).get(SYSTEM).headers["location"].startswith("/kelola/masuk")

    page = administrator.get(SYSTEM).text
    assert "prune-events" in page
    assert f'name="butir-{first}"' in page
    nothing = administrator.post(f"{SYSTEM}/{JOB}/ulangi")
    assert nothing.status_code == 422
    assert f'href="#tugas-{JOB}"' in nothing.text
    before = clicks_on_simbg(hub)
    make_click_happen_now(hub.settings, first)
    retried = administrator.post(f"{SYSTEM}/{JOB}/ulangi", {f"butir-{first}": "1"})
    assert retried.headers["location"] == f"{SYSTEM}#tugas-{JOB}"
    until(lambda: clicks_on_simbg(hub) == before + 1)
    shown = {f"tampil-{item}": "1" for item in (first, second)}
    late = administrator.post(f"{SYSTEM}/{JOB}/buang", shown | {"semua": "1"})
    assert late.status_code == 409
    assert refused(hub) == [second]
    fields = {f"tampil-{second}": "1", "semua": "1"}
    assert administrator.post(f"{SYSTEM}/{JOB}/buang", fields).status_code == 303
    assert refused(hub) == []
    assert administrator.post(f"{SYSTEM}/check-links/buang", fields).status_code == 404
    [[person]] = execute(hub, "SELECT id FROM gateway.person WHERE email = $1", administrator.email)
    chain_audit_log(hub.settings)
    lines = rows(
        hub.settings,
        "SELECT target FROM gateway.audit_line WHERE key_id = $1 AND action LIKE 'jobs %'",
        f"p{person.hex}",
    )
    assert {line[0] for line in lines} == {f"{JOB} {first}", f"{JOB} {second}"}


def test_findings_say_what_to_do_and_backups_how_old_they_are(
    hub: Hub, administrator: Colleague
) -> None:
    refuse(hub, 21)
    execute(
        hub,
        "INSERT INTO gateway.backup (region, made_at, size, encrypted) "
        "VALUES ($1, now() - interval '3 days 1 hour', 48211230, false)",
        hub.settings.region,
    )

    def says_what_to_do() -> bool:
        page = administrator.get(SYSTEM).text
        return "items that were refused: 1" in page and "docs/runbook.md#queues" in page

    until(says_what_to_do)
    found = hub.client.get("/api/v1/status").json()["findings"]
    assert [each["services"] for each in found if each["check"] == "queues"] == [["gateway"]]
    page = administrator.get(SYSTEM).text
    assert f"emall jobs retry {JOB}" in page
    guide = f"{SYSTEM}/panduan"
    assert f'<a href="{guide}#queues">docs/runbook.md#queues</a>' in page
    assert "3 hari yang lalu" in page
    assert "48,2 MB" in page
    assert "3 days ago" in administrator.get(f"{SYSTEM}?lang=en").text
    admin = hub.auth("diskominfo", "admin")
    [backup] = hub.client.get("/api/v1/backups", headers=admin).json()["items"]
    assert (backup["size"], backup["encrypted"]) == (48211230, False)


def test_the_runbook_has_a_section_for_each_finding(
    hub: Hub, administrator: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = administrator.get(f"{SYSTEM}/panduan").text
    for check in HealthCheck:
        assert f'<h3 id="{check.value}">{check.value}</h3>' in guide
    sections = set(re.findall(r'id="([a-z-]+)"', guide))
    assert sections >= set(re.findall(r'href="#([a-z-]+)"', guide))
    assert "<strong>Citizens:</strong>" in guide
    assert "<code>select pid, now() - xact_start" in guide
    assert "retry &lt;job&gt;" in guide
    assert "](" not in guide
    editor = colleague(hub, "penyunting@dukcapil.test", ("editor", "dukcapil"))
    assert editor.get(f"{SYSTEM}/panduan").status_code == 403

    monkeypatch.setattr("services.gateway.portal.workspace.system.read_runbook", lambda: None)
    assert administrator.get(f"{SYSTEM}/panduan").status_code == 404
    assert f'href="{SYSTEM}/panduan' not in administrator.get(SYSTEM).text


def test_jobs_and_backups_are_taken_away(hub: Hub, administrator: Colleague) -> None:
    [lost] = refuse(hub, 31)
    execute(
        hub,
        "INSERT INTO gateway.backup (region, made_at, size, encrypted) "
        "VALUES ($1, '2026-01-02 03:04+00', 48211230, true)",
        hub.settings.region,
    )
    page = administrator.get(SYSTEM).text
    for name in ("tugas.csv", "tugas.xlsx", "cadangan.csv", "cadangan.xlsx"):
        assert f'href="{SYSTEM}/{name}"' in page
    file = administrator.get(f"{SYSTEM}/tugas.csv")
    assert 'filename="tugas.csv"' in file.headers["content-disposition"]
    jobs = {each["Tugas"]: each for each in table(file)}
    assert (jobs[JOB]["Layanan hub"], jobs[JOB]["Ditolak"]) == ("gateway", "1")
    assert jobs[JOB]["Aktif"] == "Ya"
    assert jobs["form-bundles"]["Layanan hub"] == "feedback"
    book = openpyxl.load_workbook(
        io.BytesIO(administrator.get(f"{SYSTEM}/tugas.xlsx?lang=en").content)
    )
    assert book.sheetnames[0] == "Background jobs"
    assert lost in [row[2].value for row in book.worksheets[1]]
    backups = table(administrator.get(f"{SYSTEM}/cadangan.csv"))
    assert {"Dibuat": "2026-01-02 10:04", "Ukuran (bita)": "48211230", "Terenkripsi": "Ya"} in (
        backups
    )
    assert administrator.get(f"{SYSTEM}/cadangan.xlsx").status_code == 200
    assert visitor(hub).get(f"{SYSTEM}/tugas.csv").status_code == 303


def table(file: httpx.Response) -> list[dict[str, str]]:
    """Return the rows of a CSV file by their headings."""
    return list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig")), delimiter=";"))


def test_no_secret_is_shown_among_the_settings(
    hub: Hub, administrator: Colleague, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    word = "s3cr3t"
    secrets = {
        name
        for name, field in Settings.model_fields.items()
        if field.annotation is SecretStr or SecretStr in leaves(field.annotation)
    }
    assert len(secrets) > 10
    for name in secrets:
        value = f"postgresql://{word}:{word}@h/d" if name.endswith("database_url") else word
        value = f"postgresql://{word}:{word}@h/d" if name.startswith("database_") else value
        value = f'{{"source": "{word}"}}' if name == "source_secrets" else value
        monkeypatch.setenv(f"EMALL_{name.upper()}", value)
    others = {
        "CATALOG_URL": f"http://{word}:{word}@catalog.example:8001",
        "RDAP_SERVERS": f'{{"id": "https://{word}@rdap.example/"}}',
        "COMMENTS_PRIVATE_KEY_FILE": f"/{word}/key.pem",
        "OIDC_ISSUER": "https://masuk.example",
        "OIDC_CLIENT_ID": "hub",
        "OSS_SENDERS": "192.0.2.1",
        "SMTP_USER": "hub",
        "LOG_LEVEL": "ERROR",
    }
    for name, value in others.items():
        monkeypatch.setenv(f"EMALL_{name}", value)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "emall_host").write_text("0.0.0.0")
    load_settings.cache_clear()
    settings = load_settings().model_copy(update={"port": 9000})
    load_settings.cache_clear()
    shown = {each.name: each for each in list_settings(settings)}
    assert not [each for each in shown.values() if word in f"{each.value} {each.description}"]
    assert {f"EMALL_{name.upper()}" for name in secrets} <= {
        name for name, each in shown.items() if each.is_secret and each.is_set
    }
    assert shown["EMALL_CATALOG_URL"].value == "http://…@catalog.example:8001"
    assert (shown["EMALL_LOG_LEVEL"].value, shown["EMALL_LOG_LEVEL"].source) == (
        "ERROR",
        "environment",
    )
    assert shown["EMALL_OIDC_CLIENT_SECRET"].source == "environment"
    assert (shown["EMALL_HOST"].value, shown["EMALL_HOST"].source) == ("0.0.0.0", "file")
    assert (shown["EMALL_PORT"].value, shown["EMALL_PORT"].source) == ("9000", "program")
    assert (shown["EMALL_OSS_AGENCY"].value, shown["EMALL_OSS_AGENCY"].source) == (
        "dpmptsp",
        "default",
    )

    admin = hub.auth("diskominfo", "admin")
    answer = hub.client.get("/api/v1/settings", headers=admin)
    own = hub.settings.database_url
    assert own is not None
    for text in (answer.text, administrator.get(SYSTEM).text):
        assert "EMALL_DATABASE_URL" in text
        assert own.get_secret_value() not in text
        assert str(hub.settings.private_key_file) not in text


def leaves(annotation: object) -> set[object]:
    """Return the types inside a type."""
    return {annotation, *(leaf for part in get_args(annotation) for leaf in leaves(part))}
