"""The hub as its operator runs it: the command `emall` in processes of its own."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    contextmanager,
    redirect_stderr,
    redirect_stdout,
)
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.cli.app import main
from services.platform.settings import ROOT, Service, Settings, load_settings
from tests.conftest import form_bundles
from tests.feedback.answering import move_responses
from tests.forked_commands import ForkedCommand
from tests.servers import LOOPBACK, free_port

Environment = Mapping[str, str]
START_SECONDS = 90


def environment_of(database_url: str | None, data_dir: Path, **more: str) -> dict[str, str]:
    """Return this process's environment with only these settings of the hub."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EMALL_")}
    settings = {"EMALL_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT)} | more
    # A test asks no portal of others.
    settings.setdefault("EMALL_LINK_CHECK_SECONDS", "0")
    settings.setdefault("EMALL_DOMAIN_CHECK_SECONDS", "0")
    # A loaded machine is no silent database; tests of silence set this.
    settings.setdefault("EMALL_SILENCE_SECONDS", "30")
    # One that follows every figure to its sources reads more in a minute than a person does.
    settings.setdefault("EMALL_ADDRESS_READS_PER_MINUTE", "0")
    settings.setdefault("EMALL_SOURCE_POLL_SECONDS", "0")
    # A test that reads results forms their bundles itself, so that it knows which there are.
    settings.setdefault("EMALL_BUNDLE_SECONDS", "0")
    settings.setdefault("EMALL_DISK_WARNING_PERCENT", "100")
    if database_url is not None:
        settings["EMALL_DATABASE_URL"] = database_url
    return inherited | settings


def emall(*arguments: str, environment: Environment) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as a fork of a process that has imported the hub."""
    with TemporaryFile("w+b") as output, TemporaryFile("w+b") as errors:
        running = ForkedCommand(arguments, environment=environment, output=output, errors=errors)
        try:
            code = running.wait(180)
        finally:
            running.kill()
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(
            arguments, code, output.read().decode(), errors.read().decode()
        )


def emall_here(*arguments: str, environment: Environment) -> subprocess.CompletedProcess[str]:
    """Run a command to its end as the console does, without the seconds that a process takes to
    import the hub: in this one, which has done so."""
    output, errors = io.StringIO(), io.StringIO()
    code = 0
    with (
        pytest.MonkeyPatch.context() as changed,
        redirect_stdout(output),
        redirect_stderr(errors),
    ):
        for name in os.environ.keys() - environment.keys():
            changed.delenv(name)
        for name, value in environment.items():
            changed.setenv(name, value)
        changed.setattr(sys, "argv", ["emall", *arguments])
        load_settings.cache_clear()
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        finally:
            load_settings.cache_clear()
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "services.cli", *arguments]


@dataclass
class Process:
    """A command that goes on, and what it says meanwhile."""

    running: subprocess.Popen[bytes] | ForkedCommand
    log: Path

    def says(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until(self, address: str, path: str = "/health/ready") -> None:
        """Wait until it responds at this address."""
        end = time.monotonic() + START_SECONDS
        while True:
            assert self.running.poll() is None, f"it ended:\n{self.says()}"
            try:
                if LOOPBACK.get(f"{address}{path}", timeout=5).is_success:
                    return
            except httpx.HTTPError:
                pass
            assert time.monotonic() < end, f"it does not answer at {address}:\n{self.says()}"
            time.sleep(0.1)

    def stop(self, how: signal.Signals = signal.SIGTERM, *, seconds: float = 40) -> int:
        """Terminate it as a service manager or Ctrl-C would, and return its exit code."""
        if self.running.poll() is None:
            self.running.send_signal(how)
        return self.running.wait(seconds)

    def end(self) -> None:
        """Kill it, so that no test leaves a process behind."""
        if self.running.poll() is None:
            self.running.terminate()
            try:
                self.running.wait(30)
            except subprocess.TimeoutExpired:
                self.running.kill()
                self.running.wait(10)


@contextmanager
def process(*arguments: str, environment: Environment, log: Path) -> Generator[Process]:
    """Run a command until the block ends."""
    with log.open("ab") as output:
        running = subprocess.Popen(
            command(*arguments), env=dict(environment), cwd=ROOT, stdout=output, stderr=output
        )
    started = Process(running, log)
    try:
        yield started
    finally:
        started.end()


@contextmanager
def forked(*arguments: str, environment: Environment, log: Path) -> Generator[Process]:
    """Run a command like `process`, as a fork of a process that has imported the hub.

    For tests that are not about the start or the memory of a process.
    """
    with log.open("ab") as output:
        running = ForkedCommand(arguments, environment=environment, output=output, errors=output)
    started = Process(running, log)
    try:
        yield started
    finally:
        started.end()


@dataclass
class RunningHub:
    """A hub of one or of several processes: its door, its commands, its parts by name."""

    address: str
    environment: dict[str, str]
    folder: Path
    addresses: dict[str, str]
    environments: dict[str, dict[str, str]]
    processes: dict[str, Process] = field(default_factory=dict[str, Process])
    stack: ExitStack = field(default_factory=ExitStack)
    run: Callable[..., AbstractContextManager[Process]] = forked
    """How its processes are started."""

    def start(self, name: str) -> None:
        """Start a service; `hub` is all of them in one process."""
        arguments = ["serve"] if name == "hub" else ["serve", name]
        port = self.addresses[name].rpartition(":")[2]
        self.processes[name] = self.stack.enter_context(
            self.run(
                *arguments,
                "--port",
                port,
                environment=self.environments[name],
                log=self.folder / f"{name}.log",
            )
        )

    def wait(self, *names: str) -> None:
        for name in names or tuple(self.processes):
            self.processes[name].wait_until(self.addresses[name])

    def stop(self, name: str) -> int:
        return self.processes.pop(name).stop()

    def emall(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command on this hub's database."""
        return emall_here(*arguments, environment=self.environment)

    def key(self, agency: str, *scopes: str) -> str:
        """Issue a key on the command line."""
        wanted = [part for scope in scopes for part in ("--scope", scope)]
        answer = self.emall("keys", "issue", "--agency", agency, *wanted)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.removesuffix("\n")

    def form_bundles(self) -> None:
        """Run the job that forms bundles of survey responses and comments."""
        form_bundles(self._settings)

    def move_responses(self, day: str) -> None:
        """Make every survey response one of this day: only today's are taken over HTTP."""
        move_responses(self._settings, day)

    @property
    def _settings(self) -> Settings:
        database_url = SecretStr(self.environment["EMALL_DATABASE_URL"])
        return load_settings().model_copy(update={"database_url": database_url})

    def get(self, path: str, **options: Any) -> httpx.Response:
        return LOOPBACK.get(self.address + path, timeout=60, **options)

    def post(self, path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return LOOPBACK.post(self.address + path, json=body, headers=headers, timeout=60)


@contextmanager
def running_hub(hub: RunningHub, names: Sequence[str]) -> Generator[RunningHub]:
    """Start the hub as these processes."""
    with hub.stack:
        for name in names:
            hub.start(name)
        hub.wait()
        yield hub


def in_one_process(database_url: str, folder: Path) -> RunningHub:
    """`emall serve`: the whole hub."""
    address = f"http://127.0.0.1:{free_port()}"
    environment = environment_of(database_url, folder / "data")
    return RunningHub(address, environment, folder, {"hub": address}, {"hub": environment})


def in_four_processes(database_url: str, folder: Path) -> RunningHub:
    """`emall serve gateway`, `serve catalog`, ...: each with a data folder of its own.

    They share the database and the gateway's public key; the private one is the gateway's alone.
    """
    addresses = {service.value: f"http://127.0.0.1:{free_port()}" for service in Service}
    identity = folder / "identity"
    own = {
        name: environment_of(
            database_url,
            folder / name,
            EMALL_IDENTITY_PUBLIC_KEY_FILE=str(identity / "public.pem"),
        )
        for name in addresses
    }
    own["gateway"]["EMALL_IDENTITY_PRIVATE_KEY_FILE"] = str(identity / "private.pem")
    for name in ("gateway", "assessment"):
        own[name]["EMALL_CATALOG_URL"] = addresses["catalog"]
        own[name]["EMALL_FEEDBACK_URL"] = addresses["feedback"]
    own["gateway"]["EMALL_ASSESSMENT_URL"] = addresses["assessment"]
    return RunningHub(addresses["gateway"], own["gateway"], folder, addresses, own)
