"""The installation's own keys on the command line: checked before a hub starts, and accepted."""

from collections.abc import Collection
from datetime import UTC, datetime

import typer

from services.cli.console import echo_err, run_async, summarise
from services.platform.settings import KeyName, Service, Settings


def require_keys(settings: Settings, services: Collection[Service]) -> None:
    """Check the keys of these services, and create those that were never used; exit with 1 if not.

    Without the database it cannot be told whether a key was used: then they must all exist.
    """
    from services.platform.installation_keys import KEYS_OF, KeyMismatchError, key_file

    try:
        unavailable = run_async(_settle(settings, services))
    except KeyMismatchError as error:
        for mismatch in error.mismatches:
            echo_err(f"Error: {mismatch}.")
        raise typer.Exit(1) from None
    if unavailable is None:
        return
    files = {key_file(settings, name, one) for one in services for name in KEYS_OF[one]}
    if missing := sorted(str(file) for file in files if not file.exists()):
        echo_err(
            f"Error: {', '.join(missing)}: no such key, and whether it was used before is in the "
            f"database, which is unavailable: {unavailable}."
        )
        raise typer.Exit(1)
    echo_err(f"Warning: the keys were not checked: {unavailable}.")


async def _settle(settings: Settings, services: Collection[Service]) -> str | None:
    """Check and create keys; return why the database could not be asked, else None."""
    from services.platform.database import DATABASE_ERRORS, Database
    from services.platform.installation_keys import KeyMismatch, KeyMismatchError, settle_keys

    unavailable: str | None = None
    mismatches: list[KeyMismatch] = []
    for service in services:
        database = Database(settings, service)
        try:
            await settle_keys(database, settings, service, now=datetime.now(UTC))
        except KeyMismatchError as error:
            mismatches += error.mismatches
        except DATABASE_ERRORS as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise  # of a key's file
            unavailable = summarise(error)
        finally:
            await database.close()
    if mismatches:
        # The gateway and the services read two halves of the identity, which fail together.
        named = {(each.name, each.file): each for each in mismatches}
        raise KeyMismatchError(list(named.values()))
    return unavailable


async def accept_key(settings: Settings, name: KeyName) -> tuple[str | None, str]:
    """Record the key in its file, made anew if it is missing, as that of the installation.

    Return the fingerprints of the key that was recorded before, if any, and of the new one.
    """
    from services.cli.audit import audit_command
    from services.platform.database import Database
    from services.platform.installation_keys import (
        KEYS_OF,
        create_missing_key,
        fingerprint_of,
        key_file,
        read_fingerprints,
        record_fingerprint,
    )

    create_missing_key(settings, name)
    new, now = fingerprint_of(key_file(settings, name)), datetime.now(UTC)
    old: str | None = None
    # The gateway last, whose audit line says that it was done everywhere.
    for service in sorted(Service, key=lambda one: one is Service.gateway):
        database = Database(settings, service)
        try:
            async with database.write_session() as session:
                if name in KEYS_OF[service]:
                    recorded = await read_fingerprints(session, settings.region, service)
                    old = old or (recorded or {}).get(name)
                    await record_fingerprint(
                        session, settings.region, service, name, new, now=now, replace=True
                    )
                if service is Service.gateway:
                    target = f"{name}: {(old or 'none')[:16]} replaced by {new[:16]}"
                    await audit_command(session, settings.region, "keys accept", target, now=now)
        finally:
            await database.close()
    return old, new
