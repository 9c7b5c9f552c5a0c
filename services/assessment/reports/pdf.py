"""PDF/UA rendering of a report: tagged, with embedded fonts and document language."""

from functools import cache
from pathlib import Path

from services.assessment.reports.document import Document
from services.platform.pdf import allow_breaks, render_pdf

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"


def to_pdf(document: Document) -> bytes:
    """Return the document on A4 pages."""
    data = document.model_dump(mode="json")
    for section in data["sections"]:
        for block in section["blocks"]:
            if block["kind"] == "table":
                for row in block["rows"]:
                    for cell in row["cells"]:
                        cell["text"] = allow_breaks(cell["text"])
    return render_pdf(_template(), data)


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()
