"""Posters as PDF and SVG, set by typst from one template."""

import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from services.gateway.portal.posters.content import PosterContent
from services.platform.lazy_module import LazyModule
from services.platform.pdf import allow_breaks, render_pdf, render_svg

if TYPE_CHECKING:
    import segno
else:
    segno = LazyModule("segno")

TEMPLATE = Path(__file__).parent / "templates" / "poster.typ"
QUIET_ZONE = 4
"""White modules around the code, as ISO/IEC 18004 requires."""


def poster_pdf(content: PosterContent, address: str) -> bytes:
    """Return the poster as a page of A4 whose code and text lead to `address`."""
    return render_pdf(_template(), poster_document(content, address))


def poster_svg(content: PosterContent, address: str) -> str:
    """Return the poster as SVG in its size on paper, with its letters as outlines."""
    drawing = render_svg(_template(), poster_document(content, address))
    head, _, rest = drawing.partition(">")
    title = f'<title id="t">{escape(_title(content))}</title>'
    return f'{head} role="img" aria-labelledby="t">{title}{rest}'


def poster_document(content: PosterContent, address: str) -> dict[str, Any]:
    """Return what the template reads."""
    names = dict.fromkeys((content.agency, content.name_en))
    return {
        "title": _title(content),
        "place": allow_breaks(content.place),
        "about": content.about,
        "name": allow_breaks(content.name),
        "agency": allow_breaks(" · ".join(names)),
        "steps": content.steps,
        "typed": content.typed,
        "english": allow_breaks(content.english),
        "address": allow_breaks(address.partition("://")[2]),
        "code": qr_code(address),
        "code-text": f"Kode QR: {address}",
    }


def qr_code(address: str) -> str:
    """Return the QR code of an address as SVG; a quarter may be dirty or torn (level Q)."""
    code = segno.make(address, error="q", micro=False)
    drawing = io.BytesIO()
    code.save(drawing, kind="svg", border=QUIET_ZONE, light="#fff", scale=8)
    return drawing.getvalue().decode()


def _title(content: PosterContent) -> str:
    return f"{content.about} {content.name}"


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()
