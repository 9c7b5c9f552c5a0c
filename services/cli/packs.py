"""`emall load` and `emall pack-schema`."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.console import echo_err, run_async
from services.platform.settings import load_settings


def load(
    pack: Annotated[
        Path,
        typer.Argument(
            help="Folder of the pack, such as packs/toba.", exists=True, file_okay=False
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the changes without storing them.")
    ] = False,
    beside_others: Annotated[
        bool,
        typer.Option(
            "--beside-other-versions",
            help="Store it although processes of another version run, which may not read it.",
        ),
    ] = False,
) -> None:
    """Validate a regency's pack, print what changes, and store it."""
    from services.cli.pack_loader import OtherVersionsError, load_pack
    from services.platform.packs import PackError

    try:
        changes = run_async(
            load_pack(load_settings(), pack, dry_run=dry_run, beside_others=beside_others)
        )
    except PackError as error:
        for issue in error.issues:
            echo_err(str(issue))
        echo_err(f"Nothing was loaded: {len(error.issues)} errors.")
        raise typer.Exit(1) from None
    except OtherVersionsError as error:
        echo_err(f"Nothing was loaded: {error}.")
        raise typer.Exit(1) from None
    for change in changes:
        typer.echo(str(change))
    verb = "would change" if dry_run else "changed"
    echo_err(f"{len(changes)} {verb}." if changes else "Nothing to change: the pack is loaded.")


def pack_schema(
    folder: Annotated[
        Path, typer.Argument(help="Folder to write to, such as packs/schema.", file_okay=False)
    ],
) -> None:
    """Write the JSON Schemas of a pack's files, for editors and other programs."""
    from services.pack_schema import write_schemas

    try:
        for file in write_schemas(folder):
            typer.echo(str(file))
    except OSError as error:
        echo_err(f"Error: {error}")
        raise typer.Exit(1) from None
