"""Workbooks as programs write them."""

import io
import random
import zipfile


def with_thumbnail(workbook: bytes, *, size: int) -> bytes:
    """Return a workbook with a picture of its first page, as some programs add it."""
    file = io.BytesIO(workbook)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("docProps/thumbnail.jpeg", random.Random(1).randbytes(size))
    return file.getvalue()
