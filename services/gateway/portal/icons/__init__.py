"""Icons of Lucide (ISC and MIT licences, in `LICENSE.txt`), drawn into the page they are on."""

from functools import cache
from pathlib import Path

from markupsafe import Markup

FILES = {file.stem: file for file in sorted(Path(__file__).parent.glob("*.svg"))}
"""The icons by name, as Lucide names them."""


@cache
def icon(name: str) -> Markup:
    """Return an icon that readers of a screen pass over: words stand beside it."""
    drawing = FILES[name].read_text().partition("<svg")[2].partition(">")[2].partition("</svg>")[0]
    shapes = "".join(line.strip() for line in drawing.splitlines()).replace(" />", "/>")
    return Markup(  # noqa: S704 - a file of this package
        f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{shapes}</svg>'
    )
