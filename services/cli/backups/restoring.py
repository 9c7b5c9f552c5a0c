"""Restores an archive: verifies it, then replaces database, keys and pack, or changes nothing."""

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from sqlalchemy import Connection, text

from services.cli.backups.archive import open_stream, read_archive
from services.cli.backups.contents import (
    SCHEMAS,
    key_targets,
    server_major,
    unknown_revisions,
)
from services.cli.backups.errors import BackupError
from services.cli.backups.making import STOP_SECONDS, last_line
from services.cli.backups.manifest import Manifest
from services.cli.backups.owner import owner_connection
from services.cli.backups.programs import Programs, environment, find_programs
from services.platform.database import direct_address, owner_url
from services.platform.database_address import DatabaseAddress
from services.platform.installation_roles import plan_roles, role_name
from services.platform.migrations import MIGRATION_LOCK
from services.platform.settings import Service, Settings

NEW = ".restored"
"""Ending of a key's file while the database is not restored yet."""

_SESSIONS = """
-- Other sessions in this database; of those of other accounts the names may be hidden.
SELECT coalesce(nullif(application_name, ''), 'process ' || pid) AS name
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND coalesce(backend_type, 'client backend') = 'client backend'
ORDER BY 1 LIMIT 5
"""

_CONTENT = """
-- What is in the database beside PostgreSQL's own objects and those of extensions.
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
UNION ALL
SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname = ANY (:schemas)
ORDER BY 1 LIMIT 1
"""


@dataclass(frozen=True)
class Verified:
    """An archive that is whole."""

    manifest: Manifest
    files: dict[str, bytes]


@dataclass(frozen=True)
class Restored:
    """What a restore did beside the database."""

    manifest: Manifest
    pack: Path | None
    moved: list[Path]
    """Files that were in the place of others, under their new names."""


def verify_archive(file: BinaryIO, passphrase: bytes | None) -> Verified:
    """Read an archive to its end; raise `BackupError` if anything of it was changed."""
    file.seek(0)
    return Verified(*read_archive(open_stream(file, passphrase), on_dump=lambda _: None))


async def restore_archive(
    settings: Settings, file: BinaryIO, *, passphrase: bytes | None, replace: bool
) -> Restored:
    """Restore an archive into the database and the data folder of these settings.

    It blocks: nothing else runs in the process, and a signal ends it where it is.

    Raises:
        BackupError: The archive is damaged or does not fit, or PostgreSQL refused it. Nothing was
            changed.
        RolesError: The roles cannot be made. Nothing was changed.
    """
    verified = verify_archive(file, passphrase)
    manifest = verified.manifest
    _check_origin(settings, manifest)
    targets = key_targets(settings, verified.files)
    folder = None if manifest.pack is None else settings.data_dir / "packs" / manifest.pack
    occupied = [path for path, content in targets.items() if _differs(path, content)]
    if occupied and not replace:
        raise BackupError(
            f"{', '.join(map(str, occupied))}: another key is there; move it away, or pass "
            "--replace, which keeps it under another name"
        )
    address = direct_address(settings, owner_url(settings))
    async with owner_connection(address, "restore") as connection:
        plan = await connection.run_sync(_plan, settings, manifest, replace)
        # The roles were made on trial only.
        await connection.rollback()
    with ExitStack() as stack:
        for path, content in targets.items():
            stack.enter_context(_staged(path, content))
        _load(address, plan, file, passphrase, manifest)
        # From here on the data is restored; what remains are names of files.
        moved = [_put(path, path in occupied) for path in targets]
    pack = None if folder is None else _unpack(folder, verified.files["pack.tar"])
    return Restored(manifest, pack, [path for path in moved if path is not None])


def _check_origin(settings: Settings, manifest: Manifest) -> None:
    if manifest.region != settings.region:
        raise BackupError(
            f"the backup is of region {manifest.region}, and EMALL_REGION is {settings.region}"
        )
    if unknown_revisions(manifest.revisions):
        raise BackupError(
            f"the backup was made by a newer emall ({manifest.emall}, {manifest.commit}); restore "
            "it with that version or a later one"
        )


@dataclass(frozen=True)
class _Plan:
    programs: Programs
    before: list[str]
    """Statements before those of the dump, in the same transaction."""
    prefix: str


def _plan(connection: Connection, settings: Settings, manifest: Manifest, replace: bool) -> _Plan:
    """Check the target; return what is to be executed. The transaction is rolled back."""
    major = server_major(connection)
    if major < manifest.pg_dump:
        raise BackupError(
            f"the backup was made by pg_dump of PostgreSQL {manifest.pg_dump}, from a server of "
            f"version {manifest.postgresql}, and this server is of version {major}; restore it "
            f"into PostgreSQL {manifest.pg_dump} or later"
        )
    programs = find_programs(max(major, manifest.pg_dump), embedded=settings.database_url is None)
    sessions = [str(name) for name in connection.scalars(text(_SESSIONS))]
    if sessions:
        raise BackupError(
            f"the database is in use by {', '.join(sessions)}; stop the hub and everything else "
            "that is connected first"
        )
    found = connection.scalar(text(_CONTENT), {"schemas": SCHEMAS})
    if found is not None and not replace:
        raise BackupError(
            f"the database is not empty: it holds {found}; restore into an empty one, or pass "
            "--replace, which deletes what the hub stored there"
        )
    with_login = {service for service in Service if settings.service_database_url(service)}
    prefix, roles = plan_roles(connection, settings.role_prefix, with_login=with_login)
    before = [f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"]
    if replace:
        before += [
            f"DROP SCHEMA IF EXISTS {', '.join(SCHEMAS)} CASCADE",
            "DROP TABLE IF EXISTS public.alembic_version",
        ]
    return _Plan(programs, [*before, *roles], prefix)


def _rights(manifest: Manifest, prefix: str) -> list[str]:
    """Return the statements that give the roles of this installation the rights in the backup."""
    names = {service: role_name(prefix, service) for service in Service}
    statements = [f"REVOKE ALL ON {object_} FROM PUBLIC" for object_ in manifest.objects]
    statements += [
        f"GRANT {right.privilege} ON {right.object} TO "
        f"{'PUBLIC' if right.role == 'public' else names[right.role]}"
        for right in manifest.rights
    ]
    statements += [
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {right.schema_name} GRANT {right.privilege} ON "
        f"{right.objects} TO {names[right.role]}"
        for right in manifest.default_rights
    ]
    return statements


def _load(
    address: DatabaseAddress,
    plan: _Plan,
    file: BinaryIO,
    passphrase: bytes | None,
    manifest: Manifest,
) -> None:
    """Execute the dump in one transaction, which is committed only if all of it was read."""
    restore = [
        plan.programs.path("pg_restore"),
        *("--no-owner", "--no-privileges", "--file=-"),
    ]
    execute = [
        plan.programs.path("psql"),
        *("--no-password", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"),
    ]
    with (
        tempfile.TemporaryFile() as restore_errors,
        tempfile.TemporaryFile() as errors,
        _running(execute, address, errors, stdout=subprocess.DEVNULL) as psql,
    ):
        failure: str | None = None
        try:
            _send(psql, ["BEGIN", *plan.before])
            with _running(
                restore,
                address,
                restore_errors,
                stdout=psql.stdin,
            ) as reader:
                _feed(reader, file, passphrase, manifest)
                if reader.wait() != 0:
                    failure = f"pg_restore failed: {last_line(restore_errors)}"
            if failure is None:
                _send(psql, [*_rights(manifest, plan.prefix), "COMMIT"])
        except BrokenPipeError:
            failure = "psql ended early"
        _close(psql)
        # What ends without COMMIT is rolled back; what psql says comes before what follows of it.
        if psql.wait() != 0:
            failure = f"PostgreSQL refused the data: {last_line(errors)}"
        if failure is not None:
            raise BackupError(failure)


def _send(psql: "subprocess.Popen[bytes]", statements: Sequence[str]) -> None:
    assert psql.stdin is not None  # noqa: S101
    psql.stdin.write("".join(f"{statement};\n" for statement in statements).encode())
    psql.stdin.flush()


def _close(program: "subprocess.Popen[bytes]") -> None:
    """End a program's input; it may have ended before."""
    assert program.stdin is not None  # noqa: S101
    with suppress(BrokenPipeError):
        program.stdin.close()


def _feed(
    reader: "subprocess.Popen[bytes]",
    file: BinaryIO,
    passphrase: bytes | None,
    manifest: Manifest,
) -> None:
    """Give `pg_restore` the dump; raise if it is not the one that was verified."""
    assert reader.stdin is not None  # noqa: S101
    file.seek(0)
    try:
        again, _ = read_archive(open_stream(file, passphrase), on_dump=reader.stdin.write)
    except BrokenPipeError:
        return  # its exit code says that it failed
    _close(reader)
    if again != manifest:
        raise BackupError("it was changed while it was read")


@contextmanager
def _running(
    command: Sequence[str],
    address: DatabaseAddress,
    errors: BinaryIO,
    *,
    stdout: object,
) -> Generator["subprocess.Popen[bytes]"]:
    """Run a program until the block ends; if that is by an error, kill it."""
    program = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.PIPE,
        stdout=cast("BinaryIO", stdout),
        stderr=errors,
        env=environment(address),
    )
    try:
        yield program
    finally:
        if program.poll() is None:
            program.kill()
            program.wait(STOP_SECONDS)


def _differs(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() != content


@contextmanager
def _staged(path: Path, content: bytes) -> Generator[None]:
    """Write a key beside its place, and remove it if the block does not put it there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(path.name + NEW)
    new.unlink(missing_ok=True)
    mode = 0o644 if b"PUBLIC KEY" in content else 0o600
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        yield
    finally:
        new.unlink(missing_ok=True)


def _put(path: Path, occupied: bool) -> Path | None:
    """Put a staged key in its place; return the new name of the one that was there."""
    kept: Path | None = None
    if occupied:
        kept = path.with_name(f"{path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}")
        path.rename(kept)
    path.with_name(path.name + NEW).rename(path)
    return kept


def _unpack(folder: Path, archive: bytes) -> Path:
    """Put the pack into this folder, in the place of what is there."""
    new = folder.with_name(folder.name + NEW)
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    with tarfile.open(fileobj=BytesIO(archive), mode="r:") as tar:
        tar.extractall(new, filter="data")
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
    return folder
