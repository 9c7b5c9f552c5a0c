"""A report as one HTML page: no script, nothing from elsewhere, and it prints well."""

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
"""The style stands in the page and is known by its hash, so that the page can be kept as a file."""

environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def as_image(svg: str) -> str:
    """A picture as the address of an image, in which no script ever runs."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


environment.filters["as_image"] = as_image


def to_html(document: Document, *, files: dict[str, str]) -> str:
    """The page; `files` are the names and addresses of the same report in other forms."""
    return environment.get_template("report.html").render(report=document, style=STYLE, files=files)
