"""A report as PDF/UA: fonts embedded, tagged, in the language that it is in."""

from functools import cache
from pathlib import Path

from services.assessment.reports.document import Document
from services.platform.pdf import allow_breaks, render_pdf

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"


def to_pdf(document: Document) -> bytes:
    """The document on pages of A4."""
    told = document.model_dump(mode="json")
    for section in told["sections"]:
        for block in section["blocks"]:
            if block["kind"] == "table":
                for row in block["rows"]:
                    for cell in row["cells"]:
                        cell["text"] = allow_breaks(cell["text"])
    return render_pdf(_template(), told)


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()
