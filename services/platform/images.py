"""Sanitises images: detects their type from the content and re-encodes them without metadata.

Only images are read here. A PDF file can carry scripts and other files: comments take none, since a
document can be photographed.
"""

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from services.platform.lazy_module import LazyModule

if TYPE_CHECKING:
    from PIL import ExifTags, Image, JpegImagePlugin
else:
    ExifTags = LazyModule("PIL.ExifTags")
    Image = LazyModule("PIL.Image")
    JpegImagePlugin = LazyModule("PIL.JpegImagePlugin")

MediaType = Literal["image/jpeg", "image/png", "image/webp"]
MEDIA_TYPES: dict[str, MediaType] = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
}
TRANSPOSITIONS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""What makes an image upright, by its EXIF orientation."""
MAX_BYTES = 6 * 1024 * 1024
MAX_PIXELS = 50_000_000
"""The largest photographs of phones."""
MAX_SIDE = 2000
MIN_DRAFT_SIDE = 1600
"""A JPEG image is decoded scaled down by 2, 4 or 8, but not below this."""
MAX_SCANS = 64
"""Scans of a JPEG image, each of which takes time; programs write ten, and one per thumbnail."""
MAX_EXIF_BYTES = 64 * 1024
MAX_DECODING_BYTES = 96 * 1024 * 1024
"""Memory for decoding; with the interpreter, the file and the result it stays below 128 MiB."""
BYTES_PER_PIXEL = {"JPEG": 8, "PNG": 8, "WEBP": 24}
"""Memory for decoding, measured: Pillow's image and a converted copy; WebP has four more."""


class InvalidImageError(Exception):
    """Bytes that are not an accepted image; the message is the reason."""


class ImageTooLargeError(InvalidImageError):
    """An image that takes too much to decode."""


@dataclass(frozen=True)
class SanitisedImage:
    """An image as it is stored."""

    media_type: MediaType
    content: bytes


def sanitise_image(body: bytes) -> SanitisedImage:
    """Return the image upright, at most 2,000 pixels wide or high, without metadata.

    What decoding takes is computed from the header; it is called within limits nevertheless
    (`bounded_process`), since a decoder may take more.

    Raises:
        ImageTooLargeError: it takes too much to decode.
        InvalidImageError: it is not a JPEG, PNG or WebP image.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(body), formats=list(MEDIA_TYPES)) as opened:
                # Photographs with several views or a depth map are JPEG too.
                file_format = "JPEG" if opened.format == "MPO" else str(opened.format)
                _prepare(opened, body, file_format)
                transparent = file_format != "JPEG" and opened.has_transparency_data
                pixels = _decode(opened, transparent=transparent)
            del opened  # and the memory of its decoder
            return _encode(pixels, file_format)
    except (InvalidImageError, MemoryError):
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ImageTooLargeError(f"has more than {MAX_PIXELS:,} pixels") from None
    except Exception as error:  # decoders raise all kinds of errors on untrusted bytes
        raise InvalidImageError("is not a readable JPEG, PNG or WebP image") from error


def _prepare(opened: "Image.Image", body: bytes, file_format: str) -> None:
    """Scale a JPEG image while it is decoded; refuse an image that takes too much to decode."""
    width, height = opened.size
    if width * height > MAX_PIXELS:
        raise ImageTooLargeError(f"has more than {MAX_PIXELS:,} pixels")
    extra = 0
    if isinstance(opened, JpegImagePlugin.JpegImageFile):
        # In the data of a scan, 0xFF is always followed by another byte.
        if body.count(b"\xff\xda") > MAX_SCANS:
            raise ImageTooLargeError(f"has more than {MAX_SCANS} scans")
        if opened.info.get("progressive"):
            extra = _coefficient_bytes(opened)
        scale = max(1, max(width, height) // MIN_DRAFT_SIDE)
        opened.draft(None, (max(1, width // scale), max(1, height // scale)))
    needed = opened.width * opened.height * BYTES_PER_PIXEL[file_format] + extra
    if needed > MAX_DECODING_BYTES:
        # The largest image of these proportions, in million pixels.
        allowed = width * height * MAX_DECODING_BYTES / needed / 1_000_000
        kind = "progressive JPEG" if extra else file_format
        raise ImageTooLargeError(
            f"has {width} x {height} pixels; a {kind} image may have at most {allowed:.0f} "
            "million: send it smaller, or as an ordinary JPEG photograph"
        )


def _coefficient_bytes(opened: "JpegImagePlugin.JpegImageFile") -> int:
    """Return the memory for all coefficients of a progressive image, which scaling leaves."""
    components: list[tuple[int, int, int, int]] = opened.layer
    samples = sum(across * down for _, across, down, _ in components)
    most_across = max(across for _, across, _, _ in components)
    most_down = max(down for _, _, down, _ in components)
    return 2 * opened.width * opened.height * samples // (most_across * most_down)


def _decode(opened: "Image.Image", *, transparent: bool) -> "Image.Image":
    """Return the pixels in at most `MAX_SIDE`, upright."""
    opened.load()
    exif = opened.getexif() if len(opened.info.get("exif", b"")) <= MAX_EXIF_BYTES else {}
    orientation = exif.get(ExifTags.Base.Orientation)
    pixels = opened
    # At most two images of full size exist at a time. Colours are scaled multiplied by their alpha.
    for mode in ("RGBA", "RGBa") if transparent else ("RGB",):
        if pixels.mode != mode:
            converted = pixels.convert(mode)
            pixels.close()
            pixels = converted
    pixels.thumbnail((MAX_SIDE, MAX_SIDE))
    if transparent:
        pixels = pixels.convert("RGBA")
    if orientation in TRANSPOSITIONS:
        pixels = pixels.transpose(Image.Transpose[TRANSPOSITIONS[orientation]])
    return pixels.copy()


def _encode(pixels: "Image.Image", file_format: str) -> SanitisedImage:
    if file_format == "WEBP" and pixels.mode == "RGBA":
        # On white: encoding transparency as WebP takes 100 MiB more.
        white = Image.new("RGBA", pixels.size, "white")
        pixels = Image.alpha_composite(white, pixels).convert("RGB")
    # A new image has only the pixels: no EXIF, comments, profile or further frames.
    bare = Image.new(pixels.mode, pixels.size)
    bare.paste(pixels)
    file = io.BytesIO()
    # The best compression takes 45 s for some images.
    options = {"PNG": {"compress_level": 3}, "WEBP": {"quality": 85, "method": 0}}
    bare.save(file, file_format, **options.get(file_format, {"quality": 85}))
    return SanitisedImage(MEDIA_TYPES[file_format], file.getvalue())
