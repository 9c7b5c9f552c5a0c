"""What a process of the hub imports before the first request, which decides its memory."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services.cli.server import START_NICENESS, at_low_priority
from services.platform.settings import ROOT, Service
from tests.conftest import Server
from tests.system.processes import environment_of

LARGE = {
    "PIL",
    "aiohttp",
    "aiosmtplib",
    "alembic",
    "argon2",
    "feedparser",
    "fido2",
    "h2",
    "holidays",
    "icalendar",
    "networkx",
    "nh3",
    "numpy",
    "openpyxl",
    "opentelemetry.sdk",
    "pandas",
    "prometheus_client",
    "pygments",
    "pyreadstat",
    "rich",
    "scipy",
    "segno",
    "typst",
    "watchfiles",
}
"""Libraries of which few requests need each: they are imported when first used, or by a setting."""

MAX_MEBIBYTES = 155
"""Resident memory of a process that has imported all services; with these libraries it was 250."""

IMPORT_ALL = f"""
import importlib, json, sys
from pathlib import Path
from services.cli.server import import_libraries
import_libraries()
for service in {[service.value for service in Service]}:
    importlib.import_module(f"services.{{service}}.app")
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else ()
resident = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")]
print(json.dumps([sorted(sys.modules), resident]))
"""


@pytest.mark.slow
def test_large_libraries_are_not_imported_before_they_are_used() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    imported, resident = json.loads(done.stdout)
    assert not LARGE & set(imported), "import them where they are used, or as a LazyModule"
    assert all(mebibytes < MAX_MEBIBYTES for mebibytes in resident)  # none but on Linux


SERVE = """
import json, sys
from services.platform.settings import load_settings
from services.gateway.app import create_app
from starlette.testclient import TestClient
with TestClient(create_app(load_settings())):
    print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.slow
def test_what_the_first_requests_need_is_imported_before_they_come(
    server: Server, migrated: str, tmp_path: Path
) -> None:
    # An import of a fifth of a second holds the event loop, and all requests with it.
    with server.database_from(migrated) as name:
        elsewhere = {f"EMALL_{each.name.upper()}_URL": "http://127.0.0.1:9" for each in Service}
        environment = environment_of(server.address_of(name), tmp_path, **elsewhere)
        done = subprocess.run(
            [sys.executable, "-c", SERVE],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "aiohttp" in json.loads(done.stdout)


RUN = """
import json, sys
from services.cli import app, server
server._serve = lambda *_, **__: print(json.dumps(sorted(sys.modules)))
sys.argv = ["emall", "run"]
app.main()
"""


@pytest.mark.slow
def test_run_imports_no_large_library_if_there_is_nothing_to_migrate(
    server: Server, toba: str, tmp_path: Path
) -> None:
    with server.database_from(toba) as name:
        done = subprocess.run(
            [sys.executable, "-c", RUN],
            cwd=ROOT,
            env=environment_of(server.address_of(name), tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert not LARGE & set(json.loads(done.stdout))


@pytest.mark.skipif(sys.platform != "linux", reason="only there a thread has its own priority")
def test_an_application_is_built_at_a_lower_priority_than_it_serves_at() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    own = niceness()
    assert at_low_priority(niceness) == max(own, START_NICENESS)
    assert niceness() == own
    with pytest.raises(SystemExit):
        at_low_priority(sys.exit)
