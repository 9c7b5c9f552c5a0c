"""Pictures, known by their content and written anew: nothing but the picture is left in them.

PDF is refused: it carries programs and other files, and a document can be photographed.
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
LARGEST_BYTES = 6 * 1024 * 1024
MOST_PIXELS = 50_000_000
"""A phone's largest photographs; more is a bomb."""
LONGEST_SIDE = 2000


class PictureError(Exception):
    """Bytes that are no picture that is taken; the message says what would be right."""


@dataclass(frozen=True)
class Picture:
    """A picture as it is stored."""

    media_type: MediaType
    content: bytes


def cleaned(given: bytes) -> Picture:
    """The picture upright, at most 2,000 pixels wide or high, without metadata."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(given), formats=list(MEDIA_TYPES)) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise PictureError(f"has more than {MOST_PIXELS:,} pixels")
                return _written_anew(opened, str(opened.format))
    except PictureError:
        raise
    except Exception as error:  # whatever a decoder stumbles over in bytes of anybody's
        raise PictureError("is no JPEG, PNG or WebP picture that can be read") from error


def _written_anew(opened: Image.Image, written: str) -> Picture:
    opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    upright = ImageOps.exif_transpose(opened)
    transparent = written != "JPEG" and upright.has_transparency_data
    plain = upright.convert("RGBA" if transparent else "RGB")
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    # A new image has the pixels alone: no EXIF, no comments, no profile, no further frames.
    bare = Image.new(plain.mode, plain.size)
    bare.paste(plain)
    file = io.BytesIO()
    if written == "PNG":
        bare.save(file, "PNG", optimize=True)
    else:
        bare.save(file, written, quality=85)
    return Picture(MEDIA_TYPES[written], file.getvalue())
