"""Files of statistics as agencies send them."""

import io
from collections.abc import Sequence
from typing import Any

import httpx
from openpyxl import Workbook, load_workbook

from services.platform.identity import Caller
from services.platform.spreadsheets.model import CSV, XLSX
from tests.conftest import Room, agency_caller
from tests.feedback.sending import USAGE

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
