"""Reads a spreadsheet of any kind that offices save: XLSX, ODS or CSV.

Whatever is in the file is read or named: a sheet that cannot be read as it is meant has an issue
for each cell, with the remedy.
"""

import re
import zipfile
from io import BytesIO

from services.platform.spreadsheets.csv_file import (
    decode,
    is_csv_archive,
    read_csv,
    read_csv_archive,
)
from services.platform.spreadsheets.grid import Bounds, check_size
from services.platform.spreadsheets.model import Sheet, SpreadsheetError, file_error
from services.platform.spreadsheets.ods import is_ods, read_ods
from services.platform.spreadsheets.xlsx import read_xlsx

ZIP_SIGNATURE, OLE_SIGNATURE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""Name of the stream that holds an encrypted workbook (MS-OFFCRYPTO, 2.3.4)."""


DEFAULT_BOUNDS = Bounds()


def read_sheets(content: bytes, *, name: str, bounds: Bounds = DEFAULT_BOUNDS) -> list[Sheet]:
    """Return the sheets of a workbook (XLSX, ODS), or the one of a CSV file under this name.

    An archive (ZIP) of CSV files is a workbook with a sheet per file.

    A hostile file takes time and memory: call it within limits (`bounded_process`). Raise
    `SpreadsheetError` if the file is none of these, or too large.
    """
    if not content.strip():
        raise file_error("nothing")
    if content.startswith(OLE_SIGNATURE):
        raise file_error("password" if ENCRYPTED in content else "old_workbook")
    if content.startswith(ZIP_SIGNATURE):
        return read_workbook(content, bounds)
    text = decode(content)
    start = text.lstrip("\ufeff \t\r\n")[:2_000].lower()
    if start.startswith("<"):
        is_page = (
            re.search(r"<(!doctype html|html|head|body|table|div|meta)[\s>]", start) is not None
        )
        raise file_error("xml" if "urn:schemas-microsoft-com" in start or not is_page else "html")
    return [read_csv(text, name=name, bounds=bounds)]


def read_workbook(content: bytes, bounds: Bounds = DEFAULT_BOUNDS) -> list[Sheet]:
    """Return the sheets of an XLSX or ODS workbook, or of an archive of CSV files."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            check_size(archive, bounds)
            if is_csv_archive(archive):
                return read_csv_archive(archive, bounds)
            if is_ods(archive):
                return read_ods(archive, bounds)
            return read_xlsx(content, archive, bounds)
    except (SpreadsheetError, MemoryError):
        raise
    except Exception as error:  # the libraries raise many types for damaged files
        raise file_error("not_a_workbook") from error
