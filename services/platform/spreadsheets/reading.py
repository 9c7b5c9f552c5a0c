"""Reads a spreadsheet of any kind that offices save: XLSX, ODS or CSV.

Whatever is in the file is read or named: a sheet that cannot be read as it is meant has an issue
for each cell, with the remedy.
"""

import zipfile
from io import BytesIO

from services.platform.spreadsheets.csv_file import decode, read_csv
from services.platform.spreadsheets.grid import check_size
from services.platform.spreadsheets.model import Sheet, SpreadsheetError, file_error
from services.platform.spreadsheets.ods import is_ods, read_ods
from services.platform.spreadsheets.xlsx import read_xlsx

ZIP_SIGNATURE, OLE_SIGNATURE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""Name of the stream that holds an encrypted workbook (MS-OFFCRYPTO, 2.3.4)."""


def read_sheets(content: bytes, *, name: str) -> list[Sheet]:
    """Return the sheets of a workbook (XLSX, ODS), or the one of a CSV file under this name.

    A hostile file takes time and memory: call it within limits (`bounded_process`). Raise
    `SpreadsheetError` if the file is none of these, or too large.
    """
    if not content.strip():
        raise file_error("nothing")
    if content.startswith(OLE_SIGNATURE):
        raise file_error("password" if ENCRYPTED in content else "old_workbook")
    if content.startswith(ZIP_SIGNATURE):
        return read_workbook(content)
    text = decode(content)
    start = text.lstrip("\ufeff \t\r\n")[:2_000].lower()
    if start.startswith("<"):
        raise file_error("xml" if "urn:schemas-microsoft-com" in start else "html")
    return [read_csv(text, name=name)]


def read_workbook(content: bytes) -> list[Sheet]:
    """Return the sheets of an XLSX or ODS workbook."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            check_size(archive)
            return read_ods(archive) if is_ods(archive) else read_xlsx(content, archive)
    except (SpreadsheetError, MemoryError):
        raise
    except Exception as error:  # the libraries raise many types for damaged files
        raise file_error("not_a_workbook") from error
