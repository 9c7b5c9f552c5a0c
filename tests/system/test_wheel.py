"""A wheel works outside the checkout: built, installed into a folder, started in an empty one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.platform.settings import ROOT
from tests.house.test_docs import tracked
from tests.servers import LOOPBACK, free_port
from tests.system.processes import Process, environment_of

pytestmark = pytest.mark.slow

BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
COMMIT = "0123456789ab"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, without its dependencies, and return its folder."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for file in tracked():
        target = source / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    environment = dict(os.environ, EMALL_BUILD_COMMIT=COMMIT)
    built = subprocess.run(
        [sys.executable, "-c", BUILD, folder],
        cwd=source,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    wheel = folder / built.stdout.splitlines()[-1]
    target = folder / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--no-deps", "--no-index", "--target", target, wheel], check=True, timeout=120
    )
    shutil.rmtree(source)
    return target


def test_a_wheel_reports_its_commit_and_serves_a_hub_from_an_empty_folder(
    installed: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = environment_of(None, empty) | {"PYTHONPATH": str(installed)}
    del environment["EMALL_DATA_DIR"]
    emall = [sys.executable, "-P", "-m", "services.cli"]
    version = subprocess.run(
        [*emall, "--version"],
        cwd=empty,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert version.stdout.endswith(f"({COMMIT})\n")

    port = free_port()
    address = f"http://127.0.0.1:{port}"
    log = tmp_path / "log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [*emall, "run", "--port", str(port)],
            cwd=empty,
            env=environment,
            stdout=output,
            stderr=output,
        )
    hub = Process(running, log)
    try:
        hub.wait_until(address)
        page = LOOPBACK.get(f"{address}/", timeout=30)
        assert page.status_code == 200
        assert "<html" in page.text
        status = LOOPBACK.get(f"{address}/api/v1/status", timeout=30).json()
        assert (status["state"], status["commit"]) == ("ok", COMMIT)
        assert LOOPBACK.get(f"{address}/static/style.css", timeout=30).status_code != 500
    finally:
        assert hub.stop() == 0
    assert "Traceback" not in hub.says()
    assert [path.name for path in empty.iterdir()] == [".data"]
