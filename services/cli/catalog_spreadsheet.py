"""Exports the catalogue to a spreadsheet, and imports one, as the administrator."""

from datetime import UTC, datetime

from services.catalog.spreadsheet.importing import read_choices, read_stored, store_plan
from services.catalog.spreadsheet.planning import ImportPlan, ImportRequest, plan_import
from services.catalog.spreadsheet.template import template_csv, template_xlsx
from services.cli.audit import audit_command
from services.platform.database import Database
from services.platform.identity import Caller
from services.platform.settings import Service, Settings

OPERATOR = Caller(subject="command-line", scopes=frozenset({"admin"}))
"""Author of the versions that an import on the command line makes."""


async def export_spreadsheet(
    settings: Settings, *, agency: str | None, as_csv: bool
) -> tuple[bytes, int]:
    """Return the catalogue, or one agency's part, and the number of its records.

    As a workbook (XLSX), or as an archive of CSV files.
    """
    database = Database(settings, Service.catalog)
    try:
        async with database.read_session() as session:
            stored = await read_stored(session, settings.region, agency=agency)
            choices = await read_choices(session, settings.region)
    finally:
        await database.close()
    if as_csv:
        content = template_csv(stored, delimiter="semicolon")
    else:
        content = template_xlsx(stored, choices)
    return content, sum(map(len, stored.values()))


async def import_spreadsheet(
    settings: Settings, content: bytes, *, name: str, dry_run: bool
) -> ImportPlan:
    """Store a filled spreadsheet as a whole; with `dry_run` only check it.

    Raises:
        SpreadsheetError: The file cannot be read.
        ImportRefusedError: Some rows are wrong or out of date; nothing is stored.
    """
    request = ImportRequest(settings.region, None, is_administrator=True, language="en")
    database = Database(settings, Service.catalog)
    try:
        async with database.read_session() as session:
            stored = await read_stored(session, settings.region)
        plan = plan_import(content, stored, request)
        async with database.write_session() as session:
            now = datetime.now(UTC)
            await store_plan(
                session, settings.region, plan, caller=OPERATOR, now=now, language="en"
            )
            if dry_run:
                await session.rollback()
    finally:
        await database.close()
    if plan.records and not dry_run:
        await _append_audit_line(settings, f"{name}: {len(plan.records)} records")
    return plan


async def _append_audit_line(settings: Settings, target: str) -> None:
    database = Database(settings, Service.gateway)
    try:
        async with database.write_session() as session:
            await audit_command(
                session, settings.region, "import catalog", target, now=datetime.now(UTC)
            )
    finally:
        await database.close()
