"""Clients in PHP and TypeScript, generated from the document, walk from the index to the evidence.

`make clients` installs the generators (npm, and a jar from PyPI) and runs these tests; without
`EMALL_REQUIRE=clients` they are skipped, since generating and compiling takes most of a minute.
`test_client.py` does the same in Python.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REQUIRED, required_program
from tests.contract.conftest import RunningHub
from tests.servers import LOOPBACK

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
SOURCES = Path(__file__).with_name("clients")
TOOLS = ROOT / ".venv" / "clients"
"""Where `make clients` installs the generators."""

JAR = TOOLS / "python" / "openapi_generator_cli" / "openapi-generator.jar"
ONLY_CODE = (
    "apis,models,supportingFiles,apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"
)


def run(*command: str, folder: Path) -> str:
    """Run a command in a folder and return its output; fail if it fails."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(running: RunningHub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the document of the running hub."""
    if "clients" not in REQUIRED:
        pytest.skip("needs generators of clients; `make clients` installs them and runs this")
    made = tmp_path_factory.mktemp("clients")
    document = LOOPBACK.get(f"{running.address}/openapi.json", timeout=60).content
    (made / "openapi.json").write_bytes(document)
    return made


def test_a_client_in_php_walks_from_the_index_to_the_evidence(
    folder: Path, running: RunningHub
) -> None:
    java, php = required_program("clients", "java"), required_program("clients", "php")
    run(
        *(java, "-jar", str(JAR), "generate", "-g", "php", "-i", "openapi.json", "-o", "php"),
        *("--additional-properties", "invokerPackage=Emall", "--global-property", ONLY_CODE),
        folder=folder,
    )
    walk = str(SOURCES / "walk.php")
    assert (
        run(php, walk, str(folder / "php"), running.address, running.key, folder=folder) == "ok\n"
    )


def test_a_client_in_typescript_walks_from_the_index_to_the_evidence(
    folder: Path, running: RunningHub
) -> None:
    node = required_program("clients", "node")
    here = folder / "typescript"
    here.mkdir()
    for source in ("package.json", "tsconfig.json", "walk.ts"):
        shutil.copy(SOURCES / source, here)
    packages = TOOLS / "npm" / "node_modules"
    (here / "node_modules").symlink_to(packages)
    generator = str(packages / "openapi-typescript" / "bin" / "cli.js")
    run(
        *(node, generator, "../openapi.json", "--default-non-nullable", "false"),
        *("--output", "api.ts"),
        folder=here,
    )
    run(node, str(packages / "typescript" / "bin" / "tsc"), folder=here)
    assert run(node, "out/walk.js", running.address, running.key, folder=here) == "ok\n"
