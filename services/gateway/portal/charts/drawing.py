"""Drawings in SVG that charts are made of: text that is wrapped, and colours by classes.

As wide as the page of the smallest phone, which has 320 pixels with its margins, and drawn larger
on a larger screen. Colours come from the page's style, and in a file of its own from the drawing
(`Chart.svg`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH = 288
LARGE, NORMAL, SMALL = 15, 13, 12
"""Sizes of letters: on the smallest phone a unit is a pixel."""
LINE_HEIGHT = 1.35
INVALID_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that are invalid in XML 1.0."""


@dataclass(frozen=True)
class Drawing:
    """Elements of SVG within `WIDTH` and a height.

    `name` tells the ids of the drawing from those of others on the page.
    """

    name: str
    title: str
    description: str
    """The values in words, for readers who do not see the drawing."""
    parts: Sequence[str]
    height: float
    has_links: bool = False

    def inline(self, *, target: str | None = None) -> Markup:
        """Return the drawing as an element of a page; `target` is where its links open."""
        role = "group" if self.has_links else "img"
        content = self.content()
        if target is not None:
            content = content.replace("<a href=", f'<a target="{target}" href=')
        return Markup(  # noqa: S704 - every text in it is escaped
            f'<svg class="picture" viewBox="0 0 {WIDTH} {self.height:.0f}" role="{role}" '
            f'aria-labelledby="{self.name}-title {self.name}-desc">{content}</svg>'
        )

    def content(self) -> str:
        """Return what is inside the element `svg`."""
        return (
            f'<title id="{self.name}-title">{escape(clean(self.title))}</title>'
            f'<desc id="{self.name}-desc">{escape(clean(self.description))}</desc>'
            f'<defs><pattern id="{self.name}-hatch" width="4" height="4" '
            'patternUnits="userSpaceOnUse"><path class="hatching" d="M0 4L4 0"/></pattern></defs>'
            f"{''.join(self.parts)}"
        )


def text_lines(
    lines: Sequence[str],
    x: float,
    top: float,
    size: float,
    *,
    bold: bool = False,
    soft: bool = False,
) -> Iterator[str]:
    """Return lines of text below each other, the first one's upper edge at `top`."""
    for number, line in enumerate(lines):
        yield text_at(x, top + size + number * size * LINE_HEIGHT, line, size, bold=bold, soft=soft)


def text_at(
    x: float,
    y: float,
    words: str,
    size: float,
    *,
    anchor: str = "start",
    bold: bool = False,
    soft: bool = False,
    figure: bool = False,
) -> str:
    """Return a line of text on the base line `y`; `figure` sets it off from what is behind it."""
    looks = (("bold", bold), ("soft", soft), ("figure", figure))
    names = " ".join(name for name, holds in looks if holds)
    look = f' class="{names}"' if names else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"{look}>'
        f"{escape(clean(words))}</text>"
    )


def clean(text: str) -> str:
    """Return a text without the characters that are invalid in XML."""
    return INVALID_XML.sub("", text)
