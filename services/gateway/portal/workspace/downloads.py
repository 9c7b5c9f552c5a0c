"""Lists of the workspace as files: CSV in the form of Indonesian spreadsheet programs, and XLSX."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi.responses import Response

from services.gateway.portal.page import Page
from services.platform.spreadsheets.csv_export import CSV_MEDIA_TYPE, CsvValue, write_csv
from services.platform.spreadsheets.model import XLSX
from services.platform.spreadsheets.writing import Column, write_xlsx


@dataclass(frozen=True)
class Table:
    """A list to take away."""

    headings: Sequence[str]
    rows: Sequence[Sequence[CsvValue]]


def file_moment(page: Page, at: datetime | None) -> str | None:
    """Return a moment in the regency as spreadsheet programs read it, such as 2026-12-17 09:30."""
    if at is None:
        return None
    return f"{at.astimezone(page.zone):%Y-%m-%d %H:%M}"


def csv_file(table: Table, *, name: str) -> Response:
    """Return a table as a CSV file with this name."""
    return _download(write_csv(table.headings, table.rows), CSV_MEDIA_TYPE, name=f"{name}.csv")


async def xlsx_file(tables: Mapping[str, Table], *, name: str) -> Response:
    """Return a workbook with this name, with a sheet for each table."""
    sheets = {
        title: (
            [Column(heading) for heading in table.headings],
            [dict(zip(table.headings, row, strict=True)) for row in table.rows],
        )
        for title, table in tables.items()
    }
    content = await asyncio.to_thread(write_xlsx, sheets)
    return _download(content, XLSX, name=f"{name}.xlsx")


def _download(content: bytes, media_type: str, *, name: str) -> Response:
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )
