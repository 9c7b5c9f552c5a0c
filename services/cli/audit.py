"""`emall audit verify`, and the audit lines of commands."""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.console import echo_err, run_async
from services.platform.settings import Service, Settings, load_settings

if TYPE_CHECKING:
    from services.platform.database import WriteSession

app = typer.Typer(help="The hash-chained log of every write.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Check the hash-chained log of every write."""


async def audit_command(
    session: "WriteSession",
    region: str,
    command: str,
    target: str,
    *,
    now: datetime,
    agency: str | None = None,
) -> None:
    """Append what a command did to the audit log, in the command's own transaction."""
    from services.gateway.audit.chain import AuditEntry
    from services.gateway.audit.records import insert_entries
    from services.platform.ids import new_id

    entry = AuditEntry(
        at=now,
        key_id="command-line",
        agency=agency,
        action=command,
        target=target,
        status=None,
        problem=None,
        request_id=str(new_id()),
        body_hash=None,
    )
    await insert_entries(session, region, [entry])


@app.command("verify")
def verify(
    expect: Annotated[
        str | None,
        typer.Option(help="Hash printed by an earlier run; the log must still contain it."),
    ] = None,
) -> None:
    """Recompute the hash chain of the audit log and report the first line that differs."""
    if expect is not None and not re.fullmatch(r"[0-9a-f]{64}", expect):
        echo_err("Error: --expect takes a hash of 64 hexadecimal digits, as this command prints.")
        raise typer.Exit(2)
    fault, lines, head = run_async(_verify(load_settings(), expect))
    if fault is not None:
        typer.echo(fault)
        echo_err(f"The audit log is not intact; the {lines} lines before this one are.")
        raise typer.Exit(1)
    typer.echo(head)
    echo_err(
        f"Verified {lines} lines. Store this hash elsewhere and pass it to --expect next time."
    )


async def _verify(settings: Settings, expected: str | None) -> tuple[str | None, int, str]:
    """Return the first fault (None if intact), the number of valid lines and the last hash."""
    from services.gateway.audit.chain import ChainVerifier
    from services.gateway.audit.records import iter_entries
    from services.platform.database import Database

    database = Database(settings, Service.gateway)
    check = ChainVerifier(settings.region, expected=expected)
    try:
        async with database.read_session() as session:
            async for line in iter_entries(session, settings.region):
                if (fault := check.verify_next(line)) is not None:
                    return fault, check.verified, check.head
    finally:
        await database.close()
    return check.verify_end(), check.verified, check.head
