"""Sanitises images: detects their type from the content and re-encodes them without metadata.

PDF is not accepted: it can carry scripts and other files, and a document can be photographed.
"""

import io
import warnings
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageOps

MediaType = Literal["image/jpeg", "image/png", "image/webp"]
MEDIA_TYPES: dict[str, MediaType] = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
}
MAX_BYTES = 6 * 1024 * 1024
MAX_PIXELS = 50_000_000
"""The largest photographs of phones; more is treated as a decompression bomb."""
MAX_SIDE = 2000


class InvalidImageError(Exception):
    """Bytes that are not an accepted image; the message is the reason."""


@dataclass(frozen=True)
class SanitisedImage:
    """An image as it is stored."""

    media_type: MediaType
    content: bytes


def sanitise_image(body: bytes) -> SanitisedImage:
    """Return the image upright, at most 2,000 pixels wide or high, without metadata.

    Raises:
        InvalidImageError: it is not a JPEG, PNG or WebP image, or has too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(body), formats=list(MEDIA_TYPES)) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise InvalidImageError(f"has more than {MAX_PIXELS:,} pixels")
                return _reencode(opened, str(opened.format))
    except InvalidImageError:
        raise
    except Exception as error:  # decoders raise all kinds of errors on untrusted bytes
        raise InvalidImageError("is not a readable JPEG, PNG or WebP image") from error


def _reencode(opened: Image.Image, file_format: str) -> SanitisedImage:
    opened.draft("RGB", (MAX_SIDE, MAX_SIDE))
    upright = ImageOps.exif_transpose(opened)
    transparent = file_format != "JPEG" and upright.has_transparency_data
    plain = upright.convert("RGBA" if transparent else "RGB")
    plain.thumbnail((MAX_SIDE, MAX_SIDE))
    # A new image has only the pixels: no EXIF, comments, profile or further frames.
    bare = Image.new(plain.mode, plain.size)
    bare.paste(plain)
    file = io.BytesIO()
    if file_format == "PNG":
        bare.save(file, "PNG", optimize=True)
    else:
        bare.save(file, file_format, quality=85)
    return SanitisedImage(MEDIA_TYPES[file_format], file.getvalue())
