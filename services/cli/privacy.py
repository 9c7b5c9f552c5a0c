"""`emall privacy report` and `emall prune`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.console import echo_err, run_async
from services.platform.settings import Service, Settings, load_settings

if TYPE_CHECKING:
    from services.feedback.comments.retention import CommentRetentionResult
    from services.feedback.events.partitions import RetentionResult
    from services.gateway.audit.months import MaintenanceResult

app = typer.Typer(help="Personal data that the hub stores.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """List personal data that the hub stores."""


@app.command("report")
def report(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the personal data per table: purpose, legal basis, retention, number and age of rows."""
    from services.privacy import format_report, privacy_report

    stored = run_async(privacy_report(load_settings(), now=datetime.now(UTC)))
    typer.echo(stored.model_dump_json(indent=2) if as_json else format_report(stored))


def prune() -> None:
    """Delete events, contacts, texts and audit lines past their retention.

    The services do it hourly. Drops usage events by whole months (the counts remain), closes
    inactive cases, and erases contact details and texts of comments. Audit lines are dropped by
    months whose head is signed.
    """
    settings = load_settings()
    audit = run_async(_prune_audit(settings))
    for month in audit.dropped:
        typer.echo(f"audit {month:%Y-%m}")
    echo_err(
        f"Signed the heads of {len(audit.signed)} months of the audit log and dropped "
        f"{len(audit.dropped)}."
    )
    months, comments = run_async(_prune(settings))
    echo_err(
        f"Closed {comments.closed} inactive cases; erased {comments.contacts} contacts and the "
        f"texts of {comments.texts} comments."
    )
    if months is None:
        echo_err("Events were not pruned: another process is pruning them.")
        return
    for partition in months.partitions:
        typer.echo(partition)
    echo_err(
        f"Dropped {len(months.partitions)} months of events and {months.ids_deleted} event ids; "
        f"events since {months.oldest_month:%Y-%m} remain."
    )


async def _prune_audit(settings: Settings) -> "MaintenanceResult":
    """Where the gateway's private key is not, nothing is signed."""
    from services.gateway.audit.months import AuditMonths
    from services.platform.database import Database
    from services.platform.identity import load_private_key

    file = settings.private_key_file
    database = Database(settings, Service.gateway)
    try:
        return await AuditMonths(
            database,
            settings.region,
            load_private_key(file) if file.exists() else None,
            retention_months=settings.audit_retention_months,
        ).maintain(now=datetime.now(UTC))
    finally:
        await database.close()


async def _prune(settings: Settings) -> "tuple[RetentionResult | None, CommentRetentionResult]":
    from services.feedback.comments.retention import prune_comments
    from services.feedback.events.partitions import apply_retention
    from services.platform.database import Database
    from services.platform.local_time import LocalTime

    database = Database(settings, Service.feedback)
    local_time = LocalTime(database, Service.feedback, settings.region)
    try:
        await local_time.refresh()
        async with database.write_session() as session:
            comments = await prune_comments(
                session,
                settings.region,
                now=datetime.now(UTC),
                zone=local_time.zone,
                retention_months=settings.comment_retention_months,
            )
    finally:
        await database.close()
    connection = await database.connect(purpose="retention")
    try:
        months = await apply_retention(
            connection,
            settings.region,
            local_time.zone,
            now=datetime.now(UTC),
            retention_months=settings.event_retention_months,
        )
        return months, comments
    finally:
        await connection.close()
