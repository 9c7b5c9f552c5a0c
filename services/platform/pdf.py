"""PDF, SVG and PNG rendering with typst: tagged PDF/UA with the bundled fonts.

The output is reproducible: it uses no clock, no system fonts and no network.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from services.platform.lazy_module import LazyModule

if TYPE_CHECKING:
    import typst
else:
    typst = LazyModule("typst")

LONG_WORD = re.compile(r"[^\s/\-]{26,}")
"""A word that is too long for a table cell."""

BREAK_INTERVAL = 10
ZERO_WIDTH_SPACE = "\u200b"
"""Allows a line break."""

MISSING_GLYPH_ERROR = "could not be displayed"
"""Part of typst's error for a character that no font contains."""


def render_pdf(template: bytes, document: Mapping[str, Any]) -> bytes:
    """Render a document with a template that reads `json(bytes(sys.inputs.document))`.

    The data is inserted as text and never parsed as markup.
    """
    try:
        return _compile(template, document, accessible=True)
    except typst.TypstError as error:
        # PDF/UA allows no character without a glyph. Such a file shows a box instead and does
        # not claim to be PDF/UA.
        if MISSING_GLYPH_ERROR not in str(error):
            raise
        return _compile(template, document, accessible=False)


def allow_breaks(text: str) -> str:
    """Insert break opportunities into long words, so that a text fits a narrow cell."""
    return LONG_WORD.sub(
        lambda word: ZERO_WIDTH_SPACE.join(re.findall(f".{{1,{BREAK_INTERVAL}}}", word[0])), text
    )


def render_svg(template: bytes, document: Mapping[str, Any]) -> str:
    """Return the only page of a document as SVG, whose letters are outlines."""
    drawing: Any = typst.compile(template, format="svg", **template_options(document))
    return bytes(drawing).decode()


SVG_PAGE = b"""#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(sys.inputs.svg), format: "svg", width: float(sys.inputs.width) * 1pt)"""


def svg_to_png(svg: bytes, *, width: int, pixels: int) -> bytes:
    """Return a drawing as PNG, as wide as so many units of so many pixels.

    Its letters are those of the bundled fonts.
    """
    picture: Any = typst.compile(
        SVG_PAGE,
        format="png",
        ppi=72 * pixels,
        sys_inputs={"svg": svg.decode(), "width": str(width)},
        font_paths=_fonts(),
        ignore_system_fonts=True,
    )
    return bytes(picture)


def _compile(template: bytes, document: Mapping[str, Any], *, accessible: bool) -> bytes:
    standards: Any = ["ua-1"] if accessible else []
    options = template_options(document)
    pdf: Any = typst.compile(template, format="pdf", pdf_standards=standards, **options)
    return bytes(pdf)


def template_options(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `typst.compile`: the document, and the fonts of the package only."""
    return {
        "sys_inputs": {"document": json.dumps(document, ensure_ascii=False)},
        "font_paths": _fonts(),
        "ignore_system_fonts": True,
    }


@cache
def _fonts() -> "typst.Fonts":
    """Return only the bundled fonts, so that every machine renders the same pages."""
    return typst.Fonts(include_system_fonts=False)
