"""`emall jobs`: what the background jobs did last, and what their receivers refused."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.console import echo_err, run_async
from services.platform.settings import Service, Settings, load_settings

if TYPE_CHECKING:
    from services.platform.database import Database
    from services.platform.job_status import JobStatus
    from services.platform.jobs import BackgroundJob, RefusedAction, RefusedItem

app = typer.Typer(
    help="Background jobs: last run, backlog, and items that were refused.",
    invoke_without_command=True,
)

SHOWN = 20
"""Refused items of a job that the table shows; `--json` has all."""
_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))


@app.callback()
def jobs(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the background jobs: last run, next run, last failure, backlog, refused items."""
    if context.invoked_subcommand is not None:
        return
    statuses = run_async(read_statuses(load_settings()))
    if as_json:
        rows = [status.model_dump() for status in statuses]
        typer.echo(json.dumps(rows, default=str, indent=2))
        return
    now = datetime.now(UTC)
    table = [
        (
            "SERVICE",
            "JOB",
            "EVERY",
            "LAST SUCCESS",
            "NEXT RUN",
            "BACKLOG",
            "REFUSED",
            "LAST FAILURE",
        )
    ]
    table += [_row(status, now=now) for status in statuses]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())
    for status in statuses:
        for item in status.refused[:SHOWN]:
            at = _ago(item.refused_at, now)
            typer.echo(f"{status.job}: {item.item} was refused {at}: {item.reason}")
        if len(status.refused) > SHOWN:
            typer.echo(f"{status.job}: {len(status.refused) - SHOWN} more; --json prints all")


Names = Annotated[
    list[str],
    typer.Argument(help="Items as `emall jobs` lists them, or the name of a job for all of its."),
]


@app.command("retry")
def retry(names: Names) -> None:
    """Deliver refused items again, once their cause is mended."""
    _settle(names, "retry")


@app.command("discard")
def discard(names: Names) -> None:
    """Remove refused items for good; each is printed."""
    _settle(names, "discard")


def _settle(names: list[str], action: "RefusedAction") -> None:
    settled = run_async(settle_by_name(load_settings(), names, action))
    said = "will be delivered again" if action == "retry" else "was discarded"
    for job, items in settled.items():
        for item in items:
            typer.echo(f"{job}: {item.item} {said} (refused: {item.reason})")
    known = settled.keys() | {item.item for items in settled.values() for item in items}
    if unknown := [name for name in names if name not in known]:
        echo_err(
            f"Error: no refused item and no job with one is named {', '.join(unknown)}; "
            "`emall jobs` lists them."
        )
        raise typer.Exit(1)


async def settle_by_name(
    settings: Settings, names: list[str], action: "RefusedAction"
) -> "Mapping[str, Sequence[RefusedItem]]":
    """Retry or discard the refused items with these names, or of these jobs; return them by job.

    Jobs that deliver something are the gateway's.
    """
    from services.gateway.hub_status.refused_items import Operator, settle_refused

    settled: dict[str, Sequence[RefusedItem]] = {}
    async with (
        declared_jobs(settings, Service.gateway) as (declared, database),
        database.write_session() as session,
    ):
        for job in declared:
            if job.refused is None:
                continue
            listed = await job.refused.list(session, settings.region)
            chosen = [item for item in listed if job.name in names or item.item in names]
            if not chosen:
                continue
            settled[job.name] = await settle_refused(
                session,
                settings.region,
                job,
                chosen,
                action=action,
                operator=Operator("command-line"),
                now=datetime.now(UTC),
            )
    return settled


@asynccontextmanager
async def declared_jobs(
    settings: Settings, service: Service
) -> "AsyncGenerator[tuple[tuple[BackgroundJob, ...], Database]]":
    """Provide the background jobs that a service declares, and its database."""
    from services.platform.database import Database

    app = import_module(f"services.{service.value}.app").create_app(settings)
    database = Database(settings, service)
    try:
        yield getattr(app.state, "jobs", ()), database
    finally:
        await database.close()
        await app.state.database.close()


async def read_statuses(settings: Settings) -> "list[JobStatus]":
    """Read the last runs and the backlogs of all services that declare jobs."""
    from services.platform.job_status import read_job_statuses

    statuses: list[JobStatus] = []
    for service in Service:
        async with declared_jobs(settings, service) as (declared, database):
            if not declared:
                continue
            async with database.read_session() as session:
                statuses += await read_job_statuses(
                    session, service, declared, settings.region, shown=None
                )
    return statuses


def _row(status: "JobStatus", *, now: datetime) -> tuple[str, ...]:
    every = "continuous" if status.every_seconds is None else _span(status.every_seconds)
    failure = "-"
    if status.last_failure is not None:
        still = f"{status.failures} in a row, " if status.failures else "recovered, "
        failure = f"{_ago(status.last_failure, now)}: {still}{status.failure}"
    backlog = "-" if status.backlog is None else str(status.backlog)
    if status.backlog and status.oldest is not None:
        backlog += f" (oldest {_ago(status.oldest, now)})"
    return (
        status.service,
        status.job,
        every if status.enabled else "off",
        _ago(status.last_success, now),
        _in(status.next_run, now),
        backlog,
        "-" if status.refused_count is None else str(status.refused_count),
        failure,
    )


def _ago(at: datetime | None, now: datetime) -> str:
    return "never" if at is None else f"{_span((now - at).total_seconds())} ago"


def _in(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "-"
    return f"in {_span((at - now).total_seconds())}" if at > now else "due"


def _span(seconds: float) -> str:
    """Return a duration in its largest whole unit, such as `5 min`."""
    span = timedelta(seconds=max(seconds, 0))
    for unit, size in _UNITS:
        if span >= size:
            return f"{span // size} {unit}"
    return f"{span.total_seconds():.0f} s"
