"""`emall run` and `emall serve`."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from importlib import import_module
from multiprocessing import Pipe, get_context
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from services.cli.console import echo_err, run_async
from services.cli.database import in_gateway_transaction
from services.cli.hub_keys import require_keys
from services.platform.lazy_module import without_module
from services.platform.logging import configure_logging
from services.platform.settings import DEFAULT_PACK, Service, Settings, load_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.platform.database import WriteSession

Made = TypeVar("Made")

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on.")]

PROTOCOLS = {
    Service.gateway: "services.gateway.http_cache.fast_path:CachedReadProtocol",
    Service.feedback: "services.feedback.events.fast_path:EventProtocol",
}
"""uvicorn protocols that answer some requests without calling the application."""

START_NICENESS = 5
"""Niceness, at least, at which a process imports and builds its application. That takes some
seconds of a core, in which a machine with few of them would have no time for the others."""

TRACE_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

DEFAULT_PROTOCOL = "services.platform.header_timeout:HeaderTimeoutProtocol"
"""Closes connections that do not finish their headers in time."""


def create_app() -> "FastAPI":
    """Create the application of a server process: the service named by `EMALL_SERVE`."""
    import_libraries()
    service = Service(os.environ.get("EMALL_SERVE", Service.gateway.value))
    settings = load_settings()
    _configure_logging(settings, service)
    if traces_requested():
        _start_tracing(service)
    collect_less_often()
    with making_lasting_objects():
        app = at_low_priority(lambda: _import_application(service).create_app(settings))
        if settings.metrics_port is not None:
            from services.platform.metrics.server import serve_metrics

            workers = int(os.environ.get("EMALL_SERVE_WORKERS", "1"))
            serve_metrics(app, settings, port=settings.metrics_port, workers=workers)
    return app


def _import_application(service: Service) -> ModuleType:
    return import_module(f"services.{service.value}.app")


def at_low_priority(make: Callable[[], Made]) -> Made:
    """Return what this makes, in a thread of lower priority while this one waits.

    On Linux each thread has its own; elsewhere it has that of the process.
    """
    made: Future[Made] = Future()

    def run() -> None:
        if sys.platform == "linux":
            thread = threading.get_native_id()
            own = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, max(own, START_NICENESS))
        try:
            made.set_result(make())
        except BaseException as error:
            made.set_exception(error)

    threading.Thread(target=run, name="build application", daemon=True).start()
    return made.result()


def traces_requested() -> bool:
    """Return whether the environment says where to send traces (OpenTelemetry's variables)."""
    environment = os.environ
    return (
        any(environment.get(name) for name in TRACE_ENDPOINTS)
        and environment.get("OTEL_SDK_DISABLED", "").lower() != "true"
        and environment.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp"
    )


def _start_tracing(service: Service) -> None:
    try:
        from services.platform.tracing import start_tracing
    except ImportError as error:
        echo_err(
            f"Warning: no traces, since {error.name} is missing; install emall-hub[otel], or unset "
            f"{' and '.join(TRACE_ENDPOINTS)}."
        )
    else:
        start_tracing(service)


def import_libraries() -> None:
    """Import httpx and uvicorn without what the hub does not use of them, 7 MiB.

    That is rich and pygments, for httpx's own command, h2, for clients that ask for HTTP/2, and
    watchfiles, for reloading changed code. To be called before anything else imports them. typer
    finds rich when it needs it.
    """
    unused = ("rich", "pygments", "h2", "watchfiles")
    with ExitStack() as stack:
        for name in unused:
            stack.enter_context(without_module(name))
        import_module("httpx")
        import_module("httpcore")  # which httpx imports for its first client
        import_module("uvicorn")


def collect_less_often() -> None:
    """Collect garbage less often: while everything is imported, it took a sixth of the time."""
    gc.set_threshold(20_000, 20, 20)


@contextmanager
def making_lasting_objects() -> Generator[None]:
    """Exclude the objects made in this block from the garbage collector, now and later.

    Modules and applications live as long as the process: looking for garbage among them took a
    tenth of the time to start, and made no difference to memory that could be measured.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _configure_logging(settings: Settings, service: Service) -> None:
    configure_logging(
        level=settings.log_level, log_format=settings.log_format, service=service.value
    )


def exit_on_sigterm(status: int = 0) -> None:
    """Exit on SIGTERM with this status as on Ctrl-C, so that exit handlers run.

    uvicorn re-raises the signal after its shutdown; the default action would kill the process
    there, and the embedded PostgreSQL would keep running.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(status))


def run(
    pack: Annotated[Path, typer.Option(help="Pack to load.")] = DEFAULT_PACK,
    host: Host = None,
    port: Port = None,
) -> None:
    """Start a complete hub: database, migrations, pack, first API key, server."""
    exit_on_sigterm()
    settings = load_settings()
    echo_err("1/4 Starting PostgreSQL ...")
    with making_lasting_objects():
        import_libraries()
        import_module("services.platform.database")  # once for both processes
    address = f"http://{host or settings.host}:{settings.port if port is None else port}"
    with (
        _database_preparing(lambda: _prepare(settings, pack, address)) as begin,
        _postgres_starting(settings, then=begin),
        making_lasting_objects(),
    ):
        at_low_priority(lambda: _import_application(Service.gateway))
    _serve(Service.gateway, settings, host=host, port=port, workers=1)


@contextmanager
def _database_preparing(prepare: Callable[[], None]) -> Generator[Callable[[], None]]:
    """Prepare the database in a process of its own beside this block; exit with 1 if that failed.

    The process waits until what this yields is called. It is a copy of this one, which must not
    have another thread. It ends with this block, and before the exit handlers of this process,
    which stop a database that nobody uses.
    """
    receiver, sender = Pipe(duplex=False)

    def run_when_told() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # else it would end as if it had succeeded
        sender.close()
        try:
            try:
                receiver.recv()
            except EOFError:  # the other process was killed
                return
            prepare()
        except typer.Exit as end:
            sys.exit(end.exit_code)
        except KeyboardInterrupt:
            sys.exit(128 + signal.SIGINT)

    process = get_context("fork").Process(target=run_when_told, daemon=True)
    process.start()
    try:
        yield lambda: sender.send(None)
        process.join()
    finally:
        process.terminate()
        process.join()
    if (status := process.exitcode or 0) < 0:
        echo_err(f"Error: the process that prepared the database was ended by signal {-status}.")
    if status != 0:
        raise typer.Exit(1)


def _prepare(settings: Settings, pack: Path, address: str) -> None:
    """Migrate the database, check the keys, load the pack, issue the first key and invitation.

    Says what will be served where.
    """
    from services.cli.keys import find_leading_agency, issue_audited_key
    from services.cli.people import invite_first_administrator
    from services.platform.migrations import migrate
    from services.platform.service import API

    echo_err("2/4 Migrating the database ...")
    run_async(migrate(settings))
    require_keys(settings, _in_process(Service.gateway, settings))
    echo_err(f"3/4 Loading the pack {pack.name} ...")
    _load(settings, pack)
    key_file = settings.data_dir / "first-key.txt"
    if not key_file.exists() and (agency := run_async(find_leading_agency(settings))) is not None:
        key = run_async(
            issue_audited_key(settings, agency, ["admin"], lifetime=timedelta(days=365))
        )
        key_file.touch(mode=0o600)
        key_file.write_text(f"{key.key}\n")
    echo_err(f"4/4 Serving {address}")
    echo_err(f"    portal     {address}/")
    echo_err(f"    API        {address}/docs")
    echo_err(f"    metrics    {address}{API}/metrics/collaboration-dynamics?period=2024")
    if key_file.exists():
        echo_err(f"    first key  {key_file} (scope admin)")
    else:
        echo_err("    first key  none, since the pack has no agency; emall keys issue makes one")
    if (invitation := run_async(invite_first_administrator(settings))) is not None:
        echo_err(f"    first administrator, a link for one use: {address}{invitation.path}")
    else:
        echo_err(f"    workspace  {address}/kelola")


def _load(settings: Settings, pack: Path) -> None:
    """Load a pack, unless this version has loaded it as it is: that takes a fifth of a start."""
    from services.gateway.regency.loaded_pack import is_loaded

    def already(session: "WriteSession", _: datetime) -> Awaitable[bool]:
        return is_loaded(session, settings.region, pack)

    if run_async(in_gateway_transaction(settings, already)):
        echo_err("    as it was loaded before")
        return
    from services.cli.pack_loader import OtherVersionsError, load_pack
    from services.platform.packs import PackError

    try:
        changes = run_async(load_pack(settings, pack))
    except PackError as error:
        echo_err(str(error))
        raise typer.Exit(1) from None
    except OtherVersionsError as error:
        echo_err(f"    not loaded: {error}")
    else:
        echo_err(f"    {len(changes)} changes")


def serve(
    service: Annotated[
        Service | None, typer.Argument(help="Service to serve; default: all four in one process.")
    ] = None,
    host: Host = None,
    port: Port = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Number of server processes.")] = 1,
) -> None:
    """Serve the hub, or one of its services."""
    import_libraries()
    exit_on_sigterm()
    settings = load_settings()
    served = service or Service.gateway
    in_process = _in_process(served, settings)
    needs_postgres = any(settings.service_database_url(part) is None for part in in_process)
    with _postgres_starting(settings) if needs_postgres else nullcontext():
        if workers == 1:  # meanwhile; several processes import it each
            with making_lasting_objects():
                at_low_priority(lambda: _import_application(served))
    require_keys(settings, in_process)
    if not settings.public_key_file.exists():
        echo_err(
            f"Warning: {settings.public_key_file} is missing; requests get 503 until "
            "`emall keys init` creates it."
        )
    _serve(served, settings, host=host, port=port, workers=workers)


@contextmanager
def _postgres_starting(
    settings: Settings, *, then: Callable[[], None] = lambda: None
) -> Generator[None]:
    """Start the embedded server, if it is in use, beside what this block does.

    It runs as long as this process lives. `then` is called once it runs.
    """
    if settings.database_url is not None:
        then()
        yield
        return
    from services.platform.database import embedded_server

    # What the thread needs is imported: two threads that import may wait for each other.
    server = embedded_server(settings.data_dir)

    def start() -> None:
        server.ensure_running()
        then()

    with ThreadPoolExecutor(1) as threads:
        started = threads.submit(start)
        yield
    try:
        started.result()
    except OSError as error:
        echo_err(f"Error: {error}")
        raise typer.Exit(1) from None


def _in_process(served: Service, settings: Settings) -> list[Service]:
    """Return the services in this process: one, or the gateway and those without a URL."""
    if served is not Service.gateway:
        return [served]
    return [part for part in Service if settings.service_url(part) is None]


def _serve(
    service: Service, settings: Settings, *, host: str | None, port: int | None, workers: int
) -> None:
    import uvicorn
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    from services.platform.shutdown import GracefulServer

    os.environ["EMALL_SERVE"] = service.value
    os.environ["EMALL_SERVE_WORKERS"] = str(workers)
    _configure_logging(settings, service)
    config = uvicorn.Config(
        "services.cli.server:create_app",
        factory=True,
        http=PROTOCOLS.get(service, DEFAULT_PROTOCOL) if settings.fast_path else DEFAULT_PROTOCOL,
        host=host or settings.host,
        port=settings.port if port is None else port,
        workers=workers,
        log_config=None,  # create_app configures logging in each worker
        access_log=False,
        server_header=False,
        ws="none",  # the hub has none; uvicorn would import a library for them
        timeout_graceful_shutdown=20,
        timeout_keep_alive=30,
        # The gateway itself decides which forwarding headers to trust (EMALL_TRUSTED_PROXIES).
        proxy_headers=False,
    )
    if workers > 1:
        Multiprocess(config, sockets=[config.bind_socket()]).run()
        return
    server = GracefulServer(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise typer.Exit(STARTUP_FAILURE)
