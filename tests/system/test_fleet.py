"""Many hubs from one list: files that are rendered, processes on one server, their state."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import asyncpg
import pytest
import yaml
from typer.testing import CliRunner

from services.cli.app import app
from services.cli.fleet.definition import Fleet, fleet_schema, read_fleet
from services.cli.fleet.processes import Deployment, FleetProcesses, HubProcess
from services.cli.fleet.rendering import KEY_FILES
from services.cli.fleet.status import ask_hubs
from services.platform.identity import load_private_key
from services.platform.settings import ROOT
from tests.conftest import Server
from tests.forked_commands import ForkedCommand
from tests.packs import service, write_pack, write_yaml
from tests.servers import LOOPBACK, free_port
from tests.system.processes import emall, environment_of

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "deploy" / "fleet"
QUIET = {
    "EMALL_LINK_CHECK_SECONDS": "0",
    "EMALL_DOMAIN_CHECK_SECONDS": "0",
    "EMALL_SOURCE_POLL_SECONDS": "0",
    "EMALL_BUNDLE_SECONDS": "0",
    "EMALL_SILENCE_SECONDS": "30",
    "EMALL_DISK_WARNING_PERCENT": "100",
    "EMALL_BACKUP_WARNING_HOURS": "0",
    "EMALL_ADDRESS_READS_PER_MINUTE": "0",
}


# Rendering


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render the example."""
    folder = tmp_path_factory.mktemp("rendered")
    done = CliRunner().invoke(
        app, ["fleet", "render", str(EXAMPLE / "fleet.yaml"), "--to", str(folder)]
    )
    assert done.exit_code == 0, done.output
    assert "5 hubs" in done.stdout
    return folder


def documents(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def test_the_schema_beside_the_example_is_that_of_the_code() -> None:
    assert (EXAMPLE / "schema.json").read_text() == fleet_schema()


def test_compose_has_a_locked_hub_for_each_regency_and_no_secret(rendered: Path) -> None:
    compose = documents(rendered / "compose" / "compose.yaml")
    fleet = read_fleet(EXAMPLE / "fleet.yaml")
    hubs = {f"hub-{hub.slug}" for hub in fleet.hubs}
    assert hubs < set(compose["services"])
    for name, container in compose["services"].items():
        assert container["read_only"] is True, name
        assert container["cap_drop"] == ["ALL"]
        assert container["security_opt"] == ["no-new-privileges:true"]
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", container["user"])
        assert container["tmpfs"]
    medan = compose["services"]["hub-12-71"]
    assert medan["image"] == "registry.example.go.id/emall:0.1.0"
    assert medan["environment"]["EMALL_REGION"] == "12.71"
    assert medan["environment"]["EMALL_ROLE_PREFIX"] == "emall_12_71"
    assert medan["mem_limit"] == "768m"
    assert not any("PASSWORD" in name or "DATABASE" in name for name in medan["environment"])
    given = {secret["source"] for secret in medan["secrets"]}
    assert all(name.startswith("12-71-") for name in given)
    for volume in compose["volumes"]:
        users = [
            name
            for name, container in compose["services"].items()
            if any(one.startswith(f"{volume}:") for one in container.get("volumes", ()))
        ]
        assert not volume.startswith("data-") or users == [
            f"prepare-{volume[5:]}",
            f"hub-{volume[5:]}",
        ]


def test_manifests_build_with_kustomize_where_it_is(rendered: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    built = subprocess.run(
        [kubectl, "kustomize", str(rendered / "kubernetes" / "hubs" / "12-71")],
        check=True,
        capture_output=True,
        text=True,
    )
    objects = {one["kind"]: one for one in yaml.safe_load_all(built.stdout)}
    assert {"Deployment", "Job", "Service", "Ingress", "PodDisruptionBudget"} < set(objects)
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert container["image"] == "registry.example.go.id/emall:0.1.0"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["resources"]["limits"]["memory"] == "768Mi"
    scaler = objects["HorizontalPodAutoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 12)
    assert scaler["metrics"][0]["resource"]["name"] == "cpu"
    assert "postgresql://" not in built.stdout


def test_secrets_are_made_once_with_keys_that_a_hub_reads(rendered: Path) -> None:
    folder = rendered / "compose"
    for _ in range(2):
        made = subprocess.run(
            ["sh", "./make-secrets"], cwd=folder, check=False, capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
    secrets = folder / "secrets" / "12-17"
    first = (secrets / "database-url").read_text()
    assert re.fullmatch(r"postgresql://emall_12_17:[0-9a-f]{48}@postgres/emall_12_17", first)
    for file in KEY_FILES.values():
        if file != "identity-public.pem":
            load_private_key(secrets / file)
    for script in [*folder.glob("rollout"), *(rendered / "kubernetes").glob("*o*t*")]:
        subprocess.run(["sh", "-n", str(script)], check=True)
    shutil.rmtree(folder / "secrets")


def test_databases_are_made_by_the_rendered_statements(rendered: Path, server: Server) -> None:
    psql = shutil.which("psql")
    if psql is None:
        pytest.skip("psql is not installed")
    statements = rendered / "compose" / "databases" / "12-16.sql"
    given = ("--set", "password=p1", "--file", str(statements))
    for _ in range(2):
        subprocess.run(
            [*(psql, server.url, "--quiet", "--set", "ON_ERROR_STOP=1"), *given],
            check=True,
            capture_output=True,
        )
    found = asyncio.run(
        fetch(server.url, "SELECT datname FROM pg_database WHERE datname = 'emall_12_16'")
    )
    assert found == ["emall_12_16"]
    asyncio.run(drop(server.url, "emall_12_16"))


async def fetch(url: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def drop(url: str, name: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        for part in ("_gateway", "_catalog", "_feedback", "_assessment", ""):
            await connection.execute(f"DROP ROLE IF EXISTS {name}{part}")
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"host": "https://toba"}, "hubs[0].host"),
        ({"code": "12.17"}, "two hubs have the code '12.17'"),
        ({"settings": {"EMALL_SMTP_PASSWORD": "x"}}, "is secret"),
        ({"settings": {"EMALL_COLOUR": "red"}}, "there is no setting 'EMALL_COLOUR'"),
        ({"resources": {"replicas": 3, "max_replicas": 2}}, "max_replicas"),
        ({"release": "1"}, "hubs[0].release"),
    ],
)
def test_a_wrong_list_is_refused_with_line_and_field(
    tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    hubs = [
        {"code": "12.12", "name": "A", "host": "a.example.id", "pack": "packs/toba"} | change,
        {"code": "12.17", "name": "B", "host": "b.example.id", "pack": "packs/b"},
    ]
    file = tmp_path / "fleet.yaml"
    file.write_text(yaml.safe_dump({"version": "1", "hubs": hubs}))
    refused = CliRunner().invoke(app, ["fleet", "status", str(file)])
    assert refused.exit_code == 1
    assert expected in refused.stderr, refused.stderr
    assert refused.stderr.startswith("fleet.yaml:")


# Processes


def launch(
    deployment: Deployment,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    output: IO[bytes],
) -> HubProcess:
    """Run commands as forks; the server of the version `broken` ends at once."""
    if deployment.version == "broken" and arguments[0] == "serve":
        return subprocess.Popen(["false"])
    return ForkedCommand(arguments, environment=environment, output=output, errors=output)


@dataclass
class Running:
    """The hubs, and the list that they follow."""

    processes: FleetProcesses
    file: Path
    said: list[str]
    given: dict[str, Any]

    def apply(self) -> bool:
        self.file.write_text(yaml.safe_dump(self.given))
        return self.processes.apply(self.fleet)

    @property
    def fleet(self) -> Fleet:
        return read_fleet(self.file)

    def pids(self) -> dict[str, int]:
        return {code: hub.process.pid for code, hub in self.processes.running.items()}


def entry(number: int, folder: Path) -> dict[str, Any]:
    """Return a hub of the list, with a pack of two services that nobody else has."""
    code = f"12.{number:02}"
    pack = write_pack(folder / code, [service(f"layanan-{number}"), service("ktp-el")])
    head = {"region": code, "name": f"Kabupaten {number}", "name_en": f"Regency {number}"}
    write_yaml(pack / "pack.yaml", {**head, "province": "Sumatera Utara", "province_code": "12"})
    write_yaml(pack / "links.yaml", {"links": []})
    return {
        "code": code,
        "name": f"Kabupaten {number}",
        "host": f"r{number}.example.go.id",
        "pack": str(pack),
        "port": free_port(),
    }


@pytest.fixture(scope="module")
def running(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Start two hubs on the run's server."""
    folder = tmp_path_factory.mktemp("fleet")
    said: list[str] = []
    emall("--version", environment=environment_of(None, folder))  # before threads start forks
    hubs = [entry(number, folder) for number in range(61, 63)]
    processes = FleetProcesses(folder / "fleet.yaml", folder, server.url, said.append, launch)
    given = {"version": "1", "settings": QUIET, "hubs": hubs}
    started = Running(processes, folder / "fleet.yaml", said, given)
    try:
        assert started.apply(), said
        yield started
    finally:
        processes.stop()
        for number in range(61, 64):
            asyncio.run(drop(server.url, f"emall_12_{number}"))


def ask(hub: dict[str, Any], path: str) -> Any:
    return LOOPBACK.get(f"http://127.0.0.1:{hub['port']}{path}", timeout=30)


def test_hubs_of_one_list_share_a_server_and_nothing_else(running: Running, server: Server) -> None:
    hubs = running.given["hubs"]
    for number, hub in enumerate(hubs, 61):
        services = {one["slug"] for one in ask(hub, "/api/v1/services").json()["items"]}
        assert services == {f"layanan-{number}", "ktp-el"}
    first, second = (running.processes.data / f"12-{number}" for number in (61, 62))
    url = (first / "database-url").read_text()
    assert (first / "database-url").stat().st_mode & 0o077 == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(fetch("/emall_12_62".join(url.rsplit("/emall_12_61", 1)), "SELECT 1"))
    own = (
        "SELECT rolname FROM pg_roles WHERE pg_has_role(current_user, oid, 'member') "
        "AND rolname <> 'pg_database_owner'"  # of which the owner of each database is one
    )
    assert {name[:11] for name in asyncio.run(fetch(url, own))} == {"emall_12_61"}
    rights = "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = user"
    assert asyncio.run(fetch(url, rights)) == [False]
    assert url != (second / "database-url").read_text()


def test_status_reads_all_and_says_the_worst_first(running: Running) -> None:
    read = CliRunner().invoke(app, ["fleet", "status", str(running.file), "--local", "--json"])
    states = json.loads(read.stdout)
    assert [state["code"] for state in states] == ["12.61", "12.62"]
    assert {state["severity"] for state in states} == {"ok"}, states
    assert read.exit_code == 0
    hub, other = running.fleet.hubs
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked = {
            "12.71": silent.getsockname()[1],  # never answers
            "12.72": other.port,  # another regency's hub
            "12.73": free_port(),  # nobody listens
        }
        copies = [
            hub.model_copy(update={"code": code, "port": port}) for code, port in asked.items()
        ]
        began = time.monotonic()
        states = asyncio.run(ask_hubs([hub, *copies], seconds=3, local=True))
        assert time.monotonic() - began < 10
    assert [state.severity for state in states] == ["error"] * 3 + ["ok"]
    found = {state.code: state.findings for state in states}
    assert found["12.71"] == ["no answer within 3 s"]
    assert found["12.72"] == ["the hub there serves region 12.62"]
    assert found["12.73"][0].startswith("no answer: ")


def test_another_joins_while_the_others_serve(running: Running) -> None:
    before = running.pids()
    failures: list[str] = []
    over = threading.Event()

    def keep_reading(hub: dict[str, Any]) -> int:
        count = 0
        while not over.is_set():
            answer = ask(hub, "/api/v1/services/ktp-el")
            if answer.status_code != 200:
                failures.append(answer.text)
            count += 1
            time.sleep(0.1)
        return count

    with ThreadPoolExecutor() as pool:
        reading = [pool.submit(keep_reading, hub) for hub in running.given["hubs"]]
        running.given["hubs"] = [*running.given["hubs"], entry(63, running.processes.data)]
        try:
            assert running.apply(), running.said
        finally:
            over.set()
        assert all(one.result() for one in reading)
    assert failures == []
    assert before.items() < running.pids().items()
    assert ask(running.given["hubs"][2], "/api/v1/services/layanan-63").status_code == 200


def test_a_canary_is_upgraded_first_and_a_version_that_fails_is_taken_back(
    running: Running,
) -> None:
    before = running.pids()
    hubs = running.given["hubs"]
    hubs[1]["canary"] = True
    hubs[1]["version"] = "2"
    assert running.apply(), running.said
    assert running.said[-1] == "12.62: runs version 2"
    upgraded = running.pids()
    assert {code for code in before if before[code] != upgraded[code]} == {"12.62"}

    running.given["version"] = "broken"  # for all others; the canary goes first
    hubs[1]["version"] = "broken"
    assert not running.apply()
    assert "version broken was taken back to 2" in running.said[-1]
    after = running.pids()
    assert {code for code in before if upgraded[code] != after[code]} == {"12.62"}
    assert ask(hubs[1], "/api/v1/services/layanan-62").status_code == 200

    running.given["version"] = "1"  # and by hand, to the version before
    del hubs[1]["version"]
    assert running.apply(), running.said
    assert running.said[-1] == "12.62: runs version 1"
    assert os.path.samefile(running.file, running.processes.list_file)
