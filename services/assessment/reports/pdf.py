"""A report as PDF/UA: fonts embedded, tagged, in the language that it is in.

The same document gives the same bytes: no clock, no font of the machine and no network takes part.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import typst

from services.assessment.reports.document import Document

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
LONG = re.compile(r"[^\s/\-]{26,}")
"""A word that fits no cell of a table."""

EVERY = 10
BREAK = "\u200b"
"""A place where a line may break, of no width."""


def to_pdf(document: Document) -> bytes:
    """The document on pages of A4."""
    told = document.model_dump(mode="json")
    for section in told["sections"]:
        for block in section["blocks"]:
            if block["kind"] == "table":
                for row in block["rows"]:
                    for cell in row["cells"]:
                        cell["text"] = _breakable(cell["text"])
    made: Any = typst.compile(
        _template(),
        format="pdf",
        sys_inputs={"report": json.dumps(told, ensure_ascii=False)},
        pdf_standards=["ua-1"],
        font_paths=_fonts(),
        ignore_system_fonts=True,
    )
    return bytes(made)


def _breakable(text: str) -> str:
    return LONG.sub(lambda found: BREAK.join(re.findall(f".{{1,{EVERY}}}", found[0])), text)


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()


@cache
def _fonts() -> typst.Fonts:
    """The fonts of the package alone, so that every machine sets the same pages."""
    return typst.Fonts(include_system_fonts=False)
