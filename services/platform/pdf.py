"""Sets documents on pages with typst: PDF/UA, tagged, with the fonts that typst brings.

The same document gives the same bytes: no clock, no font of the machine and no network takes part.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import typst

LONG_WORD = re.compile(r"[^\s/\-]{26,}")
"""A word that fits no cell of a table."""

BREAK_INTERVAL = 10
ZERO_WIDTH_SPACE = "\u200b"
"""A place where a line may break, of no width."""

MISSING_GLYPH_ERROR = "could not be displayed"
"""So typst tells of a letter that no font has."""


def render_pdf(template: bytes, document: Mapping[str, Any]) -> bytes:
    """The document as the template sets it, which reads it as `json(bytes(sys.inputs.document))`.

    What comes as data stands as text: none of it is read as markup.
    """
    try:
        return _compile(template, document, accessible=True)
    except typst.TypstError as error:
        # PDF/UA takes no letter that no font has. It stands as a box then, and only such a file
        # does not say that it is PDF/UA.
        if MISSING_GLYPH_ERROR not in str(error):
            raise
        return _compile(template, document, accessible=False)


def allow_breaks(text: str) -> str:
    """A text that fits a narrow cell: long words may break."""
    return LONG_WORD.sub(
        lambda found: ZERO_WIDTH_SPACE.join(re.findall(f".{{1,{BREAK_INTERVAL}}}", found[0])), text
    )


def render_svg(template: bytes, document: Mapping[str, Any]) -> str:
    """Return the only page of a document as SVG, whose letters are outlines."""
    drawing: Any = typst.compile(template, format="svg", **template_options(document))
    return bytes(drawing).decode()


def _compile(template: bytes, document: Mapping[str, Any], *, accessible: bool) -> bytes:
    standards: Any = ["ua-1"] if accessible else []
    options = template_options(document)
    made: Any = typst.compile(template, format="pdf", pdf_standards=standards, **options)
    return bytes(made)


def template_options(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `typst.compile`: the document, and the fonts of the package only."""
    return {
        "sys_inputs": {"document": json.dumps(document, ensure_ascii=False)},
        "font_paths": _fonts(),
        "ignore_system_fonts": True,
    }


@cache
def _fonts() -> typst.Fonts:
    """The fonts of the package alone, so that every machine sets the same pages."""
    return typst.Fonts(include_system_fonts=False)
