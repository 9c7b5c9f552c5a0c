"""The arms of a regency as an image file: what may stand in it, before pages show it.

A browser that opens an SVG by its own address runs the scripts in it. So only elements that draw
are taken, without scripts, without references to other files and without entities.
"""

import re
import struct
from xml.etree import ElementTree as ET

from services.platform.translation import N_
from services.platform.validation_messages import InvalidValueError

MAX_BYTES = 100_000
MAX_PIXELS = 1024
"""Of a side of a PNG; pages show it 40 pixels high, prints somewhat larger."""

MEDIA_TYPES = {"svg": "image/svg+xml; charset=utf-8", "png": "image/png"}
"""By the ending of the file's name."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
SVG = "{http://www.w3.org/2000/svg}"
DRAWING = frozenset({
    "svg", "g", "defs", "symbol", "use", "title", "desc", "metadata", "path", "rect", "circle",
    "ellipse", "line", "polyline", "polygon", "text", "tspan", "linearGradient", "radialGradient",
    "stop", "clipPath", "mask", "pattern",
})  # fmt: skip
"""Elements of SVG that only draw."""
REFERENCE = re.compile(r"url\s*\(\s*['\"]?\s*(?!#)", re.IGNORECASE)
"""A reference to something outside of the file, in a style."""


def check_arms(content: bytes, ending: str) -> None:
    """Check that a file is a picture that pages may show.

    Raises:
        InvalidValueError: It is too large, of another kind, or may do more than draw.
    """
    if len(content) > MAX_BYTES:
        raise InvalidValueError(
            N_("berkasnya %(size)s bait; paling banyak %(most)s"),
            size=len(content),
            most=MAX_BYTES,
        )
    if ending == "png":
        _check_png(content)
    else:
        _check_svg(content)


def _check_png(content: bytes) -> None:
    if not content.startswith(PNG_SIGNATURE) or content[12:16] != b"IHDR" or len(content) < 24:
        raise InvalidValueError(N_("bukan berkas PNG"))
    width, height = struct.unpack(">II", content[16:24])
    if not (0 < width <= MAX_PIXELS and 0 < height <= MAX_PIXELS):
        raise InvalidValueError(
            N_("gambarnya %(width)s x %(height)s piksel; paling banyak %(most)s tiap sisi"),
            width=width,
            height=height,
            most=MAX_PIXELS,
        )


def _check_svg(content: bytes) -> None:
    # Entities, which only a document type can declare, would grow while they are read.
    if b"<!DOCTYPE" in content.upper() or b"<!ENTITY" in content.upper():
        raise InvalidValueError(N_("tidak boleh memuat DOCTYPE; simpan sebagai SVG biasa"))
    try:
        root = ET.fromstring(content.decode("utf-8"))  # noqa: S314 - it declares no entities
    except (UnicodeDecodeError, ET.ParseError, ValueError):
        raise InvalidValueError(N_("bukan berkas SVG dalam UTF-8")) from None
    if root.tag != f"{SVG}svg":
        raise InvalidValueError(N_("bukan berkas SVG dalam UTF-8"))
    for element in root.iter():
        name = element.tag.removeprefix(SVG)
        if name not in DRAWING:
            raise InvalidValueError(
                N_("memuat unsur %(name)s, yang tidak hanya menggambar; simpan sebagai SVG biasa"),
                name=name.rpartition("}")[2][:40],
            )
        for attribute, value in element.attrib.items():
            plain = attribute.rpartition("}")[2].lower()
            is_link = plain in {"href", "src"} and not value.startswith("#")
            if plain.startswith("on") or is_link or REFERENCE.search(value):
                raise InvalidValueError(
                    N_("memuat %(name)s, yang menjalankan atau merujuk sesuatu di luar berkas ini"),
                    name=plain[:40],
                )
