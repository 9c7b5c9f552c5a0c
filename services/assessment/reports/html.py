"""HTML rendering of a report: one page without scripts or external resources, printable."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.assessment.reports.document import Document

TEMPLATES = Path(__file__).parent / "templates"
STYLE = (TEMPLATES / "report.css").read_text(encoding="utf-8")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'"
)
"""The inline style is allowed by its hash, so that the page can be saved as a file."""

environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def as_image(svg: str) -> str:
    """Return an SVG as a data URL for `<img>`, in which scripts do not run."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


environment.filters["as_image"] = as_image


def to_html(document: Document, *, files: dict[str, str]) -> str:
    """Return the page; `files` are names and addresses of the report's other formats."""
    return environment.get_template("report.html").render(report=document, style=STYLE, files=files)
