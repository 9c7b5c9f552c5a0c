"""The command `emall` and its groups of commands."""

import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from services.cli import (
    assessments,
    audit,
    backup,
    collect,
    database,
    doctor,
    jobs,
    keys,
    mock,
    packs,
    people,
    privacy,
    scale,
    server,
)
from services.cli.console import echo_err
from services.cli.fleet import commands as fleet_commands
from services.platform.logging import configure_logging
from services.platform.settings import Settings
from services.platform.version import VERSION, git_commit

app = typer.Typer(
    help="The hub of a regency's e-Mall Pelayanan Publik.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def print_version(requested: bool) -> None:
    """Print the version and the git commit, then exit."""
    if requested:
        typer.echo(f"emall {VERSION} ({git_commit()})")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=print_version,
            is_eager=True,
            help="Print the version and the git commit.",
        ),
    ] = False,
) -> None:
    """Run the hub of a regency's e-Mall Pelayanan Publik."""


app.command("run")(server.run)
app.command("serve")(server.serve)
app.command("migrate")(database.migrate)
app.command("load")(packs.load)
app.command("pack-schema")(packs.pack_schema)
app.command("assess")(assessments.assess)
app.command("verify")(assessments.verify)
app.command("collect")(collect.collect)
app.command("prune")(privacy.prune)
app.command("mock")(mock.mock)
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(packs.pack_app, name="pack")
app.add_typer(packs.export_app, name="export")
app.add_typer(packs.import_app, name="import")
app.add_typer(keys.app, name="keys")
app.add_typer(people.app, name="people")
app.add_typer(privacy.app, name="privacy")
app.add_typer(audit.app, name="audit")
app.add_typer(jobs.app, name="jobs")
app.add_typer(fleet_commands.app, name="fleet")
app.add_typer(scale.app, name="scale")


def main() -> None:
    """Run the command line; name each invalid setting and exit with 2."""
    server.collect_less_often()
    # Standard output holds only a result; an outage is reported by the command itself.
    configure_logging(level="ERROR", log_format="console", service="cli")
    try:
        app(prog_name="emall")
    except ValidationError as error:
        if error.title != Settings.__name__:
            raise
        for item in error.errors():
            message = item["msg"].removeprefix("Value error, ")
            echo_err(f"EMALL_{str(item['loc'][0]).upper()}: {message}")
        sys.exit(2)
