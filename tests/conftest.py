"""One embedded server per run; template databases; a database of its own for a test that asks.

What a single service's tests use imports that service alone; the whole hub is imported only by
the fixtures that run it.
"""

import asyncio
import atexit
import fcntl
import gc
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import hypothesis
import pytest
import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from sqlalchemy import make_url
from starlette.routing import BaseRoute
from starlette.testclient import TestClient

from services.platform.database import Database, WriteSession, embedded_server, embedded_url
from services.platform.identity import (
    ANONYMOUS,
    Caller,
    Scope,
    TokenSigner,
    ensure_identity_keys,
    load_private_key,
)
from services.platform.local_time import DEFAULT_ZONE
from services.platform.migrations import migrate
from services.platform.settings import ROOT, Service, Settings

TOBA = ROOT / "packs" / "toba"
REQUIRED = set(os.environ.get("EMALL_REQUIRE", "").split(","))
LIMITS = [name for name in Settings.model_fields if name.endswith("_per_minute")]
Result = TypeVar("Result")
MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3
IN_MEMORY = "EMALL_TEST_SERVER_FOLDER"
CONFIGURED: dict[str, Any] = {}
"""The configuration of structlog in tests."""


def pytest_configure() -> None:
    """Chooses where the run's server keeps its files: in memory, where that has room.

    A database for each test is some six hundred small files, which come and go in a hundredth of
    a second there; a disk takes up to half a second for them. The hub's log lines go through the
    standard library, where `caplog` finds them.

    Compiled modules are kept, also where the environment says otherwise: the workers and all the
    processes that tests start would compile the hub and the tests once each.

    No property test fails because the machine is busy.
    """
    hypothesis.settings.register_profile(
        "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("untimed")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    gc.set_threshold(10_000, 20, 20)
    keep_loggers_configurable()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    CONFIGURED.update(structlog.get_config())
    share_documents()
    if IN_MEMORY in os.environ or not MEMORY.is_dir():  # a worker, or no such place
        return
    if shutil.disk_usage(MEMORY).free >= ROOM:
        folder = tempfile.mkdtemp(prefix="emall-tests-", dir=MEMORY)
        os.environ[IN_MEMORY] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Undo what commands that a test or a fixture runs in this process do to logging."""
    log_as_tests_do()
    yield
    log_as_tests_do()


def log_as_tests_do() -> None:
    """Configure the loggers of the hub and of libraries as tests have them."""
    if structlog.get_config() == CONFIGURED:
        return
    structlog.configure(**CONFIGURED)
    root = logging.getLogger()
    root.handlers[:] = [
        handler
        for handler in root.handlers
        if not isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    ]
    root.setLevel(logging.WARNING)


def keep_loggers_configurable() -> None:
    """Let a logger that has been used follow the next configuration.

    A command configures the hub's logging so that a logger keeps what it was first used with; in
    the process of the tests, that would outlast the test that runs the command.
    """
    configure = structlog.configure

    def configure_for_now(**given: Any) -> None:
        settings: dict[str, Any] = given | {"cache_logger_on_first_use": False}
        configure(**settings)

    structlog.configure = configure_for_now


def share_documents() -> None:
    """Let applications with the same routes share what FastAPI writes about them.

    The routes are those of the modules, the same in every application of a service; describing
    those of a hub takes two seconds, which each hub whose document is read would take anew.
    """
    describe = FastAPI.openapi
    documents: dict[tuple[object, ...], str] = {}
    described: list[BaseRoute] = []  # so that no other route gets the identity of one

    def openapi(self: FastAPI) -> dict[str, Any]:
        routes = [
            route
            for route in self.routes
            if isinstance(route, APIRoute) and route.include_in_schema
        ]
        key = (self.title, self.version, *(id(route) for route in routes))
        if key not in documents:
            documents[key] = json.dumps(describe(self))
            described.extend(routes)
        return json.loads(documents[key])

    FastAPI.openapi = openapi


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first.

    A worker gets whole files (`--dist loadfile`), in this order, since a hub or a process that a
    fixture of a module starts would be started by each worker that runs one of its tests. A long
    file at the end would keep one worker busy alone.
    """
    long = ("tests/system/", "tests/browser/", "tests/contract/")
    items.sort(key=lambda item: not item.nodeid.startswith(long))


def pytest_collection_finish() -> None:
    """Exempt what was imported from garbage collection.

    Full collections, which look through everything that was imported, took an eighth of the
    processor's time.
    """
    gc.collect()
    gc.freeze()


class GivenSettings(Settings):
    """Settings of a test: what it gives, whatever the environment says.

    Looking for a hundred settings in the environment takes five times as long as the rest.
    """

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@dataclass(frozen=True)
class Server:
    """The run's PostgreSQL."""

    url: str
    folder: Path

    def address_of(self, database: str) -> str:
        url = make_url(self.url).set(database=database)
        return url.render_as_string(hide_password=False)

    def settings(self, database: str, **more: Any) -> Settings:
        given: dict[str, Any] = {
            "database_url": SecretStr(self.address_of(database)),
            "data_dir": self.folder / "data",
            # Tests speak of years gone by; what becomes of old events is tested where it belongs.
            "event_retention_months": 1200,
            # A test asks no portal of others; one that checks links says so.
            "link_check_seconds": 0,
            "domain_check_seconds": 0,
            # Many tests share an address; one that is about limits sets them.
            **dict.fromkeys(LIMITS, 0),
            "survey_responses_per_sender": 1000,
            "source_poll_seconds": 0,
            # Whatever the disk of this machine is like; a test about it says so.
            "disk_warning_percent": 100,
            # A loaded machine is no silent database; tests of silence set this.
            "silence_seconds": 30,
            # A test that reads results forms their bundles itself (`form_bundles`).
            "bundle_seconds": 0,
        }
        return GivenSettings(**(given | more))

    @contextmanager
    def database_from(self, template: str) -> Generator[str]:
        """Create a database from the template, and drop it when the block ends."""
        name = f"test_{os.urandom(6).hex()}"
        # By copies of the files, which takes two thirds of the time of a copy through the WAL.
        create = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"
        administrator(self.url).execute(create)
        yield name
        administrator(self.url).execute(f"DROP DATABASE {name} WITH (FORCE)")


class Administrator:
    """A connection to the run's server for as long as the worker lives."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._connection: asyncpg.Connection = self._runner.run(asyncpg.connect(url))

    def execute(self, statement: str) -> None:
        """Run a statement."""
        self._runner.run(self._connection.execute(statement))


@cache
def administrator(url: str) -> Administrator:
    """Return the worker's connection to a server."""
    return Administrator(url)


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def make_template(
    server: Server,
    name: str,
    fill: Callable[[Settings], Awaitable[Any]],
    *,
    base: str = "template1",
) -> str:
    """Create a template database once, by whichever worker comes first."""
    connection = await asyncpg.connect(server.url)
    try:
        await connection.execute("SELECT pg_advisory_lock(1)")
        known = "SELECT 1 FROM pg_database WHERE datname = $1"
        if not await connection.fetchval(known, name):
            await connection.execute(f"DROP DATABASE IF EXISTS making_{name}")
            await connection.execute(f"CREATE DATABASE making_{name} TEMPLATE {base}")
            await fill(server.settings(f"making_{name}"))
            await connection.execute(f"ALTER DATABASE making_{name} RENAME TO {name}")
    finally:
        await connection.close()
    return name


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Start the server of this run, which all of its workers share."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    data = Path(os.environ.get(IN_MEMORY, folder)) / "server"
    with (folder / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = Server(embedded_url(data), folder)
        settings = server.settings("postgres")
        if not settings.private_key_file.exists():  # the first worker
            ensure_identity_keys(settings.private_key_file, settings.public_key_file)
            configure(server.url, data)
    return server


def configure(url: str, data: Path) -> None:
    """Set a new server up for tests, and start it anew.

    Durability is tested with a server of its own; here it would only cost time. Replicas under
    load on all workers need more connections than the 100 of the default.
    """
    unused = ("fsync", "synchronous_commit", "autovacuum")
    settings = [f"ALTER SYSTEM SET {name} = off" for name in unused]
    asyncio.run(execute(url, *settings, "ALTER SYSTEM SET max_connections = 400"))
    running = embedded_server(data)
    running.stop()
    running.ensure_running()


@pytest.fixture(scope="session")
def migrated(server: Server) -> str:
    """Provide a template with every service's tables, and no rows."""
    return asyncio.run(make_template(server, "migrated", migrate))


@pytest.fixture(scope="session")
def partitioned(server: Server, migrated: str) -> str:
    """Provide a template like `migrated`, with the partitions of events that feedback creates."""

    return asyncio.run(
        make_template(server, "partitioned", create_current_partitions, base=migrated)
    )


async def create_current_partitions(settings: Settings) -> None:
    """Create the partitions of events that feedback would else create in every test's database."""
    from services.feedback.events.partitions import apply_retention

    database = Database(settings, Service.feedback)
    connection = await database.connect(purpose="partitions")
    months = settings.event_retention_months
    await apply_retention(
        connection, settings.region, DEFAULT_ZONE, now=datetime.now(UTC), retention_months=months
    )
    await connection.close()


@pytest.fixture(scope="session")
def toba(server: Server, migrated: str) -> str:
    """Provide a template with the Toba pack."""
    from services.cli.pack_loader import load_pack

    async def fill(settings: Settings) -> None:
        await load_pack(settings, TOBA)
        await create_current_partitions(settings)

    return asyncio.run(make_template(server, "toba", fill, base=migrated))


@pytest.fixture
def empty(server: Server, migrated: str) -> Iterator[Settings]:
    """Provide settings of a hub on the test's own database, which has tables and no rows."""
    with server.database_from(migrated) as name:
        yield server.settings(name)


@pytest.fixture
def database(server: Server, toba: str) -> Iterator[str]:
    """Provide a database of the test's own, with the Toba pack."""
    with server.database_from(toba) as name:
        yield name


@pytest.fixture
def settings(server: Server, database: str) -> Settings:
    """Provide settings of a hub on the test's own database."""
    return server.settings(database)


@dataclass
class Room:
    """One service by itself, on a database without rows: calls with a token, stores with a rule."""

    client: TestClient
    app: FastAPI
    settings: Settings

    def token(self, caller: Caller = ANONYMOUS) -> dict[str, str]:
        """Return the header that the gateway would send for this caller."""
        signer = TokenSigner(load_private_key(self.settings.private_key_file), self.settings.region)
        return {"Authorization": f"Bearer {signer.sign(caller)}"}

    def get(self, path: str, *, caller: Caller = ANONYMOUS, **parameters: Any) -> httpx.Response:
        return self.client.get(path, params=parameters or None, headers=self.token(caller))

    def post(self, path: str, body: Any, *, caller: Caller = ANONYMOUS) -> httpx.Response:
        return self.client.post(path, json=body, headers=self.token(caller))

    def store(self, work: Callable[[WriteSession], Awaitable[Result]]) -> Result:
        """Run this work in one transaction of the service."""
        database: Database = self.app.state.database

        async def transaction() -> Result:
            async with database.write_session() as session:
                return await work(session)

        assert self.client.portal is not None
        return self.client.portal.call(transaction)

    def form_bundles(self) -> None:
        """Run feedback's job that forms the bundles of survey responses and comments."""
        from services.feedback.bundle_job import form_due_bundles

        region, zone = self.settings.region, DEFAULT_ZONE
        self.store(
            lambda session: form_due_bundles(session, region, now=datetime.now(UTC), zone=zone)
        )


def agency_caller(agency: str, *scopes: Scope) -> Caller:
    """Return the caller that an agency's key authenticates, as a service receives it."""
    return Caller(subject=f"key-of-{agency}", agency=agency, scopes=frozenset(scopes))


@contextmanager
def room(make_app: Callable[[Settings], FastAPI], settings: Settings) -> Generator[Room]:
    """Start a service's application."""
    app = make_app(settings)
    with TestClient(app, follow_redirects=False, raise_server_exceptions=False) as client:
        yield Room(client, app, settings)


def run_in_thread(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end; the main thread of a browser test has a running event loop."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


def form_bundles(settings: Settings) -> None:
    """Run the job that forms bundles on the database of a hub or of processes."""
    from services.feedback.bundle_job import form_due_bundles

    async def work() -> None:
        database = Database(settings, Service.feedback)
        async with database.write_session() as session:
            await form_due_bundles(
                session, settings.region, now=datetime.now(UTC), zone=DEFAULT_ZONE
            )
        await database.close()

    run_in_thread(work())


@pytest.fixture
def catalog(empty: Settings) -> Iterator[Room]:
    """Provide the catalog service by itself, without a pack."""
    from services.catalog.app import create_app

    with room(create_app, empty) as started:
        yield started


@pytest.fixture
def feedback(server: Server, partitioned: str) -> Iterator[Room]:
    """Provide the feedback service by itself, without a pack."""
    from services.feedback.app import create_app

    with (
        server.database_from(partitioned) as name,
        room(create_app, server.settings(name)) as started,
    ):
        yield started


@pytest.fixture
def assessment(empty: Settings) -> Iterator[Room]:
    """Provide the assessment service by itself, without a pack; the other services do not run."""
    from services.assessment.app import create_app

    with room(create_app, empty) as started:
        yield started


@pytest.fixture(scope="module")
def shared_catalog(server: Server, migrated: str) -> Iterator[Room]:
    """Start the catalog service without a pack once for a module; its tests read or are refused."""
    from services.catalog.app import create_app

    with server.database_from(migrated) as name, room(create_app, server.settings(name)) as started:
        yield started


@pytest.fixture(scope="module")
def shared_assessment(server: Server, migrated: str) -> Iterator[Room]:
    """Start the assessment service once for a module, whose tests read or are refused."""
    from services.assessment.app import create_app

    with server.database_from(migrated) as name, room(create_app, server.settings(name)) as started:
        yield started


async def issue(
    database: Database,
    region: str,
    agency: str,
    scopes: Sequence[Scope],
    life: timedelta,
) -> str:
    """Issue a key of an agency."""
    from services.gateway.api_keys.keys import issue_key

    async with database.write_session() as session:
        key = await issue_key(
            session, region, agency=agency, scopes=scopes, now=datetime.now(UTC), lifetime=life
        )
    return key.key


def new_key(
    settings: Settings, agency: str, *scopes: Scope, life: timedelta = timedelta(days=1)
) -> str:
    """Issue a key of an agency, for a hub with these settings."""

    async def work() -> str:
        database = Database(settings, Service.gateway)
        key = await issue(database, settings.region, agency, scopes, life)
        await database.close()
        return key

    return run_in_thread(work())


def confirmation_path(record: httpx.Response) -> str:
    """Return the address that confirms the version of evidence that an answer returned."""
    address = record.headers["Location"].replace("/api/v1/", "/api/v1/evidence/")
    return f"{address}/versions/{record.json()['version']}/confirmation"


@dataclass
class Hub:
    """A running hub: its HTTP client, and keys on demand."""

    client: TestClient
    settings: Settings

    def key(self, agency: str, *scopes: Scope, life: timedelta = timedelta(days=1)) -> str:
        """Issue a key of an agency, over the hub's own connections: new ones take 20 ms."""
        app: Any = self.client.app
        assert self.client.portal is not None
        return self.client.portal.call(
            issue, app.state.database, self.settings.region, agency, scopes, life
        )

    def auth(self, agency: str, *scopes: Scope) -> dict[str, str]:
        """Return the header with a new key of an agency."""
        return {"Authorization": f"Bearer {self.key(agency, *scopes)}"}

    def confirm(self, record: httpx.Response, *, agency: str = "dukcapil") -> httpx.Response:
        """Confirm the version of evidence that an answer returned, as another agency."""
        path = confirmation_path(record)
        answer = self.client.post(path, headers=self.auth(agency, "evidence:confirm"))
        assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture
def hub(settings: Settings) -> Iterator[Hub]:
    """Provide a hub with all services in this process."""
    from services.gateway.app import create_app

    with TestClient(create_app(settings), follow_redirects=False) as client:
        yield Hub(client, settings)


@pytest.fixture
def proxied_hub(settings: Settings) -> Iterator[Hub]:
    """Provide a hub behind a proxy, whose `X-Forwarded-For` names the client."""
    from services.gateway.app import create_app

    proxy = ("127.0.0.1", 50000)
    with TestClient(create_app(settings), follow_redirects=False, client=proxy) as client:
        yield Hub(client, settings)


@pytest.fixture(scope="session")
def shared(server: Server, toba: str) -> Iterator[Hub]:
    """Start a hub with the Toba pack once for all tests that read it and change nothing."""
    from services.gateway.app import create_app

    with (
        server.database_from(toba) as name,
        TestClient(create_app(server.settings(name)), follow_redirects=False) as client,
    ):
        yield Hub(client, server.settings(name))


@pytest.fixture(scope="module")
def toba_hub(server: Server, toba: str) -> Iterator[Hub]:
    """Start a hub with the Toba pack once for a module; its tests read or add separate records."""
    from services.gateway.app import create_app

    with server.database_from(toba) as name:
        settings = server.settings(name)
        with TestClient(create_app(settings), follow_redirects=False) as client:
            yield Hub(client, settings)


def required_program(need: str, *names: str) -> str:
    """Return the path of a program; without it the test is skipped, or fails where it is required.

    `need` is its name in `EMALL_REQUIRE`, and on the PATH if no `names` are given.
    """
    for name in names or (need,):
        if path := shutil.which(name):
            return path
    missing = f"none of {', '.join(names or (need,))} is on the PATH"
    if need in REQUIRED:
        pytest.fail(f"EMALL_REQUIRE={need}, but {missing}")
    pytest.skip(missing)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; best the one without windows, which opens a page for a tenth."""
    return required_program(
        "browser", "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"
    )
