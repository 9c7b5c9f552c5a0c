"""Files of statistics as agencies send them."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date
from typing import Any

import httpx
from openpyxl import Workbook, load_workbook

from services.platform.identity import Caller
from services.platform.spreadsheets.model import CSV, XLSX
from tests.conftest import Room, agency_caller
from tests.feedback.sending import USAGE

NAMESPACES = "".join(
    f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text", "style")
)
HEADS = ("layanan", "kanal", "bulan", "masuk (submitted)", "selesai (completed)", "alasan")


def workbook(*rows: Sequence[Any], heads: Sequence[str] = HEADS, sheet: str = "Statistik") -> bytes:
    """Return a workbook with these rows below these heads."""
    book = Workbook()
    worksheet = book.active
    assert worksheet is not None
    worksheet.title = sheet
    for row in (heads, *rows):
        worksheet.append(list(row))
    return saved(book)


def saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def table(*rows: Sequence[Any], heads: Sequence[str] = HEADS, between: str = ";") -> str:
    """Return the same table as CSV."""
    return "".join(f"{between.join(str(cell) for cell in row)}\r\n" for row in (heads, *rows))


def upload(
    office: Room,
    agency: str,
    content: bytes | str,
    /,
    *,
    caller: Caller | None = None,
    **parameters: Any,
) -> httpx.Response:
    body = content.encode() if isinstance(content, str) else content
    kind = XLSX if body.startswith(b"PK") else CSV
    headers = office.token(caller or agency_caller(agency, "usage:write"))
    return office.client.post(
        f"{USAGE}/statistics/upload",
        params=parameters,
        content=body,
        headers=headers | {"Content-Type": kind},
    )


def faults(answer: httpx.Response) -> dict[str, str]:
    """Return the messages about a rejected file, by cell."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {error["pointer"]: error["detail"] for error in answer.json()["errors"]}


def template(office: Room, agency: str, **parameters: Any) -> httpx.Response:
    caller = agency_caller(agency, "usage:write")
    return office.get(f"{USAGE}/statistics/template", caller=caller, **parameters)


def opened(answer: httpx.Response) -> Workbook:
    assert answer.status_code == 200, answer.text
    return load_workbook(io.BytesIO(answer.content))


def ods_cell(value: Any, more: str = "") -> str:
    if value is None:
        return f"<table:table-cell{more}/>"
    if isinstance(value, date):
        kind = f'office:value-type="date" office:date-value="{value.isoformat()}"'
    elif isinstance(value, int | float):
        kind = f'office:value-type="float" office:value="{value}"'
    else:
        kind = 'office:value-type="string"'
    return f"<table:table-cell {kind}{more}><text:p>{value}</text:p></table:table-cell>"


def ods(
    *rows: str,
    heads: Sequence[str] = HEADS,
    style: str = "",
    styles: str = "",
    manifest: str = "",
) -> bytes:
    """Return a workbook as LibreOffice saves it: rows of cells, the last repeated to the end."""
    header = f"<table:table-row>{''.join(map(ods_cell, heads))}</table:table-row>"
    rest = (
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    content = (
        f"<office:document-content{NAMESPACES}><office:automatic-styles>{styles}"
        "</office:automatic-styles><office:body><office:spreadsheet>"
        f'<table:table table:name="Statistik"{style}>'
        f"{header}{''.join(rows)}{rest}</table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", f"<manifest>{manifest}</manifest>")
        archive.writestr("content.xml", content)
    return stream.getvalue()


def ods_row(*cells: str, more: str = "") -> str:
    return f"<table:table-row{more}>{''.join(cells)}</table:table-row>"
