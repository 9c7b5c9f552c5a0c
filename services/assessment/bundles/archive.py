"""A zip archive with one canonical form, in which every changed byte is detected.

Entries are stored without compression, in order, without dates; any unzip program reads them. A
reader that knows the form detects a changed byte in the headers too, which a checksum of contents
does not cover, and names the part of the archive.
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
VERSION = 20
UNIX = 3 << 8
DATE_1980 = 0x21
READABLE = 0o100644 << 16


@dataclass(frozen=True)
class ArchivePart:
    """A byte range of the archive and its label."""

    start: int
    end: int
    label: str


@dataclass
class UnpackedArchive:
    """Files of an archive, and its format errors."""

    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    faults: list[str] = field(default_factory=list[str])


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the archive of these files; the same files in the same order give the same bytes."""
    return _write(files)[0]


def _write(files: Mapping[str, bytes]) -> tuple[bytes, list[ArchivePart]]:
    body = bytearray()
    directory = bytearray()
    parts: list[ArchivePart] = []
    for name, content in files.items():
        encoded = name.encode("ascii")
        start = len(body)
        fields = (0, 0, 0, DATE_1980, zlib.crc32(content), len(content), len(content))
        body += LOCAL.pack(b"PK\3\4", VERSION, *fields, len(encoded), 0) + encoded
        parts.append(ArchivePart(start, len(body), f"the header of {name}"))
        parts.append(ArchivePart(len(body), len(body) + len(content), name))
        body += content
        directory += CENTRAL.pack(
            b"PK\1\2", UNIX | VERSION, VERSION, *fields, len(encoded), 0, 0, 0, 0, READABLE, start
        )
        directory += encoded
    count, at = len(files), len(body)
    body += directory
    body += END.pack(b"PK\5\6", 0, 0, count, count, len(directory), at, 0)
    parts.append(ArchivePart(at, len(body), "the directory of the archive"))
    return bytes(body), parts


def unpack(archive: bytes) -> UnpackedArchive:
    """Return the files of an archive, with every fault of its form."""
    opened = UnpackedArchive()
    at = 0
    while archive[at : at + 4] != b"PK\1\2":
        if len(archive) < at + LOCAL.size:
            opened.faults.append(f"the archive ends at byte {len(archive)}, before its directory")
            return opened
        header = LOCAL.unpack_from(archive, at)
        magic, checksum, size, name_length = header[0], header[6], header[8], header[9]
        start = at + LOCAL.size + name_length
        if magic != b"PK\3\4" or start + size > len(archive):
            opened.faults.append(f"byte {at} and on: the header of a file is damaged")
            return opened
        encoded = archive[at + LOCAL.size : start]
        if not encoded.isascii() or not encoded.decode().isprintable():
            opened.faults.append(f"byte {at + LOCAL.size} and on: the name of a file is damaged")
            return opened
        name = encoded.decode()
        content = archive[start : start + size]
        if zlib.crc32(content) != checksum:
            opened.faults.append(
                f"{name}: bytes {start}-{start + size} do not have the checksum in their header"
            )
        opened.files[name] = content
        at = start + size
    if not opened.faults:
        opened.faults += _differences(archive, opened.files)
    return opened


def _differences(archive: bytes, files: Mapping[str, bytes]) -> list[str]:
    """Return where an archive differs from the canonical one of its files."""
    expected, parts = _write(files)
    if expected == archive:
        return []
    pairs = zip(expected, archive, strict=False)
    at = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(expected), len(archive)))
    part = next((part for part in parts if part.start <= at < part.end), None)
    return [f"byte {at}, in {part.label if part else 'what follows the archive'}, was changed"]
