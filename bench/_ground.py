"""What a benchmark stands on: a durable PostgreSQL of its own, and a service in its own process."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import asyncpg
from pydantic import SecretStr

from services.platform.database import embedded_server, embedded_url
from services.platform.identity import Caller, TokenSigner, ensure_identity_keys, load_private_key
from services.platform.migrations import migrate
from services.platform.settings import ROOT, Settings

LIMITS = [name for name in Settings.model_fields if name.endswith("_per_minute")]
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass
class Ground:
    """A migrated database that is gone afterwards."""

    settings: Settings
    folder: Path

    @property
    def url(self) -> str:
        assert self.settings.database_url is not None
        return self.settings.database_url.get_secret_value()

    def signer(self) -> TokenSigner:
        key = load_private_key(self.settings.private_key_file)
        return TokenSigner(key, self.settings.region)

    async def connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.url, server_settings={"timezone": "UTC"})

    async def settings_of_durability(self) -> str:
        """Return the settings of durability, and end the benchmark if commits are not durable."""
        connection = await self.connect()
        found = {name: await connection.fetchval(f"SHOW {name}") for name in DURABLE}
        await connection.close()
        if set(found.values()) != {"on"}:
            sys.exit(f"these figures would mean nothing: {found}")
        return ", ".join(f"{name} {value}" for name, value in found.items())

    @contextmanager
    def process(self, *command: str) -> Iterator[tuple[int, int]]:
        """Start a server process and yield its port and process id."""
        port = free_port()
        environment = os.environ | {
            "EMALL_DATABASE_URL": self.url,
            "EMALL_DATA_DIR": str(self.settings.data_dir),
            "EMALL_EVENT_RETENTION_MONTHS": str(self.settings.event_retention_months),
            "EMALL_LOG_LEVEL": "WARNING",
            # What is measured is not how fast somebody is refused.
            **{f"EMALL_{name.upper()}": "0" for name in LIMITS},
            "PYTHONPATH": str(ROOT),
        }
        server = subprocess.Popen(
            [sys.executable, "-m", *(part.replace("PORT", str(port)) for part in command)],
            cwd=ROOT,
            env=environment,
        )
        try:
            wait_for(port, server)
            yield port, server.pid
        finally:
            server.terminate()
            server.wait(30)

    def service(self, name: str) -> AbstractContextManager[tuple[int, int]]:
        """Run a service of the hub in a process of its own."""
        return self.process("services.cli", "serve", name, "--port", "PORT")


@contextmanager
def ground(*, retention_months: int = 1200) -> Iterator[Ground]:
    """Start PostgreSQL in a new folder with its default settings, and migrate it."""
    with tempfile.TemporaryDirectory(prefix="emall-bench-", ignore_cleanup_errors=True) as folder:
        settings = Settings(  # pyright: ignore[reportCallIssue]
            database_url=SecretStr(embedded_url(Path(folder) / "server")),
            data_dir=Path(folder) / "data",
            event_retention_months=retention_months,
        )
        ensure_identity_keys(settings.private_key_file, settings.public_key_file)
        asyncio.run(migrate(settings))
        yield Ground(settings, Path(folder))
        embedded_server(Path(folder) / "server").release()


def wait_for(port: int, server: "subprocess.Popen[bytes]", *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            sys.exit(f"the server ended with {server.returncode}")
        try:
            with urlopen(f"http://127.0.0.1:{port}/health/live", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    sys.exit("the server did not start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


WRITER = Caller(subject="bench", agency="diskominfo", scopes=frozenset({"admin"}))
