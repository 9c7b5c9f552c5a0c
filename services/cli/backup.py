"""`emall backup` and `emall restore`."""

import signal
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.console import echo_err, run_async
from services.cli.server import exit_on_sigterm
from services.platform.settings import KeyName, Service, Settings, load_settings

if TYPE_CHECKING:
    from services.cli.backups.making import Made
    from services.cli.backups.manifest import Manifest
    from services.platform.database import WriteSession

MIN_PASSPHRASE = 12
ENDED = 128 + signal.SIGTERM
"""Exit status of a backup or a restore that was told to end: it is not done."""

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        help="File with the passphrase of the archive.", exists=True, dir_okay=False, readable=True
    ),
]


def backup(
    file: Annotated[Path, typer.Argument(help="Archive to write; must not exist.")],
    passphrase_file: PassphraseFile = None,
    without_key: Annotated[
        list[KeyName] | None,
        typer.Option(help="A key that is backed up by other means; repeatable."),
    ] = None,
) -> None:
    """Write the database, the keys and the pack into one archive, also while the hub serves.

    The data are those of one moment. Settings (EMALL_...) are not part of it.
    """
    from services.cli.backups.errors import BackupError
    from services.cli.backups.making import make_backup

    exit_on_sigterm(ENDED)
    settings = _owner_settings()
    passphrase = None if passphrase_file is None else _read_passphrase(passphrase_file)
    if not file.parent.is_dir():
        echo_err(f"Error: {file.parent} is no folder.")
        raise typer.Exit(2)
    try:
        made = run_async(
            make_backup(settings, file, passphrase=passphrase, excluded=set(without_key or ()))
        )
    except BackupError as error:
        echo_err(f"Error: {error}. No backup was made.")
        raise typer.Exit(1) from None
    typer.echo(file)
    echo_err(f"Wrote {made.size:,} bytes: {_describe(made.manifest)}.")
    if passphrase is None and made.manifest.keys:
        echo_err(
            "The archive is not encrypted and holds the hub's private keys: whoever reads it can "
            "read contacts of citizens. Use --passphrase-file, and store the passphrase elsewhere."
        )
    run_async(_record_backup(settings, file.name, made, is_encrypted=passphrase is not None))


def restore(
    file: Annotated[
        Path, typer.Argument(help="Archive of `emall backup`.", exists=True, dir_okay=False)
    ],
    passphrase_file: PassphraseFile = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Delete what the hub stored in the database before."),
    ] = False,
) -> None:
    """Restore an archive into an empty database and data folder, or nothing at all.

    The hub must not run. Afterwards the database is migrated to this version of the hub.
    """
    from services.cli.backups.errors import BackupError
    from services.cli.backups.restoring import restore_archive
    from services.platform.migrations import migrate

    exit_on_sigterm(ENDED)
    settings = _owner_settings()
    passphrase = None if passphrase_file is None else _read_passphrase(passphrase_file)
    try:
        with file.open("rb") as archive:
            restored = run_async(
                restore_archive(settings, archive, passphrase=passphrase, replace=replace)
            )
    except BackupError as error:
        echo_err(f"Error: {file}: {error}. Nothing was restored, and nothing was changed.")
        raise typer.Exit(1) from None
    echo_err(f"Restored {_describe(restored.manifest)}.")
    for moved in restored.moved:
        echo_err(f"The key that was there before is {moved} now.")
    run_async(migrate(settings))
    run_async(_record_restore(settings, restored.manifest.made_at))
    for name in restored.manifest.keys_excluded:
        echo_err(f"The {name} key is not in the archive: put it in its place.")
    pack = "" if restored.pack is None else f" --pack {restored.pack}"
    echo_err(f"Next: check with `emall doctor`, then start the hub: `emall run{pack}`, or `serve`.")


async def _record_backup(
    settings: Settings, name: str, made: "Made", *, is_encrypted: bool
) -> None:
    from services.cli.audit import audit_command
    from services.cli.database import in_gateway_transaction
    from services.gateway.hub_status.backups import Backup, record_backup

    async def record(session: "WriteSession", now: datetime) -> None:
        done = Backup(made.manifest.made_at, made.size, is_encrypted)
        await record_backup(session, settings.region, done)
        target = f"{name}: {made.size} bytes"
        await audit_command(session, settings.region, "backup", target, now=now)

    await in_gateway_transaction(settings, record)


async def _record_restore(settings: Settings, made_at: datetime) -> None:
    from services.cli.audit import audit_command
    from services.cli.database import in_gateway_transaction

    async def record(session: "WriteSession", now: datetime) -> None:
        target = f"backup of {made_at.isoformat(timespec='seconds')}"
        await audit_command(session, settings.region, "restore", target, now=now)

    await in_gateway_transaction(settings, record)


def _owner_settings() -> Settings:
    """Return the settings; exit with 2 if they name the services' databases but no owner's."""
    settings = load_settings()
    named = any(settings.service_database_url(service) for service in Service)
    if named and settings.database_url is None:
        echo_err("Error: set EMALL_DATABASE_URL to the URL of the database's owner.")
        raise typer.Exit(2)
    return settings


def _read_passphrase(file: Path) -> bytes:
    """Return the first line of a file."""
    passphrase = file.read_bytes()[:4096].partition(b"\n")[0].rstrip(b"\r")
    if len(passphrase) < MIN_PASSPHRASE:
        echo_err(f"Error: {file}: a passphrase has at least {MIN_PASSPHRASE} bytes, on one line.")
        raise typer.Exit(2)
    return passphrase


def _describe(manifest: "Manifest") -> str:
    keys = ", ".join(manifest.keys) or "none"
    return (
        f"the database of region {manifest.region} at {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC "
        f"(emall {manifest.emall}, PostgreSQL {manifest.postgresql}), the keys {keys}, and "
        f"{'no pack' if manifest.pack is None else f'the pack {manifest.pack}'}"
    )
