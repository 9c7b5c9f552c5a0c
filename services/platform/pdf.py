"""Sets documents on pages with typst: PDF/UA, tagged, with the fonts that typst brings.

The same document gives the same bytes: no clock, no font of the machine and no network takes part.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import typst

LONG = re.compile(r"[^\s/\-]{26,}")
"""A word that fits no cell of a table."""

EVERY = 10
BREAK = "\u200b"
"""A place where a line may break, of no width."""

UNSHOWN = "could not be displayed"
"""So typst tells of a letter that no font has."""


def set_pages(template: bytes, document: Mapping[str, Any]) -> bytes:
    """The document as the template sets it, which reads it as `json(bytes(sys.inputs.document))`.

    What comes as data stands as text: none of it is read as markup.
    """
    try:
        return _set(template, document, accessible=True)
    except typst.TypstError as error:
        # PDF/UA takes no letter that no font has. It stands as a box then, and only such a file
        # does not say that it is PDF/UA.
        if UNSHOWN not in str(error):
            raise
        return _set(template, document, accessible=False)


def breakable(text: str) -> str:
    """A text that fits a narrow cell: long words may break."""
    return LONG.sub(lambda found: BREAK.join(re.findall(f".{{1,{EVERY}}}", found[0])), text)


def _set(template: bytes, document: Mapping[str, Any], *, accessible: bool) -> bytes:
    made: Any = typst.compile(
        template,
        format="pdf",
        sys_inputs={"document": json.dumps(document, ensure_ascii=False)},
        pdf_standards=["ua-1"] if accessible else [],
        font_paths=_fonts(),
        ignore_system_fonts=True,
    )
    return bytes(made)


@cache
def _fonts() -> typst.Fonts:
    """The fonts of the package alone, so that every machine sets the same pages."""
    return typst.Fonts(include_system_fonts=False)
