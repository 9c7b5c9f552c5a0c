"""`emall load`, `emall pack new`, `emall pack check`, `emall pack-schema`, exports and imports."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.console import echo_err, run_async
from services.platform.settings import load_settings

pack_app = typer.Typer(help="Packs of regencies.", no_args_is_help=True)
export_app = typer.Typer(help="Exports of the hub's data.", no_args_is_help=True)
import_app = typer.Typer(help="Imports of files that people fill in.", no_args_is_help=True)


@pack_app.command("new")
def new(
    code: Annotated[
        str, typer.Argument(help="Code of the regency or city (Home Affairs), such as 12.17.")
    ],
    folder: Annotated[
        Path, typer.Option("--folder", help="Folder of packs; the new one is made in it.")
    ] = Path("packs"),
) -> None:
    """Begin the pack of a regency with what is national; leave what is its own as gaps."""
    from services.cli.new_pack import UnknownRegencyError, find_regency, write_new_pack
    from services.cli.pack_gaps import gaps_of
    from services.cli.pack_loader import read_pack

    try:
        regency = find_regency(code)
        target = folder / regency.slug
        services = write_new_pack(regency, target)
    except (UnknownRegencyError, OSError) as error:
        echo_err(f"Error: {error}")
        raise typer.Exit(1) from None
    gaps = len(gaps_of(read_pack(target)))
    typer.echo(
        f"{regency.name} ({regency.code}): {services} services that national law sets, written to "
        f"{target}; {gaps} gaps are the regency's own to fill: `emall pack check {target}` lists "
        "them."
    )


@pack_app.command("check")
def check(
    pack: Annotated[
        Path,
        typer.Argument(
            help="Folder of the pack, such as packs/toba.", exists=True, file_okay=False
        ),
    ],
) -> None:
    """Validate a pack without a database and list what it lacks; exit with 1 if it has errors."""
    from services.catalog.records import COMPONENTS
    from services.cli.pack_gaps import gaps_of, needs_of_methods
    from services.cli.pack_loader import read_pack
    from services.platform.packs import PackError

    try:
        parsed = read_pack(pack)
    except PackError as error:
        for issue in error.issues:
            echo_err(str(issue))
        echo_err(f"{len(error.issues)} errors.")
        raise typer.Exit(1) from None
    services = parsed.catalog.services
    published = [part for service in services for part in service.components.values()]
    own = [part for part in published if not part.general]
    mean, own_mean = (len(parts) / (len(services) or 1) for parts in (published, own))
    typer.echo(
        f"{parsed.regency.name}: {len(services)} services, {mean:.1f} of {COMPONENTS} components "
        f"on average ({own_mean:.1f} without general rules); {len(parsed.catalog.places)} places, "
        f"of which "
        f"{sum(place.confirmed for place in parsed.catalog.places)} are confirmed."
    )
    for line in (*gaps_of(parsed), *needs_of_methods(parsed)):
        typer.echo(str(line))


@export_app.command("pack")
def export_pack(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; it must not exist yet.")],
) -> None:
    """Write the pack that is loaded, with what people changed in the catalogue since."""
    from services.cli.pack_export import NoPackError, write_pack

    if folder.exists():
        echo_err(f"Error: {folder} exists already.")
        raise typer.Exit(1)
    try:
        files = run_async(write_pack(load_settings(), folder))
    except (NoPackError, OSError) as error:
        echo_err(f"Error: {error}")
        raise typer.Exit(1) from None
    typer.echo(f"{files} files of the catalogue written to {folder}.")


@export_app.command("catalog")
def export_catalog(
    file: Annotated[
        Path,
        typer.Argument(help="File to write: .xlsx, or .zip for CSV.", dir_okay=False),
    ],
    agency: Annotated[
        str | None, typer.Option("--agency", help="Only what this agency keeps.")
    ] = None,
) -> None:
    """Write the catalogue as a spreadsheet to fill in, for `emall import catalog`."""
    from services.catalog.spreadsheet.template import TooLargeForSheetError
    from services.cli.catalog_spreadsheet import export_spreadsheet

    try:
        as_csv = file.suffix.lower() == ".zip"
        content, records = run_async(
            export_spreadsheet(load_settings(), agency=agency, as_csv=as_csv)
        )
        file.write_bytes(content)
    except TooLargeForSheetError as error:
        echo_err(f"Error: {error}; choose an agency with --agency.")
        raise typer.Exit(1) from None
    except OSError as error:
        echo_err(f"Error: {error}")
        raise typer.Exit(1) from None
    typer.echo(f"{records} records written to {file}.")


@import_app.command("catalog")
def import_catalog(
    file: Annotated[
        Path,
        typer.Argument(
            help="Filled spreadsheet: XLSX, ODS, CSV, or a .zip of CSV.",
            exists=True,
            dir_okay=False,
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and store nothing.")
    ] = False,
) -> None:
    """Store a filled spreadsheet of the catalogue as a whole, or name each wrong cell."""
    from services.catalog.spreadsheet.planning import ImportRefusedError
    from services.cli.catalog_spreadsheet import import_spreadsheet
    from services.platform.spreadsheets.model import SpreadsheetError

    try:
        content = file.read_bytes()
        plan = run_async(
            import_spreadsheet(load_settings(), content, name=file.name, dry_run=dry_run)
        )
    except (SpreadsheetError, ImportRefusedError) as error:
        for issue in error.issues:
            echo_err(f"{issue.sheet}!{issue.cell}: {issue.message}")
        echo_err(f"Nothing was stored: {len(error.issues)} errors.")
        raise typer.Exit(1) from None
    for notice in plan.notices:
        echo_err(f"{notice.sheet}!{notice.cell}: {notice.message}")
    created, changed, unchanged = (
        sum(getattr(each, name) for each in plan.counts)
        for name in ("created", "changed", "unchanged")
    )
    suffix = "; nothing was stored (--dry-run)" if dry_run else ""
    typer.echo(f"{created} created, {changed} changed, {unchanged} unchanged{suffix}.")


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
