"""Runs the hubs of a list as processes of this machine, on one PostgreSQL server.

A list that changed is applied on SIGHUP: new hubs join, those that are gone stop, and changed ones
are replaced one after the other, the canary first. A replacement that does not become ready is
taken back, and what follows it stays as it is.
"""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import quote

import asyncpg
import httpx

from services.cli.fleet.definition import Fleet, HubEntry, read_fleet
from services.platform.installation_roles import role_names
from services.platform.packs import PackError

READY_SECONDS = 90
STOP_SECONDS = 40
PAUSE_SECONDS = 0.2
RESTART_SECONDS = 5
STARTED_TOGETHER = 2
"""Hubs that are prepared at a time: each takes a processor for some seconds."""

Say = Callable[[str], None]


class HubFailedError(Exception):
    """A command of a hub failed, or the hub did not become ready; says why."""


@dataclass(frozen=True)
class Deployment:
    """What a hub runs with: one that differs is a change to roll out."""

    hub: HubEntry
    program: tuple[str, ...]
    version: str
    environment: tuple[tuple[str, str], ...]


class HubProcess(Protocol):
    """A process: what is used of `subprocess.Popen`."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


Launch = Callable[[Deployment, Sequence[str], Mapping[str, str], IO[bytes]], HubProcess]
"""Starts a command of a hub's program, with an environment, which writes to a file."""


def launch_program(
    deployment: Deployment,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    output: IO[bytes],
) -> HubProcess:
    """Start the program itself."""
    return subprocess.Popen(  # noqa: S603
        [*deployment.program, *arguments], env=dict(environment), stdout=output, stderr=output
    )


@dataclass
class RunningHub:
    """A hub's process, and what it runs with."""

    deployment: Deployment
    process: HubProcess
    ended: float | None = None


@dataclass
class FleetProcesses:
    """The processes of a list."""

    list_file: Path
    data: Path
    server_url: str
    """URL of the shared server as a superuser, without the database's name."""
    say: Say
    launch: Launch = launch_program
    running: dict[str, RunningHub] = field(default_factory=dict[str, RunningHub])
    _changed: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        signal.signal(signal.SIGHUP, lambda *_: self._changed.set())
        for end in (signal.SIGTERM, signal.SIGINT):
            signal.signal(end, lambda *_: self._stopping.set())
        try:
            self.apply(read_fleet(self.list_file))
            while not self._stopping.wait(PAUSE_SECONDS):
                if self._changed.is_set():
                    self._changed.clear()
                    self._reload()
                self._restart_ended()
        finally:
            self.stop()

    def apply(self, fleet: Fleet) -> bool:
        """Bring the processes to what the list says; return whether all of it took effect."""
        wanted = {hub.code: self._deployment(fleet, hub) for hub in fleet.in_rollout_order()}
        for code in self.running.keys() - wanted.keys():
            self._stop(self.running.pop(code))
            self.say(f"{code}: stopped; it is not in the list any more")
        changed = [one for code, one in wanted.items() if self._differs(code, one)]
        ok = True
        for deployment in changed:
            if self._stopping.is_set():
                return False
            try:
                self._replace(deployment)
            except HubFailedError as error:
                self.say(f"{deployment.hub.code}: {error}; the rollout ends here")
                ok = False
                break
        new = [one for code, one in wanted.items() if code not in self.running]
        with ThreadPoolExecutor(STARTED_TOGETHER) as pool:
            return all(list(pool.map(self._join, new))) and ok

    def stop(self) -> None:
        """Stop every hub, all at once."""
        for hub in self.running.values():
            with suppress(ProcessLookupError):
                hub.process.terminate()
        for hub in self.running.values():
            self._stop(hub)

    def _reload(self) -> None:
        try:
            fleet = read_fleet(self.list_file)
        except PackError as error:
            self.say(f"The list was not applied:\n{error}")
            return
        if self.apply(fleet):
            self.say("The list is applied.")

    def _differs(self, code: str, wanted: Deployment) -> bool:
        return code in self.running and self.running[code].deployment != wanted

    def _deployment(self, fleet: Fleet, hub: HubEntry) -> Deployment:
        version = fleet.version_of(hub)
        named = fleet.programs.get(version)
        program = (named,) if named else (sys.executable, "-m", "services.cli")
        settings = {
            **fleet.settings_of(hub),
            "EMALL_HOST": "127.0.0.1",
            "EMALL_PORT": str(hub.port),
            "EMALL_DATA_DIR": str(self._folder(hub)),
        }
        return Deployment(hub, program, version, tuple(settings.items()))

    def _join(self, deployment: Deployment) -> bool:
        hub = deployment.hub
        try:
            make_database(self.server_url, hub, self._folder(hub))
            self._command(deployment, "migrate")
            self._command(deployment, "load", hub.pack)
            self._start(deployment)
        except (HubFailedError, OSError, asyncpg.PostgresError) as error:
            self.say(f"{hub.code}: not started: {error}")
            return False
        self.say(f"{hub.code}: {hub.name} runs at http://127.0.0.1:{hub.port}")
        return True

    def _replace(self, wanted: Deployment) -> None:
        """Replace a hub; if the new one does not become ready, run the one before again."""
        code = wanted.hub.code
        before = self.running[code]
        self._command(wanted, "migrate")  # adds to the database; the hub goes on meanwhile
        self._stop(before)
        try:
            self._command(wanted, "load", wanted.hub.pack)
            self._start(wanted)
        except (HubFailedError, OSError) as error:
            if (failed := self.running.get(code)) is not None and failed is not before:
                self._stop(failed)
            self._command(before.deployment, "load", before.deployment.hub.pack)
            self._start(before.deployment)
            raise HubFailedError(
                f"version {wanted.version} was taken back to {before.deployment.version}: {error}"
            ) from None
        self.say(f"{code}: runs version {wanted.version}")

    def _start(self, deployment: Deployment) -> None:
        hub = deployment.hub
        with (self._folder(hub) / "hub.log").open("ab") as log:
            process = self.launch(deployment, ["serve"], self._environment(deployment), log)
        self.running[hub.code] = RunningHub(deployment, process)
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            if (code := process.poll()) is not None:
                raise HubFailedError(f"it ended with {code}; see {self._folder(hub)}/hub.log")
            with suppress(httpx.HTTPError):
                ready = httpx.get(f"http://127.0.0.1:{hub.port}/health/ready", timeout=5)
                if ready.is_success:
                    return
            time.sleep(PAUSE_SECONDS)
        raise HubFailedError(f"it was not ready within {READY_SECONDS} s")

    def _stop(self, hub: RunningHub) -> None:
        if hub.process.poll() is None:
            hub.process.terminate()
            try:
                hub.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                hub.process.kill()
                hub.process.wait()

    def _restart_ended(self) -> None:
        """Start hubs again whose process ended by itself, after a pause."""
        for code, hub in list(self.running.items()):
            if hub.process.poll() is None:
                continue
            if hub.ended is None:
                hub.ended = time.monotonic()
                self.say(f"{code}: ended with {hub.process.poll()}; it is started again")
            elif time.monotonic() - hub.ended >= RESTART_SECONDS:
                with suppress(HubFailedError):
                    self._start(hub.deployment)

    def _command(self, deployment: Deployment, *arguments: str) -> None:
        log = self._folder(deployment.hub) / "commands.log"
        with log.open("wb") as output:
            running = self.launch(deployment, arguments, self._environment(deployment), output)
            code = running.wait()
        if code:
            said = log.read_text(errors="replace").strip()
            raise HubFailedError(f"`emall {' '.join(arguments)}` ended with {code}: {said}")

    def _environment(self, deployment: Deployment) -> dict[str, str]:
        inherited = {name: one for name, one in os.environ.items() if not name.startswith("EMALL_")}
        url = (self._folder(deployment.hub) / "database-url").read_text().strip()
        return {**inherited, **dict(deployment.environment), "EMALL_DATABASE_URL": url}

    def _folder(self, hub: HubEntry) -> Path:
        return self.data / hub.slug


def make_database(server_url: str, hub: HubEntry, folder: Path) -> None:
    """Make a hub's database, its owner and its roles, if they were not made yet.

    The owner is no superuser and makes no roles; its password is in `folder/database-url`, which
    only the owner of the folder reads.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "database-url"
    if file.exists():
        return
    password = secrets.token_urlsafe(24)
    asyncio.run(_create(server_url, hub.database, password))
    unfinished = file.with_suffix(".part")
    unfinished.touch(mode=0o600)
    unfinished.write_text(_address(server_url, hub.database, password))
    unfinished.rename(file)


async def _create(server_url: str, name: str, password: str) -> None:
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        for role in role_names(name):
            await connection.execute(f"CREATE ROLE {role} NOLOGIN")
            await connection.execute(f"GRANT {role} TO {name}")
        await connection.execute(f"CREATE DATABASE {name} OWNER {name}")
        await connection.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
    finally:
        await connection.close()


def _address(server_url: str, name: str, password: str) -> str:
    """Return the URL of a hub's database on a server that another URL names."""
    scheme, _, rest = server_url.partition("://")
    host, _, query = rest.rpartition("@")[2].partition("?")
    host = host.partition("/")[0]
    suffix = f"?{query}" if query else ""
    return f"{scheme}://{name}:{quote(password)}@{host}/{name}{suffix}"
