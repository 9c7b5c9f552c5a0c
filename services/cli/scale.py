"""`emall scale citus`: spread what grows with use over several servers."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.console import echo_err, run_async
from services.platform.settings import Service, Settings, load_settings

if TYPE_CHECKING:
    from services.feedback.events.distribution import TableState

app = typer.Typer(help="Spread a database over several servers.", no_args_is_help=True)


class NotReadyError(Exception):
    """The database cannot be distributed; the message says what to do."""


@app.command("citus")
def citus(
    apply: Annotated[
        bool, typer.Option("--apply", help="Run the statements, then check what they left.")
    ] = False,
) -> None:
    """Print the statements by which Citus spreads usage events, in order; or run them.

    EMALL_DATABASE_URL is the coordinator's then, as a superuser, and the database is migrated.
    """
    settings = load_settings()
    if not apply:
        typer.echo(_script(settings))
        return
    try:
        version, workers, states, faults = run_async(_apply(settings))
    except NotReadyError as error:
        echo_err(f"Error: {error}")
        raise typer.Exit(1) from None
    for state in states:
        typer.echo(f"{state.name}: {state.shards} shards, by {state.distributed_by}")
    typer.echo(f"Citus {version}, {workers} workers")
    for fault in faults:
        echo_err(f"Error: {fault}")
    if faults:
        raise typer.Exit(1)


def _script(settings: Settings) -> str:
    from services.feedback.events.distribution import distribution
    from services.platform.installation_roles import DEFAULT_PREFIX, role_name

    role = role_name(settings.role_prefix or DEFAULT_PREFIX, Service.feedback)
    return "\n\n".join(f"-- {step.reason}\n{step.statement};" for step in distribution(role=role))


async def _apply(settings: Settings) -> "tuple[str, int, list[TableState], list[str]]":
    from sqlalchemy import text

    from services.feedback.events.distribution import (
        PROBE,
        STATE,
        VERSION,
        WORKERS,
        TableState,
        distribution,
        find_faults,
    )
    from services.platform.installation_roles import ROLE_OF_SERVICE
    from services.platform.migrations import owner_connection

    async with owner_connection(settings, name="emall scale") as connection:
        version = await connection.scalar(text(VERSION))
        if version is None:
            raise NotReadyError(
                "the extension citus is not in this database; run CREATE EXTENSION citus in it on "
                "every server and citus_add_node on the coordinator first"
            )
        workers = await connection.scalar(text(WORKERS)) or 0
        if not workers:
            raise NotReadyError("the coordinator knows no worker; run citus_add_node for each")
        role = (await connection.exec_driver_sql(ROLE_OF_SERVICE, ("feedback",))).scalar()
        if role is None:
            raise NotReadyError("the database is not migrated; run `emall migrate` first")
        for step in distribution(role=role):
            await connection.exec_driver_sql(step.statement)
            await connection.commit()
        states = [TableState(**row) for row in (await connection.execute(text(STATE))).mappings()]
        await connection.exec_driver_sql(f"SET LOCAL ROLE {role}")
        await connection.execute(text(PROBE))
    return version, workers, states, find_faults(states)
