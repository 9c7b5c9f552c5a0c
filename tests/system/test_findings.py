"""What is wrong with a hub is told by readiness, by the status, by `emall doctor` and by a metric.

The faults are real: another clock, a full disk, an expired certificate, a read-only database. One
hub has those that hold from its start; others come and go while it runs.
"""

import asyncio
import json
import shutil
import ssl
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import make_url

from services.gateway.app import create_app
from services.platform.health import process as process_health
from services.platform.health import rules
from services.platform.metrics import service_metrics
from services.platform.metrics.server import serve_metrics
from services.platform.migrations import migrate
from services.platform.settings import Service, Settings
from tests.conftest import REQUIRED, Server, administrator, required_program
from tests.faults.postgres import Postgres
from tests.gateway.click_rows import held_deliveries, queue_click, queue_click_of
from tests.rows import close_connections
from tests.servers import LOOPBACK, free_port, serving, silent
from tests.system.processes import Environment, emall_here, environment_of, process
from tests.waiting import until

pytestmark = pytest.mark.slow

AHEAD = 3
"""Seconds by which the hub's clock is ahead of the database's."""


@dataclass
class SickHub:
    """A hub, and the four ways to learn what is wrong with it."""

    address: str
    metrics: str
    environment: Environment
    log: Path
    settings: Settings

    def ready(self) -> tuple[int, dict[str, str], list[str]]:
        """Return the status of readiness, the severity of each check, and the messages."""
        answer = LOOPBACK.get(f"{self.address}/health/ready", timeout=10)
        health = answer.json()
        states = {each["check"]: each["severity"] for each in health["checks"]}
        return answer.status_code, states, [found["message"] for found in health["findings"]]

    def told(self, check: str) -> dict[str, str]:
        """Return what severity readiness, status and doctor say a check has."""
        status = LOOPBACK.get(f"{self.address}/api/v1/status", timeout=20).json()
        assert (status["state"] == "ok") == (not status["findings"])
        states = {each["check"]: each["severity"] for each in status["checks"]}
        doctor = self.doctor()
        return {
            "readiness": self.ready()[1][check],
            "status": states[check],
            "doctor": max(
                (each["severity"] for each in doctor["findings"] if each["check"] == check),
                key=["warning", "error"].index,
                default="ok",
            ),
        }

    def metric(self, check: str) -> str:
        """Return what the worst metric of a check says; a scrape may show the one before."""
        scraped = LOOPBACK.get(self.metrics, timeout=10).raise_for_status().text
        values = [
            int(sample.value)
            for family in text_string_to_metric_families(scraped)
            for sample in family.samples
            if sample.name == "emall_check" and sample.labels["check"] == check
        ]
        return {-1: "unknown", 0: "ok", 1: "warning", 2: "error"}[max(values)]

    def lag(self) -> float:
        """Return the lag of the read replica that the metric shows; 0 without one."""
        scraped = LOOPBACK.get(self.metrics, timeout=10).raise_for_status().text
        values = [
            sample.value
            for family in text_string_to_metric_families(scraped)
            for sample in family.samples
            if sample.name == "emall_read_replica_lag_seconds"
        ]
        return max(values, default=0.0)

    def doctor(self) -> dict[str, Any]:
        done = emall_here("doctor", "--json", environment=self.environment)
        result = json.loads(done.stdout)
        assert done.returncode == {"ok": 0, "warning": 1, "error": 2}[result["severity"]]
        return result

    def everywhere(self, check: str, severity: str) -> None:
        """Wait until all four say this of a check."""
        until(lambda: self.ready()[1][check] == severity, f"{check} is not {severity}")
        told = self.told(check)
        assert told == dict.fromkeys(("readiness", "status", "doctor"), severity), self.doctor()
        until(lambda: self.metric(check) == severity, f"the metric of {check} is not {severity}")


@contextmanager
def expired_site(folder: Path) -> Generator[str]:
    """Serve over TLS with a certificate that expired ten days ago; yield the address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now - timedelta(days=10))
        .sign(key, hashes.SHA256())
    )
    file = folder / "expired.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as site:
        site.socket = context.wrap_socket(site.socket, server_side=True)
        thread = threading.Thread(target=site.serve_forever, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{site.server_port}"
        site.shutdown()
        thread.join(10)


def clock_library() -> Path:
    """Return the library that gives a process another clock."""
    for found in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"):
        return found
    if "faketime" in REQUIRED:
        pytest.fail("EMALL_REQUIRE=faketime, but libfaketime is not installed")
    pytest.skip("libfaketime is not installed")


@pytest.fixture(scope="module")
def sick(server: Server, toba: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SickHub]:
    """Start a hub whose clock is ahead, whose disk is full, and whose certificate has expired."""
    folder = tmp_path_factory.mktemp("sick")
    port, metrics = free_port(), free_port()
    with server.database_from(toba) as name, expired_site(folder) as site:
        environment = environment_of(
            server.address_of(name),
            folder / "data",
            EMALL_PORT=str(port),
            EMALL_METRICS_PORT=str(metrics),
            EMALL_PUBLIC_URL=site,
            EMALL_DISK_WARNING_PERCENT="0.0001",
        )
        clock = {
            "LD_PRELOAD": str(clock_library()),
            "FAKETIME": f"+{AHEAD}s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        log = folder / "hub.log"
        with process("serve", environment=environment | clock, log=log) as hub:
            address = f"http://127.0.0.1:{port}"
            hub.wait_until(address)
            settings = server.settings(name, data_dir=folder / "data")
            scraped = f"http://127.0.0.1:{metrics}/metrics"
            yield SickHub(address, scraped, environment, log, settings)


def test_a_clock_that_is_three_seconds_ahead_is_told(sick: SickHub) -> None:
    sick.everywhere("clock", "warning")
    status, _, messages = sick.ready()
    assert status == 200
    [message] = [text for text in messages if "clock" in text]
    assert message == "The clock of this process is 3 s ahead of the database's."


def test_a_disk_that_is_too_full_is_told(sick: SickHub) -> None:
    sick.everywhere("disk", "warning")
    assert str(sick.settings.data_dir) not in str(sick.ready())
    [found] = [each for each in sick.doctor()["findings"] if each["check"] == "disk"]
    assert str(sick.settings.data_dir) in found["detail"]
    assert "delete" in found["remedy"]


def test_an_expired_certificate_is_told(sick: SickHub) -> None:
    sick.everywhere("certificate", "error")
    assert sick.ready()[0] == 200


def test_a_stuck_visit_is_told_until_it_is_discarded(sick: SickHub) -> None:
    sick.everywhere("queues", "ok")
    strange = queue_click(sick.settings, 1, {"id": "x", "kind": "click_out", "of_old": 1})
    until(lambda: "deliver-clicks: items that were refused: 1." in sick.ready()[2])
    sick.everywhere("queues", "warning")
    assert emall_here("jobs", "discard", strange, environment=sick.environment).returncode == 0
    sick.everywhere("queues", "ok")


def test_a_visit_that_waits_too_long_is_told(sick: SickHub) -> None:
    with held_deliveries(sick.settings):
        queue_click_of(sick.settings, datetime.now(UTC) - timedelta(hours=1))
        sick.everywhere("queues", "warning")
        [message] = [text for text in sick.ready()[2] if "wait" in text]
        assert message.startswith("deliver-clicks: items that wait: 1, the oldest for 6")
        told = [each["message"] for each in sick.doctor()["findings"] if each["check"] == "queues"]
        assert len(told) == 1, told
    sick.everywhere("queues", "ok")


def url_of(settings: Settings) -> str:
    assert settings.database_url is not None
    return settings.database_url.get_secret_value()


def set_read_only(server: Server, settings: Settings, value: str) -> None:
    """Make transactions of a database read-only, or not, also in sessions that are open."""
    name = make_url(url_of(settings)).database
    statement = f"ALTER DATABASE {name} SET default_transaction_read_only = {value}"
    administrator(server.url).execute(statement)
    for service in ("gateway", "catalog", "feedback", "assessment"):
        close_connections(settings, f"emall {service}")


def test_a_read_only_database_is_told_and_reads_are_served(server: Server, sick: SickHub) -> None:
    before = len(sick.log.read_text())
    set_read_only(server, sick.settings, "on")
    try:
        sick.everywhere("database-writable", "error")
        assert sick.ready()[0] == 200
        assert LOOPBACK.get(f"{sick.address}/api/v1/services?limit=3").status_code == 200
        body = {"kind": "complaint", "text": "Loketnya tutup sejak pagi.", "agency": "dukcapil"}
        refused = LOOPBACK.post(f"{sick.address}/api/v1/comments", json=body)
        assert refused.status_code == 503, refused.text
    finally:
        set_read_only(server, sick.settings, "off")
    sick.everywhere("database-writable", "ok")
    said = sick.log.read_text()[before:]
    assert said.count("writes to the database of feedback unavailable") == 1
    assert "Traceback" not in said


def test_another_comments_key_is_told_and_the_right_one_ends_it(sick: SickHub) -> None:
    file = sick.settings.comments_key_file
    right = file.read_bytes()
    file.write_bytes(sick.settings.private_key_file.read_bytes())
    try:
        sick.everywhere("keys", "error")
        [found] = [each for each in sick.doctor()["findings"] if each["check"] == "keys"]
        assert found["message"] == "The comments key is not the one of this database."
        assert str(file) in found["detail"]
    finally:
        file.write_bytes(right)
    sick.everywhere("keys", "ok")


@contextmanager
def measured_hub(
    server: Server, folder: Path, *, operator: dict[str, str] | None = None, **more: Any
) -> Generator[SickHub]:
    """Serve a hub with metrics in this process; `operator` are settings of `emall doctor`.

    Its health and its figures are measured ten times as often as those of a hub.
    """
    port, metrics = free_port(), free_port()
    settings = server.settings("postgres", data_dir=folder / "data", metrics_port=metrics, **more)
    environment = environment_of(
        url_of(settings), folder / "data", EMALL_PORT=str(port), **(operator or {})
    )
    with pytest.MonkeyPatch.context() as hurried:
        hurried.setattr(process_health, "DATABASE_TTL", process_health.DATABASE_TTL / 10)
        hurried.setattr(service_metrics, "REUSE_SECONDS", service_metrics.REUSE_SECONDS / 10)
        app = create_app(settings)
        serve_metrics(app, settings, port=metrics, workers=1)
        with serving(app, port=port) as address:
            scraped = f"http://127.0.0.1:{metrics}/metrics"
            yield SickHub(address, scraped, environment, folder / "none", settings)


def test_a_database_without_tables_is_told(server: Server, tmp_path: Path) -> None:
    with server.database_from("template1") as name:
        blank = SecretStr(server.address_of(name))
        with measured_hub(server, tmp_path, database_url=blank) as hub:
            hub.everywhere("schema", "error")
            assert hub.ready()[0] == 503
            assert LOOPBACK.get(f"{hub.address}/health/live").status_code == 200
            findings = hub.doctor()["findings"]
            remedies = {each["remedy"] for each in findings if each["check"] == "schema"}
            assert remedies == {"run `emall migrate`"}


def test_a_silent_database_leaves_the_process_alive_and_readiness_in_time(
    server: Server, tmp_path: Path
) -> None:
    with silent() as line:
        address = SecretStr(line.replace("http", "postgresql") + "/emall")
        with measured_hub(server, tmp_path, database_url=address, silence_seconds=2) as hub:
            for _ in range(2):
                status, states, _ = hub.ready()
                assert (status, states["database"], states["schema"]) == (503, "error", "unknown")
            assert LOOPBACK.get(f"{hub.address}/health/live", timeout=1).status_code == 200


@pytest.fixture
def replicated() -> Iterator[tuple[Postgres, Postgres]]:
    """Start a server with a streaming replica."""
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        required_program("postgresql", "initdb")
    folder = Path(tempfile.mkdtemp(prefix="emall-replica-"))
    folder.chmod(0o755)  # PostgreSQL runs as an account of its own
    primary = Postgres(folder / "primary", free_port())
    replica = Postgres(folder / "replica", free_port())
    try:
        primary.initialise()
        asyncio.run(primary.start())
        replica.copy_from(primary)
        replica.folder.chmod(0o700)
        asyncio.run(replica.start())
        yield primary, replica
    finally:
        replica.end()
        primary.end()
        shutil.rmtree(folder)


async def run_on(postgres: Postgres, database: str, *statements: str) -> None:
    connection = await postgres.connect(database)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def test_a_replica_that_is_behind_is_told(
    server: Server,
    replicated: tuple[Postgres, Postgres],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(rules, "REPLICA_WARNING", timedelta(milliseconds=300))
    primary, replica = replicated
    url = SecretStr(primary.url("postgres", user="postgres"))
    asyncio.run(migrate(server.settings("postgres", database_url=url)))
    # Without this right a service does not see how far a replica is.
    grants = [f"GRANT pg_monitor TO emall_{service.value}" for service in Service]
    asyncio.run(run_on(primary, "postgres", *grants))
    with measured_hub(server, tmp_path, database_url=url) as hub:
        hub.everywhere("replica", "ok")
        asyncio.run(run_on(replica, "postgres", "SELECT pg_wal_replay_pause()"))
        asyncio.run(run_on(primary, "postgres", "CREATE TABLE later AS SELECT 1"))
        hub.everywhere("replica", "warning")
        asyncio.run(run_on(replica, "postgres", "SELECT pg_wal_replay_resume()"))
        hub.everywhere("replica", "ok")


def test_a_read_replica_that_is_behind_away_or_promoted_is_told(
    server: Server,
    replicated: tuple[Postgres, Postgres],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The hub asks the replica itself, for which its accounts need no right of their own."""
    monkeypatch.setattr(rules, "REPLICA_WARNING", timedelta(milliseconds=300))
    primary, replica = replicated
    url = SecretStr(primary.url("postgres", user="postgres"))
    read_url = f"postgresql://127.0.0.1:{replica.port}"
    asyncio.run(migrate(server.settings("postgres", database_url=url)))
    with measured_hub(
        server,
        tmp_path,
        operator={"EMALL_DATABASE_READ_URL": read_url},
        database_url=url,
        database_read_url=SecretStr(read_url),
    ) as hub:
        hub.everywhere("replica", "ok")
        assert hub.lag() < 0.3
        asyncio.run(run_on(replica, "postgres", "SELECT pg_wal_replay_pause()"))
        asyncio.run(run_on(primary, "postgres", "CREATE TABLE later AS SELECT 1"))
        hub.everywhere("replica", "warning")
        until(lambda: hub.lag() > 0.3)
        asyncio.run(run_on(replica, "postgres", "SELECT pg_wal_replay_resume()"))
        hub.everywhere("replica", "ok")

        replica.kill()
        hub.everywhere("replica", "warning")
        assert "The read replica does not answer: reads go to the server." in hub.ready()[2]
        asyncio.run(replica.start())
        hub.everywhere("replica", "ok")

        replica.promote()
        hub.everywhere("replica", "error")
