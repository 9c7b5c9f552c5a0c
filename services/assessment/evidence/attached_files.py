"""Checks files attached to evidence by their content: images, PDF and DOCX (pure).

Images are encoded anew. Documents are stored as they were sent, so only their form is checked: what
they say, and whether a program that opens them is attacked, is not known. They are therefore only
downloaded, never shown.
"""

import io
import re
import zipfile
import zlib
from dataclasses import dataclass

from services.platform.images import ImageTooLargeError, InvalidImageError, sanitise_image
from services.platform.translation import N_, Message

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ENDINGS = {
    PDF: "pdf",
    DOCX: "docx",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
}
"""Ending of a file's name, by its media type."""

MAX_BYTES = 6 * 1024 * 1024

MAX_PARTS = 2_000
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
MAX_TYPES_BYTES = 256 * 1024
"""Of a DOCX file: its parts, their declared sizes together, and that of the list of their types."""
IMAGE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
PDF_START = re.compile(rb"%PDF-[12]\.\d")
PDF_END_BYTES = 1024
"""Within so many of the last bytes a PDF file has its end mark (ISO 32000, annex H)."""
ZIP_START = b"PK\x03\x04"
CONTENT_TYPES = "[Content_Types].xml"
MAIN_PART = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"

WRONG_KIND = N_("bukan PDF, DOCX, JPEG, PNG, atau WebP; simpan sebagai PDF, lalu lampirkan")
DAMAGED_PDF = N_("PDF ini terpotong atau rusak; simpan sekali lagi sebagai PDF")
LOCKED_PDF = N_("PDF ini terkunci dengan kata sandi; simpan tanpa kata sandi")
NOT_WORD = N_("bukan dokumen Word (DOCX); simpan sebagai DOCX atau PDF")
HAS_MACROS = N_("dokumen ini berisi makro; simpan sebagai DOCX tanpa makro, atau sebagai PDF")
TOO_MANY_PARTS = N_("isi dokumen ini terlalu besar; simpan sebagai PDF")
BAD_IMAGE = N_("gambar ini rusak atau terpotong; ambil atau simpan sekali lagi")
LARGE_IMAGE = N_("gambar ini terlalu besar untuk dibuka; perkecil, atau kirim sebagai foto JPEG")


class UnacceptedFileError(Exception):
    """A file that is not taken as an attachment."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason


class FileTooLargeError(UnacceptedFileError):
    """A file that takes too much to decode."""


@dataclass(frozen=True)
class CheckedFile:
    """A file as it is stored."""

    media_type: str
    content: bytes


@dataclass(frozen=True)
class AttachedFile:
    """A file of a record, as a bundle names it."""

    kind: str
    key: str
    sha256: str
    media_type: str
    size: int


def check_file(body: bytes) -> CheckedFile:
    """Return the file as it is to be stored, with its type, which its content tells.

    It is called within limits (`bounded_process`), since it decodes what others send.

    Raises:
        FileTooLargeError: It takes too much to decode.
        UnacceptedFileError: It is none of the accepted kinds, or damaged.
    """
    if PDF_START.match(body):
        return _check_pdf(body)
    if body.startswith(ZIP_START):
        return _check_docx(body)
    if not body.startswith(IMAGE_STARTS):
        raise UnacceptedFileError(WRONG_KIND)
    try:
        image = sanitise_image(body)
    except ImageTooLargeError:
        raise FileTooLargeError(LARGE_IMAGE) from None
    except InvalidImageError:
        raise UnacceptedFileError(BAD_IMAGE) from None
    return CheckedFile(image.media_type, image.content)


def _check_pdf(body: bytes) -> CheckedFile:
    end = body[-PDF_END_BYTES:]
    if b"%%EOF" not in end or b"startxref" not in end:
        raise UnacceptedFileError(DAMAGED_PDF)
    if re.search(rb"/Encrypt[\s<]", body):
        raise UnacceptedFileError(LOCKED_PDF)
    return CheckedFile(PDF, body)


def _check_docx(body: bytes) -> CheckedFile:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = archive.infolist()
            size = sum(part.file_size for part in parts)
            if len(parts) > MAX_PARTS or size > MAX_UNPACKED_BYTES:
                raise FileTooLargeError(TOO_MANY_PARTS)
            names = {part.filename for part in parts}
            if CONTENT_TYPES not in names or "word/document.xml" not in names:
                raise UnacceptedFileError(NOT_WORD)
            with archive.open(CONTENT_TYPES) as opened:
                types = opened.read(MAX_TYPES_BYTES)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, OSError):
        raise UnacceptedFileError(NOT_WORD) from None
    if any(name.rpartition("/")[2].lower() == "vbaproject.bin" for name in names):
        raise UnacceptedFileError(HAS_MACROS)
    if MAIN_PART not in types:  # also of a document with macros, whose main part has another type
        raise UnacceptedFileError(NOT_WORD)
    return CheckedFile(DOCX, body)
