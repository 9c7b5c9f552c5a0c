"""`emall audit verify`, and the audit lines of commands."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.console import echo_err, run_async
from services.platform.settings import Service, Settings, load_settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from services.gateway.audit.months import SignedMonth
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
    public_key: Annotated[
        list[Path] | None,
        typer.Option(
            help="Public key (PEM) of an identity key pair that was replaced, which signed "
            "months; may be given more than once.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Recompute the hash chain of the audit log and report the first line that differs.

    Lines that are due are chained before. Of months past their retention only the signed head is
    left; the chain continues from it.
    """
    from services.platform.identity import load_public_key

    if expect is not None and not re.fullmatch(r"[0-9a-f]{64}", expect):
        echo_err("Error: --expect takes a hash of 64 hexadecimal digits, as this command prints.")
        raise typer.Exit(2)
    settings = load_settings()
    files = [settings.public_key_file] if settings.public_key_file.exists() else []
    try:
        trusted = [load_public_key(file) for file in (*files, *(public_key or ()))]
    except (ValueError, TypeError) as error:
        echo_err(f"Error: {error}")
        raise typer.Exit(2) from None
    found = run_async(verify_log(settings, expect, trusted))
    if found.pruned:
        echo_err(
            f"Lines 1 to {found.pruned[-1].last_number} ({found.pruned[0].month:%Y-%m} to "
            f"{found.pruned[-1].month:%Y-%m}) are pruned: what they said cannot be verified, only "
            "the signed heads of their months."
        )
    if found.fault is not None:
        typer.echo(found.fault)
        echo_err(f"The audit log is not intact; the {found.lines} lines before this one are.")
        raise typer.Exit(1)
    typer.echo(found.head)
    echo_err(
        f"Verified {found.lines} lines and {found.signed} signed months. Store this hash elsewhere "
        "and pass it to --expect next time."
    )
    if found.pending:
        echo_err(
            f"{found.pending} lines are stored and not chained: they are not verified. Lines of "
            "citizens' writes are chained when their hour is over, others within seconds."
        )


@dataclass(frozen=True)
class Verification:
    """What `verify` found."""

    fault: str | None
    """The first fault; None if the log is intact."""
    lines: int
    """Number of intact lines that were recomputed."""
    head: str
    """Hash of the last of them."""
    signed: int
    """Number of months whose head is signed."""
    pruned: "list[SignedMonth]"
    pending: int
    """Number of lines that are not chained yet."""


async def verify_log(
    settings: Settings, expected: str | None, trusted: "list[Ed25519PublicKey]"
) -> Verification:
    """Chain what is due, then recompute what is stored, from the last pruned month on."""
    from sqlalchemy import text

    from services.gateway.audit.chain import NO_LINE, ChainVerifier, Head
    from services.gateway.audit.log import AuditLog
    from services.gateway.audit.months import (
        PRUNE_ACTION,
        list_pruned,
        list_signed,
        month_before,
        unexplained_month,
        verify_months,
    )
    from services.gateway.audit.records import count_pending, iter_entries
    from services.platform.database import Database

    region = settings.region
    database = Database(settings, Service.gateway)
    try:
        # Lines of commands, while no hub runs. On a standby nothing can be chained.
        async with database.read_session() as session:
            is_standby = await session.scalar(text("SELECT pg_is_in_recovery()"))
        if not is_standby:
            await AuditLog(database, region).chain()
        async with database.read_session() as session:
            signed = await list_signed(session, region)
            pruned = await list_pruned(session, region, signed)
            after = Head(pruned[-1].last_number, pruned[-1].head) if pruned else NO_LINE
            check = ChainVerifier(
                region,
                after=after,
                signed={month.last_number: month.head for month in signed},
                expected=expected,
            )
            fault = verify_months(region, signed, trusted)
            prunings = set[str]()
            if fault is None:
                async for line in iter_entries(session, region, after=after.number):
                    if (fault := check.verify_next(line)) is not None:
                        break
                    if line.entry.action == PRUNE_ACTION:
                        prunings.add(line.entry.target)
            pending = await count_pending(session, region)
    finally:
        await database.close()
    retained_since = month_before(datetime.now(UTC), settings.audit_retention_months)
    return Verification(
        fault=fault
        or unexplained_month(pruned, prunings, retained_since=retained_since)
        or check.verify_end(),
        lines=check.verified - after.number,
        head=check.head,
        signed=len(signed),
        pruned=pruned,
        pending=pending,
    )
