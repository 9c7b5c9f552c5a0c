"""PostgreSQL for a run: a cluster of its own on loopback, which a case may kill or fill."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil

ACCOUNTS = ("postgres", "emall-postgres", "nobody")
"""Accounts that run PostgreSQL if root starts the run; PostgreSQL refuses to run as root."""
SUPERUSER = "postgres"
OWNER = "emall_owner"
PASSWORD = "faults"
START_SECONDS = 60.0
CONFIGURATION = """
listen_addresses = '127.0.0.1'
max_connections = 100
max_wal_size = '64MB'
min_wal_size = '32MB'
shared_buffers = '64MB'
wal_keep_size = '64MB'
max_replication_slots = 4
unix_socket_directories = ''
log_line_prefix = '%m [%p] %a '
"""


def programs() -> Path:
    """Return the folder of PostgreSQL's programs: Debian's, or those that are in the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    program = str(found[-1]) if found else shutil.which("initdb")
    assert program is not None, "PostgreSQL is missing: apt-get install postgresql"
    return Path(program).parent


class Postgres:
    """A cluster in a folder, and its server."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._server: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "emall", *, user: str = OWNER, port: int | None = None) -> str:
        """Return the address of a database, through another port if one is given."""
        return f"postgresql://{user}:{PASSWORD}@127.0.0.1:{port or self.port}/{database}"

    def initialise(self) -> None:
        """Make the cluster."""
        self.folder.mkdir(mode=0o700, parents=True)
        password = self.folder.with_suffix(".password")
        password.write_text(PASSWORD)
        _give(self.folder, password)
        self._run(
            "initdb",
            *("--username", SUPERUSER, "--pwfile", str(password), "--auth", "scram-sha-256"),
            *("--encoding", "utf8", "--no-instructions", "--pgdata", str(self.folder)),
        )
        with (self.folder / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION)

    def copy_from(self, primary: "Postgres") -> None:
        """Make the cluster a streaming replica of another one."""
        self.folder.mkdir(mode=0o700, parents=True)
        _give(self.folder)
        self._run(
            "pg_basebackup",
            *("--dbname", primary.url("postgres", user=SUPERUSER)),
            *("--pgdata", str(self.folder), "--write-recovery-conf", "--checkpoint", "fast"),
        )

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(programs() / program), *arguments],
            user=_account(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"

    async def start(self) -> None:
        """Start the server and wait until it takes connections."""
        end = asyncio.get_running_loop().time() + START_SECONDS
        while True:
            with self.folder.with_suffix(".log").open("ab") as log:
                self._server = subprocess.Popen(
                    [str(programs() / "postgres"), "-D", str(self.folder), "-p", str(self.port)],
                    user=_account(),
                    cwd="/",
                    stdout=log,
                    stderr=log,
                )
            while self._server.poll() is None:
                with suppress(OSError, asyncpg.PostgresError, TimeoutError):
                    connection = await self.connect("postgres", timeout=2)
                    await connection.close()
                    return
                await asyncio.sleep(0.05)
            # Processes of a killed server still use its shared memory.
            assert asyncio.get_running_loop().time() < end, self.says()
            await asyncio.sleep(0.2)

    async def connect(self, database: str = "emall", *, timeout: int = 10) -> asyncpg.Connection:
        """Connect as superuser, beside every pooler and every fault of the line."""
        return await asyncpg.connect(self.url(database, user=SUPERUSER), timeout=timeout)

    def kill(self) -> None:
        """End the server at once, as a crash of the machine does to its processes."""
        self.signal(signal.SIGKILL)
        assert self._server is not None
        self._server.wait(10)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and all of its processes."""
        assert self._server is not None
        server = psutil.Process(self._server.pid)
        for process in (server, *server.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    async def stop(self) -> None:
        """Stop the server in order, ending its sessions (a fast shutdown)."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGINT)
            await asyncio.to_thread(self._server.wait, 30)

    def end(self) -> None:
        """Leave no process behind."""
        if self._server is not None and self._server.poll() is None:
            self.signal(signal.SIGCONT)
            self._server.send_signal(signal.SIGINT)
            try:
                self._server.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()

    @property
    def is_running(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def configure(self, setting: str) -> None:
        """Change a setting, over those that were changed before."""
        with (self.folder / "postgresql.auto.conf").open("a") as file:
            file.write(f"{setting}\n")
        self._run("pg_ctl", "reload", "-D", str(self.folder))

    def promote(self) -> None:
        """Make a replica a primary."""
        self._run("pg_ctl", "promote", "-D", str(self.folder))

    def says(self) -> str:
        """Return the end of the server's log."""
        return self.folder.with_suffix(".log").read_text(errors="replace")[-4000:]


def _account() -> int | None:
    """Return the user that runs PostgreSQL; None: that of this process."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    raise AssertionError("no account can run PostgreSQL")


def _give(*paths: Path) -> None:
    """Give files to the account that runs PostgreSQL."""
    account = _account()
    if account is not None:
        for path in paths:
            os.chown(path, account, -1)
