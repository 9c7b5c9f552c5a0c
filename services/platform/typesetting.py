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


def set_pages(template: bytes, document: Mapping[str, Any]) -> bytes:
    """The document as the template sets it, which reads it as `json(bytes(sys.inputs.document))`.

    What comes as data stands as text: none of it is read as markup.
    """
    made: Any = typst.compile(
        template,
        format="pdf",
        sys_inputs={"document": json.dumps(document, ensure_ascii=False)},
        pdf_standards=["ua-1"],
        font_paths=_fonts(),
        ignore_system_fonts=True,
    )
    return bytes(made)


def breakable(text: str) -> str:
    """A text that fits a narrow cell: long words may break."""
    return LONG.sub(lambda found: BREAK.join(re.findall(f".{{1,{EVERY}}}", found[0])), text)


@cache
def _fonts() -> typst.Fonts:
    """The fonts of the package alone, so that every machine sets the same pages."""
    return typst.Fonts(include_system_fonts=False)
