"""The archive: a tar file of the dump in parts, of small files, and of a manifest at its end.

It is written and read as a stream. `tar --extract` and `cat database.dump.*` take it apart by hand.
"""

import hashlib
import io
import tarfile
from collections.abc import Callable
from typing import BinaryIO

from pydantic import ValidationError

from services.cli.backups.encryption import MAGIC, EncryptedReader, EncryptionError
from services.cli.backups.errors import BackupError
from services.cli.backups.manifest import Manifest, Part

DUMP = "database.dump"
MANIFEST = "manifest.json"
PART_BYTES = 8 * 1024 * 1024
MAX_FILE_BYTES = 64 * 1024 * 1024
"""Largest file but the dump: a pack, a manifest."""
BUFFER = 1024 * 1024


class ArchiveWriter:
    """Writes an archive to a stream."""

    def __init__(self, output: BinaryIO) -> None:
        self._tar = tarfile.open(  # noqa: SIM115
            fileobj=output, mode="w|", format=tarfile.PAX_FORMAT, bufsize=BUFFER
        )
        self.files: list[Part] = []

    def add_dump(self, stream: BinaryIO) -> Part:
        """Add what a program writes, in parts of equal size."""
        digest, size, number = hashlib.sha256(), 0, 0
        while content := _read_up_to(stream, PART_BYTES):
            self._add(f"{DUMP}.{number:08d}", content)
            digest.update(content)
            size += len(content)
            number += 1
        return Part(name=DUMP, size=size, sha256=digest.hexdigest())

    def add_file(self, name: str, content: bytes) -> None:
        """Add a small file."""
        self._add(name, content)
        digest = hashlib.sha256(content).hexdigest()
        self.files.append(Part(name=name, size=len(content), sha256=digest))

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest, and end the archive."""
        self._add(MANIFEST, manifest.model_dump_json(indent=2).encode())
        self._tar.close()

    def _add(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o600
        self._tar.addfile(entry, io.BytesIO(content))


def _read_up_to(stream: BinaryIO, size: int) -> bytes:
    """Read until `size` bytes or the end; a pipe returns less at a time."""
    parts: list[bytes] = []
    while size > 0 and (content := stream.read(size)):
        parts.append(content)
        size -= len(content)
    return b"".join(parts)


def open_stream(file: BinaryIO, passphrase: bytes | None) -> BinaryIO | EncryptedReader:
    """Return the plain content of an archive's file."""
    is_encrypted = file.read(len(MAGIC)) == MAGIC
    file.seek(0)
    if not is_encrypted:
        return file
    if passphrase is None:
        raise BackupError("it is encrypted: pass --passphrase-file")
    try:
        return EncryptedReader(file, passphrase)
    except EncryptionError as error:
        raise BackupError(str(error)) from None


def read_archive(
    stream: BinaryIO | EncryptedReader, on_dump: Callable[[bytes], object]
) -> tuple[Manifest, dict[str, bytes]]:
    """Read an archive to its end; return its manifest and its small files.

    `on_dump` gets the dump piece by piece, before it is known whether it is whole.

    Raises:
        BackupError: A part is missing or has been changed.
    """
    files: dict[str, bytes] = {}
    manifest: Manifest | None = None
    digest, number = hashlib.sha256(), 0
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=BUFFER) as tar:  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownVariableType]
            for entry in tar:
                if manifest is not None or not entry.isfile() or entry.size > MAX_FILE_BYTES:
                    raise BackupError(f"it holds {entry.name!r}, which no archive of emall does")
                content = _content_of(tar, entry)
                if entry.name == f"{DUMP}.{number:08d}":
                    digest.update(content)
                    number += 1
                    on_dump(content)
                elif entry.name == MANIFEST:
                    manifest = Manifest.model_validate_json(content)
                else:
                    files[entry.name] = content
        while stream.read(BUFFER):
            pass  # the end of an encrypted stream is verified where it is read
    except (tarfile.TarError, EncryptionError) as error:
        raise BackupError(f"it is damaged or incomplete ({error})") from None
    except ValidationError as error:
        what = error.errors()[0]
        where = ".".join(str(part) for part in what["loc"])
        raise BackupError(f"its manifest is not of this format ({where}: {what['msg']})") from None
    if manifest is None:
        raise BackupError("it is no archive of emall, or incomplete: it has no manifest")
    found = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    _compare([manifest.database, *manifest.files], found | {DUMP: digest.hexdigest()})
    return manifest, files


def _content_of(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    reader = tar.extractfile(entry)
    content = b"" if reader is None else reader.read()
    if len(content) != entry.size:
        raise BackupError("it is incomplete")
    return content


def _compare(expected: list[Part], found: dict[str, str]) -> None:
    """Raise if a part is missing, is too many, or has another checksum."""
    for part in expected:
        if found.pop(part.name, None) != part.sha256:
            raise BackupError(f"it is damaged: {part.name} is not as its manifest says")
    if found:
        raise BackupError(f"it is damaged: its manifest does not know {min(found)}")
