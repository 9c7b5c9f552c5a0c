"""A workbook in a form: uploaded, checked, and carried by the page that asks for confirmation."""

import base64
from collections.abc import Mapping

from fastapi import Request
from starlette.datastructures import UploadFile

from services.platform.translation import N_

MAX_FILE_BYTES = 2 * 1024 * 1024
"""Also what the page that asks for confirmation carries."""

NO_FILE = N_("Pilih berkas lembar kerja.")


async def read_upload(request: Request) -> bytes:
    """Return the file that was chosen; empty if none was."""
    upload = (await request.form()).get("berkas")
    return await upload.read() if isinstance(upload, UploadFile) else b""


def write_carried(content: bytes) -> str:
    """Return a file as the hidden field `isi` of a form has it."""
    return base64.urlsafe_b64encode(content).decode()


def read_carried(fields: Mapping[str, str]) -> bytes:
    """Return the file in the hidden field of a form; empty if it holds none."""
    try:
        return base64.urlsafe_b64decode(fields.get("isi", "").encode())
    except ValueError:
        return b""


def name_cell(pointer: str | None) -> str:
    """Return the sheet and the cell that a pointer names."""
    return (pointer or "").removeprefix("#/").replace("/", ", ")
