"""Small files that are large or laborious to decode."""

import io
import struct
import zlib
from typing import Any

from PIL import Image


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(width: int, height: int, *, bits: int = 8, colours: int = 6, chunks: bytes = b"") -> bytes:
    """Return a black PNG image, row by row, so that making it takes no memory."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours]
    row = bytes(1 + (width * channels * bits + 7) // 8)
    packer = zlib.compressobj(1)
    pixels = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    head = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    palette = png_chunk(b"PLTE", bytes(768)) if colours == 3 else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", head)
        + palette
        + chunks
        + png_chunk(b"IDAT", pixels)
        + png_chunk(b"IEND", b"")
    )


def image(file_format: str, width: int, height: int, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (width, height)).save(file, file_format, **options)
    return file.getvalue()


def many_scans(times: int) -> bytes:
    """Return a progressive JPEG image whose last scan is repeated."""
    plain = image("JPEG", 2000, 2000, progressive=True)
    last = plain.rindex(b"\xff\xda")
    return plain[:-2] + plain[last:-2] * times + plain[-2:]


def overlapping_exif(tags: int, size: int) -> bytes:
    """Return EXIF data each of whose tags refers to the same bytes."""
    entries = b"".join(struct.pack(">HHII", 0x8000 + tag, 1, size, 8) for tag in range(tags))
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", tags) + entries + bytes(4 + size)
