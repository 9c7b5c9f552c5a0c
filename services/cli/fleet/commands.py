"""`emall fleet`: many hubs from one list."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.console import echo_err

if TYPE_CHECKING:
    from services.cli.fleet.definition import Fleet

app = typer.Typer(help="Many hubs from one list.", no_args_is_help=True)
ListFile = Annotated[
    Path, typer.Argument(help="The list of hubs (YAML).", exists=True, dir_okay=False)
]
EXIT_CODES = {"ok": 0, "warning": 1, "error": 2}
"""As monitoring plugins exit: fine, warning, critical."""


@app.command("render")
def render(
    list_file: ListFile,
    to: Annotated[Path, typer.Option("--to", help="Folder to write to, such as deploy/fleet/out.")],
) -> None:
    """Write a compose file and manifests for kustomize, one hub for each regency of the list."""
    from services.cli.fleet.rendering import render as write

    fleet = _read(list_file)
    try:
        files = write(fleet, to)
    except OSError as error:
        echo_err(f"Error: {error}")
        raise typer.Exit(1) from None
    typer.echo(f"{len(fleet.hubs)} hubs: {len(files)} files written to {to}.")


@app.command("status")
def status(
    list_file: ListFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=60, help="Seconds that a hub has for its answer.")
    ] = 5,
    local: Annotated[
        bool, typer.Option("--local", help="Ask the hubs at their ports of this machine.")
    ] = False,
) -> None:
    """Ask every hub for its state; exit with 0 (fine), 1 (warnings) or 2 (errors)."""
    from pydantic import TypeAdapter

    from services.cli.fleet.status import HubState, ask_hubs

    fleet = _read(list_file)
    states = asyncio.run(ask_hubs(fleet.hubs, seconds=seconds, local=local))
    if as_json:
        typer.echo(TypeAdapter(list[HubState]).dump_json(states, indent=2).decode())
    else:
        for state in states:
            typer.echo(
                f"{state.severity:8}{state.code:7}{state.name}  {state.version or '-'}  "
                f"{state.address}"
            )
            for finding in state.findings:
                typer.echo(f"        {finding}")
        well = sum(state.severity == "ok" for state in states)
        typer.echo(f"{well} of {len(states)} hubs are fine.")
    raise typer.Exit(max(EXIT_CODES[state.severity] for state in states))


@app.command("run")
def run(
    list_file: ListFile,
    data: Annotated[
        Path, typer.Option(help="Folder of the hubs' data, and of PostgreSQL if it is embedded.")
    ] = Path(".data/fleet"),
    database_url: Annotated[
        str | None,
        typer.Option(
            envvar="EMALL_FLEET_DATABASE_URL",
            help="URL of the shared PostgreSQL as superuser; default: the embedded one.",
        ),
    ] = None,
) -> None:
    """Run the hubs as processes of this machine on one PostgreSQL; SIGHUP applies the list anew."""
    from services.cli.fleet.processes import FleetProcesses

    fleet = _read(list_file)
    if without := [hub.code for hub in fleet.hubs if hub.port is None]:
        echo_err(f"Error: {list_file}: these hubs have no port: {', '.join(without)}.")
        raise typer.Exit(1)
    if database_url is None:
        from services.platform.database import embedded_url

        try:
            database_url = embedded_url(data)
        except OSError as error:
            echo_err(f"Error: {error}")
            raise typer.Exit(1) from None
    FleetProcesses(list_file, data.resolve(), database_url, echo_err).run()


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of a list, for editors."""
    from services.cli.fleet.definition import fleet_schema

    typer.echo(fleet_schema(), nl=False)


def _read(list_file: Path) -> "Fleet":
    from services.cli.fleet.definition import read_fleet
    from services.platform.packs import PackError

    try:
        return read_fleet(list_file)
    except PackError as error:
        for issue in error.issues:
            echo_err(str(issue))
        echo_err(f"{len(error.issues)} errors.")
        raise typer.Exit(1) from None
