"""A service in a process of its own needs its own login and the public key, and no more."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from services.platform.settings import ROOT
from tests.conftest import Server
from tests.servers import LOOPBACK, free_port

pytestmark = pytest.mark.slow


def surroundings(**given: str | Path) -> dict[str, str]:
    """Return this process's environment with only these settings of the hub."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EMALL_")}
    return inherited | {f"EMALL_{name.upper()}": str(value) for name, value in given.items()}


def emall(*arguments: str, **given: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.cli", *arguments]
    return subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        env=surroundings(**given),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_service_makes_no_key_and_no_database_where_it_is_given_its_own(
    server: Server, toba: str, tmp_path: Path
) -> None:
    identity = {
        "identity_private_key_file": tmp_path / "signing" / "private.pem",
        "identity_public_key_file": tmp_path / "verifying" / "public.pem",
    }
    assert emall("keys", "init", **identity).returncode == 0
    data = tmp_path / "data"
    port = free_port()
    with server.database_from(toba) as name:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "serve", "catalog", "--port", str(port)],
            cwd=ROOT,
            env=surroundings(
                data_dir=data,
                catalog_database_url=server.address_of(name),
                identity_public_key_file=identity["identity_public_key_file"],
            ),
        )
        try:
            assert is_ready(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()
            process.wait(30)
    assert not data.exists()


def is_ready(address: str, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            return LOOPBACK.get(f"{address}/health/ready").is_success
        except httpx.TransportError:
            time.sleep(0.1)
    return False


def test_a_service_waits_for_its_public_key_and_logs_it(
    server: Server, toba: str, tmp_path: Path
) -> None:
    files = {
        "identity_private_key_file": tmp_path / "private.pem",
        "identity_public_key_file": tmp_path / "public.pem",
    }
    port = free_port()
    with server.database_from(toba) as name:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "serve", "catalog", "--port", str(port)],
            cwd=ROOT,
            env=surroundings(
                data_dir=tmp_path / "data",
                catalog_database_url=server.address_of(name),
                identity_public_key_file=files["identity_public_key_file"],
            ),
        )
        try:
            address = f"http://127.0.0.1:{port}"
            assert is_ready(address, process)
            token = {"Authorization": "Bearer x"}
            services = f"{address}/api/v1/services"
            assert LOOPBACK.get(services, headers=token).status_code == 503
            assert emall("keys", "init", **files).returncode == 0
            assert LOOPBACK.get(services, headers=token).status_code == 401
        finally:
            process.terminate()
            process.wait(30)


def test_a_pair_of_keys_is_made_once(tmp_path: Path) -> None:
    made: set[bytes] = set()
    for _ in range(2):
        assert emall("keys", "init", data_dir=tmp_path).returncode == 0
        made.add((tmp_path / "identity" / "private.pem").read_bytes())
    assert len(made) == 1
    assert (tmp_path / "identity" / "private.pem").stat().st_mode & 0o077 == 0
