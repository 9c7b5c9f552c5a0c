"""The command line as an operator meets it: from an empty database to a loaded pack, and errors
that say what to do."""

import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import openpyxl
import pytest
import yaml
from fastapi.testclient import TestClient

from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.conftest import TOBA, Server
from tests.gateway.key_rows import (
    audited_actions,
    delete_audit_line,
    disable_audit_triggers,
    stored_keys,
    truncate_audit_log,
)
from tests.gateway.link_rows import stored_url
from tests.rows import applied_revisions, count_rows
from tests.servers import free_port
from tests.system.processes import emall, emall_here, environment_of
from tests.waiting import until


@dataclass
class Operator:
    """A user at a terminal, with a database and a data folder of their own."""

    environment: dict[str, str]
    settings: Settings
    folder: Path

    def emall(self, *arguments: str) -> CompletedProcess[str]:
        return emall_here(*arguments, environment=self.environment)

    def pack(self) -> Path:
        """Copy the Toba pack, to change it."""
        return shutil.copytree(TOBA, self.folder / "pack")


def operator_at(server: Server, name: str, folder: Path) -> Operator:
    return Operator(
        environment_of(server.address_of(name), folder / "data"), server.settings(name), folder
    )


@pytest.fixture
def beginner(server: Server, migrated: str, tmp_path: Path) -> Iterator[Operator]:
    """Provide an operator whose database is empty, on a server with another hub."""
    assert migrated
    with server.database_from("template1") as name:
        yield operator_at(server, name, tmp_path)


@pytest.fixture
def operator(server: Server, database: str, tmp_path: Path) -> Operator:
    """Provide an operator whose database holds the Toba pack."""
    return operator_at(server, database, tmp_path)


@pytest.mark.slow
def test_from_an_empty_database_two_migrate_at_once_and_the_pack_loads_once(
    beginner: Operator,
) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(
            pool.map(lambda _: emall("migrate", environment=beginner.environment), range(2))
        )
    for one in both:
        assert one.returncode == 0, one.stderr
        assert "newest revision" in one.stderr
    assert len(applied_revisions(beginner.settings)) == 4

    trial = beginner.emall("load", str(TOBA), "--dry-run")
    assert trial.returncode == 0, trial.stderr
    assert "would change" in trial.stderr
    assert count_rows(beginner.settings, "catalog.service") == 0

    loaded = beginner.emall("load", str(TOBA))
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout == trial.stdout
    assert len(loaded.stdout.splitlines()) > 100
    assert count_rows(beginner.settings, "catalog.service") > 10

    again = beginner.emall("load", str(TOBA))
    assert (again.returncode, again.stdout) == (0, "")
    assert "Nothing to change" in again.stderr


def test_a_changed_pack_shows_what_changes_and_a_broken_one_what_is_wrong(
    operator: Operator,
) -> None:
    pack = operator.pack()
    file = pack / "links.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    slug = content["links"][0]["slug"]
    content["links"][0]["url"] = "https://changed.example.go.id"
    file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    changed = operator.emall("load", str(pack))
    assert changed.returncode == 0, changed.stderr
    [line] = changed.stdout.splitlines()
    assert slug in line
    assert "1 changed" in changed.stderr

    agencies = pack / "agencies.yaml"
    lines = agencies.read_text(encoding="utf-8").splitlines(keepends=True)
    number = next(at for at, text in enumerate(lines) if "kind:" in text)
    lines[number] = lines[number].partition("kind:")[0] + "kind: kementerian\n"
    agencies.write_text("".join(lines), encoding="utf-8")
    content["links"][0]["url"] = "https://again.example.go.id"
    file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    broken = operator.emall("load", str(pack))
    assert (broken.returncode, broken.stdout) == (1, "")
    assert f"agencies.yaml:{number + 1}" in broken.stderr
    assert "kind" in broken.stderr
    assert "Traceback" not in broken.stderr
    assert stored_url(operator.settings, slug) == "https://changed.example.go.id"


@pytest.mark.slow
def test_an_exported_pack_has_what_people_changed_and_loads_without_a_change(
    operator: Operator,
) -> None:
    with TestClient(create_app(operator.settings)) as client:
        key = operator.emall("keys", "issue", "--agency", "dukcapil", "--scope", "catalog:write")
        read = client.get("/api/v1/services/ktp-el")
        changed = read.json()["service"] | {"owner": "Bidang Pendaftaran Penduduk"}
        headers = {
            "Authorization": f"Bearer {key.stdout.strip()}",
            "If-Match": read.headers["ETag"],
        }
        answer = client.put("/api/v1/services/ktp-el", json=changed, headers=headers)
        assert answer.status_code == 200, answer.text
    folder = operator.folder / "exported"
    done = operator.emall("export", "pack", str(folder))
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load((folder / "services" / "dukcapil.yaml").read_text())["services"]
    [ktp] = [service for service in services if service["slug"] == "ktp-el"]
    assert ktp["owner"] == "Bidang Pendaftaran Penduduk"
    assert [case["slug"] for case in ktp["cases"]] == ["hilang", "rusak", "baru", "ubah-data"]
    assert operator.emall("pack", "check", str(folder)).stdout.startswith("Kabupaten Toba: ")
    again = operator.emall("load", str(folder), "--dry-run")
    assert (again.returncode, again.stdout) == (0, "")
    assert operator.emall("export", "pack", str(folder)).returncode == 1
    older = operator.emall("load", str(TOBA), "--dry-run")
    assert older.stdout == "= service ktp-el\n"


@pytest.mark.slow
def test_an_exported_spreadsheet_is_imported_whole_or_not_at_all(operator: Operator) -> None:
    file = operator.folder / "katalog.xlsx"
    done = operator.emall("export", "catalog", str(file), "--agency", "dukcapil")
    assert done.returncode == 0, done.stderr
    unchanged = operator.emall("import", "catalog", str(file))
    assert unchanged.stdout.startswith("0 created, 0 changed, "), unchanged.stderr

    book = openpyxl.load_workbook(file)
    services = book["Layanan"]
    columns = {str(cell.value): number for number, cell in enumerate(services[1], start=1)}
    [row] = [cells[0].row for cells in services.iter_rows(min_row=2) if cells[0].value == "ktp-el"]
    services.cell(row, columns["penanggung jawab"], "Bidang Pendaftaran Penduduk")
    status = services.cell(row, columns["status"]).value
    wrong = services.cell(row, columns["status"], "tidak tahu").coordinate
    book.save(file)
    refused = operator.emall("import", "catalog", str(file))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"Layanan!{wrong}: " in refused.stderr
    assert "Nothing was stored: 1 errors." in refused.stderr

    services.cell(row, columns["status"], status)
    book.save(file)
    trial = operator.emall("import", "catalog", str(file), "--dry-run")
    assert "nothing was stored (--dry-run)" in trial.stdout
    stored = operator.emall("import", "catalog", str(file))
    assert stored.stdout.startswith("0 created, 1 changed, "), stored.stderr
    with TestClient(create_app(operator.settings)) as client:
        assert client.get("/api/v1/services/ktp-el").json()["service"]["owner"] == (
            "Bidang Pendaftaran Penduduk"
        )
        versions = client.get("/api/v1/services/ktp-el/versions").json()["items"]
    assert "command-line" in {version["recorded_by"] for version in versions}

    file.write_bytes(b"PK\x03\x04")
    broken = operator.emall("import", "catalog", str(file))
    assert broken.returncode == 1
    assert "Traceback" not in broken.stderr


def test_a_pack_that_is_no_yaml_or_of_another_region_is_refused(operator: Operator) -> None:
    pack = operator.pack()
    (pack / "sources.yaml").write_text("sources: [", encoding="utf-8")
    broken = operator.emall("load", str(pack))
    assert broken.returncode == 1
    assert "sources.yaml:" in broken.stderr
    assert "Traceback" not in broken.stderr

    operator.environment["EMALL_REGION"] = "12.13"
    foreign = operator.emall("load", str(TOBA))
    assert foreign.returncode == 1
    assert "pack.yaml:" in foreign.stderr
    assert "EMALL_REGION" in foreign.stderr


def test_only_a_key_is_printed_and_only_for_an_agency_and_scopes_that_exist(
    operator: Operator,
) -> None:
    issued = operator.emall(
        "keys", "issue", "--agency", "dpmptsp", "--scope", "usage:write", "--days", "30"
    )
    assert issued.returncode == 0, issued.stderr
    key = issued.stdout.removesuffix("\n")
    assert "\n" not in key
    prefix, key_id, secret = key.split("_")
    assert prefix == "emk"
    assert secret not in issued.stderr
    assert key_id in issued.stderr
    [stored] = stored_keys(operator.settings)
    assert (stored["id"], stored["agency"], stored["scopes"]) == (
        key_id,
        "dpmptsp",
        ["usage:write"],
    )

    for wrong in (
        ("--agency", "nobody", "--scope", "usage:write"),
        ("--agency", "dpmptsp", "--scope", "everything"),
    ):
        refused = operator.emall("keys", "issue", *wrong)
        assert (refused.returncode, refused.stdout) == (2, ""), wrong
        assert "Traceback" not in refused.stderr
    assert len(stored_keys(operator.settings)) == 1


def test_an_invitation_prints_a_link_and_needs_a_role_and_its_agency(operator: Operator) -> None:
    person = ("people", "invite", "--email", "Rani@Toba.test", "--role")
    invited = operator.emall(*person, "reporter", "--agency", "dukcapil")
    assert invited.returncode == 0, invited.stderr
    assert re.fullmatch(r"http://\S+/kelola/undangan/emi_[\w-]{43}\n", invited.stdout)
    assert "emi_" not in invited.stderr
    for wrong in (("reporter",), ("reporter", "--agency", "nobody"), ("king",)):
        refused = operator.emall(*person, *wrong)
        assert (refused.returncode, refused.stdout) == (2, ""), wrong
        assert "Traceback" not in refused.stderr
    assert count_rows(operator.settings, "gateway.person") == 1


def test_doctor_prints_the_settings_without_secrets_and_the_errors(
    beginner: Operator,
) -> None:
    beginner.environment["EMALL_CATALOG_DATABASE_URL"] = "postgresql://emall_catalog:hush@[::1]/x"
    ill = beginner.emall("doctor")
    assert ill.returncode == 2
    assert "EMALL_REGION=12.12" in ill.stdout
    assert "EMALL_DATABASE_URL=**********" in ill.stdout
    assert "hush" not in ill.stdout + ill.stderr
    assert "`emall migrate`" in ill.stderr
    assert "private.pem is missing" in ill.stderr
    assert "The database does not answer.\n    Detail: catalog: " in ill.stderr
    assert "Traceback" not in ill.stderr


def test_roles_of_another_hub_are_refused_in_one_line(beginner: Operator) -> None:
    beginner.environment["EMALL_ROLE_PREFIX"] = "emall"
    refused = beginner.emall("migrate")
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert line.startswith("Error: the roles emall_... belong to another hub on this server")
    assert "EMALL_ROLE_PREFIX" in line


@pytest.mark.slow
def test_assess_prints_json_and_doctor_finds_no_errors_until_a_service_is_down(
    operator: Operator,
) -> None:
    assessed = operator.emall("assess", "--period", "2024", "--draws", "500")
    assert assessed.returncode == 0, assessed.stderr
    assessment = json.loads(assessed.stdout)
    assert (assessment["period"], assessment["method"]["id"], assessment["draws"]) == (
        2024,
        "cgr-2015",
        500,
    )
    assert assessment["scores"]["index"]["code"]
    unknown = operator.emall("assess", "--period", "2024", "--method", "spbe-2020")
    assert unknown.returncode == 1
    assert json.loads(unknown.stdout)["status"] == 404

    well = operator.emall("doctor", "--json")
    # The databases of tests share their roles, and anybody may connect to them.
    assert {finding["check"] for finding in json.loads(well.stdout)["findings"]} == {"roles"}
    assert well.returncode == 1

    away = f"http://127.0.0.1:{free_port()}"
    operator.environment["EMALL_FEEDBACK_URL"] = away
    ill = operator.emall("doctor")
    assert ill.returncode == 2
    assert "feedback: not ready." in ill.stderr
    assert away in ill.stderr


def test_each_setting_that_is_wrong_is_named(operator: Operator) -> None:
    wrong = {"EMALL_PORT": "eight", "EMALL_REGION": "Toba", "EMALL_CATALOG_URL": "nowhere"}
    operator.environment.update(wrong)
    refused = operator.emall("doctor")
    assert refused.returncode == 2
    for name in wrong:
        assert f"{name}: " in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_unavailable_database_is_reported_in_one_line(operator: Operator) -> None:
    operator.environment["EMALL_DATABASE_URL"] = f"postgresql://x:hush@127.0.0.1:{free_port()}/x"
    for arguments in (("migrate",), ("keys", "issue", "--agency", "dpmptsp", "--scope", "admin")):
        failed = operator.emall(*arguments)
        assert (failed.returncode, failed.stdout) == (1, ""), arguments
        assert "emall doctor" in failed.stderr
        assert "hush" not in failed.stderr
        assert len(failed.stderr.splitlines()) == 1


def test_a_key_is_rotated_and_commands_are_in_an_audit_log_that_verifies(
    operator: Operator,
) -> None:
    issued = operator.emall("keys", "issue", "--agency", "dukcapil", "--scope", "usage:write")
    old = issued.stdout.split("_")[1]
    rotated = operator.emall("keys", "rotate", old, "--overlap", "3")
    assert rotated.returncode == 0, rotated.stderr
    new = rotated.stdout.split("_")[1]
    assert new != old
    third = operator.emall("keys", "rotate", new)
    assert third.returncode == 1
    assert "2 valid keys" in third.stderr
    revoked = operator.emall("keys", "revoke", old)
    assert revoked.returncode == 0
    assert new in revoked.stderr  # still valid, and said so
    assert operator.emall("keys", "rotate", old).returncode == 1

    verified = operator.emall("audit", "verify")
    assert verified.returncode == 0, verified.stderr
    head = verified.stdout.strip()
    actions = audited_actions(operator.settings)
    assert actions[-3:] == [
        ("keys issue", old),
        ("keys rotate", f"{old} by {new}"),
        ("keys revoke", old),
    ]
    assert actions[0][0] == "load"
    assert operator.emall("keys", "revoke", old, "--family").returncode == 0
    assert operator.emall("keys", "revoke", new).returncode == 1
    assert operator.emall("audit", "verify", "--expect", head).returncode == 0
    disable_audit_triggers(operator.settings)
    delete_audit_line(operator.settings, head)
    changed = operator.emall("audit", "verify")
    assert changed.returncode == 1
    assert "is missing" in changed.stdout
    truncate_audit_log(operator.settings)
    assert operator.emall("audit", "verify").returncode == 0
    short = operator.emall("audit", "verify", "--expect", head)
    assert short.returncode == 1
    assert head in short.stdout
    assert operator.emall("audit", "verify", "--expect", "x").returncode == 2


@pytest.mark.slow
def test_jobs_lists_every_background_job_with_its_last_run(operator: Operator) -> None:
    listed = operator.emall("jobs", "--json")
    assert listed.returncode == 0, listed.stderr
    before = {job["job"]: job for job in json.loads(listed.stdout)}
    assert {"check-links", "deliver-clicks", "invalidate-cache", "form-bundles"} <= before.keys()
    assert before["deliver-clicks"]["backlog"] == 0
    assert before["prune-events"]["last_success"] is None

    with TestClient(create_app(operator.settings)):
        until(lambda: last_success(operator, "prune-events") is not None)
    table = operator.emall("jobs")
    assert table.returncode == 0
    [line] = [line for line in table.stdout.splitlines() if "prune-events" in line]
    assert line.split()[:4] == ["feedback", "prune-events", "1", "h"]
    assert " ago " in line


def last_success(operator: Operator, name: str) -> str | None:
    """Return when a job succeeded last, as `emall jobs` prints it."""
    jobs = json.loads(operator.emall("jobs", "--json").stdout)
    return next(job["last_success"] for job in jobs if job["job"] == name)
