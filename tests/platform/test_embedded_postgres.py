"""The embedded PostgreSQL, with real processes: who may connect, and who stops it when."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from services.platform import embedded_postgres
from services.platform.embedded_postgres import Account, EmbeddedPostgres, EmbeddedPostgresError
from services.platform.settings import ROOT
from tests.conftest import IN_MEMORY
from tests.system.processes import emall, environment_of

USE = """
import sys
from pathlib import Path
from services.platform.embedded_postgres import EmbeddedPostgres

server = EmbeddedPostgres(Path(sys.argv[1]))
server.ensure_running()
print(server.pid, flush=True)
sys.stdin.read()
"""
NOBODY = 65534


class Hub:
    """A process that uses the server of a folder."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USE, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    def server(self) -> int:
        """Return the id of the server's process, once it runs."""
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def end(self) -> None:
        self.process.communicate(timeout=30)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


def in_memory(folder: Path) -> Path:
    """Return a folder in memory, where the run has one: a cluster has a thousand files."""
    if IN_MEMORY not in os.environ:
        return folder
    return Path(tempfile.mkdtemp(prefix="embedded-", dir=os.environ[IN_MEMORY]))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a folder whose server has been stopped; before that, a first start was killed."""
    folder = in_memory(tmp_path_factory.mktemp("embedded")) / "postgres"
    half_made = folder.with_name("postgres.new")
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(folder)
    server.ensure_running()
    server.release()
    assert not half_made.exists()
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Provide a folder of the test's own, deleted after it."""
    folder = in_memory(tmp_path)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder(stopped: Path, place: Path) -> Path:
    """Provide a copy of the stopped folder."""
    return copy(stopped, place / "postgres")


@pytest.fixture
def start(place: Path) -> Iterator[Callable[[Path], EmbeddedPostgres]]:
    """Provide a function that starts the server of a folder in `place` until the test ends."""
    started: list[EmbeddedPostgres] = []

    def run(folder: Path) -> EmbeddedPostgres:
        server = EmbeddedPostgres(folder)
        started.append(server)
        server.ensure_running()
        return server

    yield run
    for server in started:
        server.release()


def copy(folder: Path, target: Path) -> Path:
    """Copy a folder as `cp -r` does, without the socket."""
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns(".s.PGSQL.5432"))
    return target


def programs(server: EmbeddedPostgres) -> Path:
    """Return the folder of the programs that a running server was started from."""
    assert server.pid is not None
    return Path(psutil.Process(server.pid).cmdline()[0]).parent


def pid_file(folder: Path) -> str:
    file = folder / "postmaster.pid"
    return file.read_text() if file.exists() else ""


def query(
    server: EmbeddedPostgres, statement: str, *, user: str = "postgres", password: str | None = None
) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(server.url, user=user, password=password)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(run())


@pytest.mark.slow
def test_the_last_living_hub_stops_the_server_also_after_one_was_killed(folder: Path) -> None:
    killed = Hub(folder)
    server = killed.server()
    killed.kill()
    assert psutil.pid_exists(server)
    first, second = Hub(folder), Hub(folder)
    assert first.server() == second.server() == server
    first.end()
    assert psutil.pid_exists(server)
    second.end()
    assert not psutil.pid_exists(server)
    assert not (folder / "postmaster.pid").exists()


@pytest.mark.slow
def test_hubs_that_start_at_once_use_one_server(folder: Path) -> None:
    hubs = [Hub(folder) for _ in range(3)]
    [server] = {hub.server() for hub in hubs}
    for hub in hubs:
        hub.process.send_signal(signal.SIGSTOP)
    for hub in hubs:
        hub.process.send_signal(signal.SIGCONT)
    for hub in hubs:
        assert hub.process.stdin is not None
        hub.process.stdin.close()
    assert [hub.process.wait(30) for hub in hubs] == [0, 0, 0]
    assert not psutil.pid_exists(server)


@pytest.mark.slow
def test_a_server_that_was_killed_is_started_again_at_its_address(
    folder: Path, start: Callable[[Path], EmbeddedPostgres]
) -> None:
    server = start(folder)
    before, url = server.pid, server.url
    assert before is not None
    killed = psutil.Process(before)
    killed.kill()
    killed.wait(10)
    server.ensure_running()
    assert server.pid != before
    assert server.url == url
    assert query(server, "SELECT 1") == 1


@pytest.mark.slow
def test_a_copy_of_a_running_folder_never_reaches_the_original(
    folder: Path, place: Path, start: Callable[[Path], EmbeddedPostgres]
) -> None:
    original = start(folder)
    query(original, "CREATE TABLE kept (value int)")
    query(original, "CHECKPOINT")
    copied = start(copy(folder, place / "copy" / "postgres"))
    assert copied.pid != original.pid
    assert copied.url != original.url
    query(copied, "DROP TABLE kept")
    assert query(original, "SELECT count(*) FROM kept") == 0
    copied.release()
    assert original.pid is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        "{own}\n/elsewhere/postgres\n1790000000\n5432\n/elsewhere\n\n  1  2\nready   \n",
        "1\n/elsewhere/postgres\n1790000000\n5432\n/elsewhere\n\n  1  2\nready   \n",
        "{own}\n",
        "4194304\n/elsewhere/postgres\n1790000000\n5432\n/elsewhere\n\n  1  2\nready   \n",
        "99999999999999999999\n",
        "unreadable\n",
        "",
    ],
)
def test_a_left_over_pid_file_stops_no_start(
    content: str, folder: Path, start: Callable[[Path], EmbeddedPostgres]
) -> None:
    (folder / "postmaster.pid").write_text(content.format(own=os.getpid()))
    (folder / ".s.PGSQL.5432.lock").write_text(content.format(own=os.getpid()))
    assert query(start(folder), "SELECT 1") == 1


@pytest.mark.slow
def test_a_pid_file_that_names_another_server_stops_no_start_and_not_that_server(
    folder: Path, place: Path, start: Callable[[Path], EmbeddedPostgres]
) -> None:
    other = start(copy(folder, place / "other" / "postgres"))
    shutil.copy(other.folder / "postmaster.pid", folder)
    server = start(folder)
    assert server.pid != other.pid
    server.release()
    assert query(other, "SELECT 1") == 1


@pytest.mark.parametrize("depth", [0, 120])
def test_only_the_hubs_account_reaches_the_socket(
    depth: int, stopped: Path, place: Path, start: Callable[[Path], EmbeddedPostgres]
) -> None:
    private = place / "private"
    private.mkdir(mode=0o700)
    parents = {path: path.stat().st_mode for path in [private, *private.parents]}
    folder = copy(stopped, private / ("x" * depth) / "postgres")
    server = start(folder)
    sockets = Path(server.url.partition("host=")[2])
    assert sockets.stat().st_mode & 0o777 == 0o700
    assert sockets.stat().st_uid == folder.stat().st_uid
    assert {path: path.stat().st_mode for path in parents} == parents
    assert query(server, "SELECT current_user") == "postgres"
    if os.geteuid() == 0:
        assert folder.stat().st_uid != 0
        done = subprocess.run(
            [programs(server) / "psql", "-h", sockets, "-U", "postgres", "-c", "SELECT 1"],
            cwd="/",
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert "Permission denied" in done.stderr
    server.release()
    assert sockets == folder or not sockets.exists()


def test_a_role_other_than_the_superuser_needs_its_password(
    folder: Path, start: Callable[[Path], EmbeddedPostgres]
) -> None:
    (folder / "pg_hba.conf").write_text("local all all trust\n")  # as earlier versions had it
    server = start(folder)
    query(server, "CREATE ROLE other LOGIN SUPERUSER PASSWORD 'right'")
    assert query(server, "SELECT current_user", user="other", password="right") == "other"
    with pytest.raises(asyncpg.InvalidPasswordError):
        query(server, "SELECT 1", user="other", password="wrong")


@pytest.mark.slow
def test_a_server_that_was_started_otherwise_is_replaced(
    folder: Path, start: Callable[[Path], EmbeddedPostgres]
) -> None:
    first = start(folder)
    postgres = programs(first) / "postgres"
    first.release()
    (folder / "pg_hba.conf").write_text("local all all trust\n")
    owner = folder.stat()
    inherited = os.open(folder, os.O_RDONLY)
    earlier = subprocess.Popen(
        [postgres, "-D", f"/proc/self/fd/{inherited}", "-c", "listen_addresses=", "-k", "."],
        pass_fds=[inherited],
        user=owner.st_uid,
        group=owner.st_gid,
        stderr=subprocess.DEVNULL,
    )
    os.close(inherited)
    while "ready" not in pid_file(folder):
        assert earlier.poll() is None
    server = start(folder)
    assert earlier.wait(30) == 0
    assert server.pid not in {None, earlier.pid}


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another account")
def test_programs_that_the_account_cannot_read_are_copied(
    folder: Path, start: Callable[[Path], EmbeddedPostgres], monkeypatch: pytest.MonkeyPatch
) -> None:
    may_enter = Account.may_enter

    def refuse_installed(account: Account, path: Path) -> bool:
        return "pginstall18" not in path.parts and may_enter(account, path)

    monkeypatch.setattr(Account, "may_enter", refuse_installed)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as cache:
        Path(cache).chmod(0o755)
        monkeypatch.setattr(embedded_postgres, "PROGRAM_CACHE", Path(cache, "emall"))
        server = start(folder)
        assert programs(server).is_relative_to(cache)
        assert query(server, "SELECT 1") == 1
        server.release()


def test_a_folder_of_another_version_is_told_in_a_sentence(folder: Path) -> None:
    (folder / "PG_VERSION").write_text("16\n")
    done = emall("run", environment=environment_of(None, folder.parent))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    message = done.stderr.splitlines()[-1]
    assert message.startswith(f"Error: {folder} was made by PostgreSQL 16 and this hub brings")
    assert "emall restore" in message


def test_a_folder_without_postgresql_is_told_and_kept(place: Path) -> None:
    folder = place / "postgres"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(EmbeddedPostgresError, match="move it away"):
        EmbeddedPostgres(folder).ensure_running()
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_server_that_does_not_start_says_why(folder: Path) -> None:
    with (folder / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match=r"configuration file .* contains errors"):
        EmbeddedPostgres(folder).ensure_running()
