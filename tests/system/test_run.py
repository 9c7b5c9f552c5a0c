"""`emall run`: everything at once on an empty folder, with the embedded PostgreSQL."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from services.platform.settings import ROOT
from tests.servers import LOOPBACK, free_port
from tests.system.processes import Process, environment_of, process

pytestmark = pytest.mark.slow

API = "/api/v1"


def test_run_serves_the_pack_from_nothing_and_again_from_what_is_there(tmp_path: Path) -> None:
    data = tmp_path / "data"
    port = str(free_port())
    address = f"http://127.0.0.1:{port}"
    environment = environment_of(None, data)

    with process("run", "--port", port, environment=environment, log=tmp_path / "first") as first:
        first.wait_until(address)
        found = LOOPBACK.get(
            f"{address}{API}/services", params={"query": "izin bangunan"}, timeout=30
        )
        assert found.json()["items"][0]["slug"] == "pbg"
        output = first.says()
        for step in ("1/4", "2/4", "3/4 Loading the pack toba", "4/4 Serving"):
            assert step in output
        assert f"{address}/docs" in output
        key_file = data / "first-key.txt"
        assert str(key_file) in output
        key = key_file.read_text(encoding="utf-8").strip()
        assert key not in output
        assert key_file.stat().st_mode & 0o077 == 0
        link = re.search(rf"{address}/kelola/undangan/\S+", output)
        assert link is not None
        assert LOOPBACK.get(link[0], timeout=30).status_code == 303
        headers = {"Authorization": f"Bearer {key}"}
        stored = LOOPBACK.post(
            f"{address}{API}/assessments",
            json={"period": 2024, "draws": 500},
            headers=headers,
            timeout=60,
        )
        assert stored.status_code == 201, stored.text
        assert LOOPBACK.get(f"{address}/go/oss", timeout=30).status_code == 302
        check_readme(address, environment)
        assert first.stop() == 0
        assert "Traceback" not in first.says()
        assert not server_runs(data)

    with process("run", "--port", port, environment=environment, log=tmp_path / "again") as again:
        again.wait_until(address)
        assert re.search("0 changes|as it was loaded before", again.says())
        assert key_file.read_text(encoding="utf-8").strip() == key
        [assessment] = LOOPBACK.get(f"{address}{API}/assessments", timeout=30).json()["items"]
        assert assessment["id"] == stored.json()["id"]
        summary = LOOPBACK.get(f"{address}{API}/usage/summary?group_by=link", timeout=30).json()
        assert [(cell["link"], cell["value"]) for cell in summary["items"]] == [("oss", 1)]
        # Ctrl-C
        assert again.stop(signal.SIGINT) in {0, 130}
        assert "Traceback" not in again.says()
        assert not server_runs(data)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_run_that_is_stopped_while_it_migrates_leaves_no_server(
    tmp_path: Path, how: signal.Signals
) -> None:
    data = tmp_path / "data"
    environment = environment_of(None, data)
    with process("run", environment=environment, log=tmp_path / "log") as started:
        wait_for_migration(started)
        assert started.stop(how) in {0, 130}
        assert "Traceback" not in started.says()
    assert not server_runs(data)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_run_ends_if_the_process_that_prepares_the_database_is_killed(
    tmp_path: Path, how: signal.Signals
) -> None:
    data = tmp_path / "data"
    environment = environment_of(None, data)
    with process("run", environment=environment, log=tmp_path / "log") as started:
        wait_for_migration(started)
        [preparing] = [
            child
            for child in psutil.Process(started.running.pid).children()
            if child.name() != "postgres"
        ]
        preparing.send_signal(how)
        assert started.running.wait(60) == 1
        assert f"was ended by signal {how.value}" in started.says()
    assert not server_runs(data)


def wait_for_migration(started: Process) -> None:
    end = time.monotonic() + 120
    while "2/4" not in started.says():
        assert started.running.poll() is None, started.says()
        assert time.monotonic() < end
        time.sleep(0.05)


def check_readme(address: str, environment: Mapping[str, str]) -> None:
    """Run every example of the README against the hub at this address, but `make` itself."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)
    assert len(blocks) == 5
    for block in blocks[1:]:
        script = block.replace("http://127.0.0.1:8000", address)
        script = re.sub(r"\.venv/bin/python\b", sys.executable, script)
        script = re.sub(r"\.venv/bin/emall\b", f"{sys.executable} -m services.cli", script)
        script = re.sub(r"\bcurl\b", "curl -sS --fail-with-body", script)
        if shutil.which("php") is None:
            script = re.sub(r"^php .*\n", "", script, flags=re.M)
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=ROOT,
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (script, done.stdout, done.stderr)


def server_runs(data: Path) -> bool:
    """Return whether the embedded server of this folder runs."""
    return (data / "postgres" / "postmaster.pid").exists()
