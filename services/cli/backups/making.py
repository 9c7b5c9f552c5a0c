"""Makes a backup: a dump of one snapshot, streamed with the keys and the pack into an archive."""

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from sqlalchemy import text

from services.cli.backups.archive import ArchiveWriter, open_stream, read_archive
from services.cli.backups.contents import DatabaseState, read_keys, read_state
from services.cli.backups.encryption import EncryptedWriter
from services.cli.backups.errors import BackupError
from services.cli.backups.manifest import Manifest, Part
from services.cli.backups.owner import owner_connection
from services.cli.backups.programs import Programs, environment, find_programs
from services.platform.database import direct_address, owner_url
from services.platform.database_address import DatabaseAddress
from services.platform.settings import KeyName, Settings
from services.platform.version import VERSION, git_commit

STOP_SECONDS = 10


@dataclass(frozen=True)
class Made:
    """A complete archive."""

    manifest: Manifest
    size: int


async def make_backup(
    settings: Settings, file: Path, *, passphrase: bytes | None, excluded: set[KeyName]
) -> Made:
    """Write an archive of the installation, and read it again.

    While it is written it is beside the file, as `FILE.part`. It blocks: nothing else runs in the
    process, and a signal ends it where it is.

    Raises:
        BackupError: The file exists, a key is missing, there is no `pg_dump` of a fitting version,
            or it failed.
    """
    address = direct_address(settings, owner_url(settings))
    with _part_file(file) as output:
        async with owner_connection(address, "backup") as connection:
            await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            # The dump may take longer than the server lets a transaction rest.
            await connection.execute(text("SET idle_in_transaction_session_timeout = 0"))
            state = await connection.run_sync(read_state, settings.region)
            programs = find_programs(state.server_major, embedded=settings.database_url is None)
            snapshot = await connection.scalar(text("SELECT pg_export_snapshot()"))
            made_at = datetime.now(UTC)
            keys = read_keys(settings, state.fingerprints, excluded)
            content = _Content(settings, address, state, programs, str(snapshot), made_at, *keys)
            manifest = _write(output, content, passphrase, sorted(excluded))
        output.flush()
        os.fsync(output.fileno())
        size = output.tell()
        output.seek(0)
        read_archive(open_stream(output, passphrase), on_dump=lambda _: None)
    return Made(manifest, size)


@contextmanager
def _part_file(file: Path) -> Generator[BinaryIO]:
    """Open `FILE.part`; give it the name of the file if the block ends without an error."""
    if file.exists():
        raise BackupError(f"{file} exists; give another name, or move it away")
    part = file.with_name(f"{file.name}.part")
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w+b") as output:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"another backup is writing {part}") from None
        try:
            output.truncate()
            os.fchmod(descriptor, 0o600)
            yield output
            part.rename(file)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@dataclass(frozen=True)
class _Content:
    settings: Settings
    address: DatabaseAddress
    state: DatabaseState
    programs: Programs
    snapshot: str
    made_at: datetime
    key_files: dict[str, bytes]
    keys: dict[KeyName, str]


def _write(
    output: BinaryIO, content: _Content, passphrase: bytes | None, excluded: list[KeyName]
) -> Manifest:
    encrypted = None if passphrase is None else EncryptedWriter(output, passphrase)
    archive = ArchiveWriter(output if encrypted is None else cast("BinaryIO", encrypted))
    database = _dump(archive, content)
    for name, key in content.key_files.items():
        archive.add_file(name, key)
    state = content.state
    if state.pack is not None:
        archive.add_file("pack.tar", state.pack[1])
    manifest = Manifest(
        made_at=content.made_at,
        emall=VERSION,
        commit=git_commit(),
        region=content.settings.region,
        revisions=state.revisions,
        postgresql=state.server_major,
        pg_dump=content.programs.major,
        objects=state.objects,
        rights=state.rights,
        default_rights=state.default_rights,
        database=database,
        files=archive.files,
        keys=content.keys,
        keys_excluded=excluded,
        pack=None if state.pack is None else state.pack[0],
    )
    archive.finish(manifest)
    if encrypted is not None:
        encrypted.finish()
    return manifest


def _dump(archive: ArchiveWriter, content: _Content) -> Part:
    command = [
        content.programs.path("pg_dump"),
        *("--no-password", "--format=custom", f"--snapshot={content.snapshot}"),
    ]
    with tempfile.TemporaryFile() as errors:
        running = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment(content.address),
        )
        try:
            assert running.stdout is not None  # noqa: S101
            part = archive.add_dump(cast("BinaryIO", running.stdout))
            code = running.wait()
        finally:
            if running.poll() is None:
                running.kill()
                running.wait(STOP_SECONDS)
        if code != 0:
            raise BackupError(f"pg_dump failed: {last_line(errors)}")
    return part


def last_line(errors: BinaryIO) -> str:
    """Return the last line that a program wrote about what went wrong."""
    end = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, end - 4096))
    lines = errors.read().decode(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    failures = [line for line in said if "error" in line.lower() or "fatal" in line.lower()]
    return ((failures or said or ["it said nothing"])[-1]).rstrip(".")
