"""Sanitises HTML of other sites: a few elements, no script, no image, no style.

Images are removed because the hub's pages load nothing from other hosts, so that no other party
learns who reads them.
"""

import html
import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from services.platform.lazy_module import LazyModule

if TYPE_CHECKING:
    import nh3
else:
    nh3 = LazyModule("nh3")

ALLOWED_TAGS = {
    "p",
    "br",
    "a",
    "ul",
    "ol",
    "li",
    "strong",
    "em",
    "b",
    "i",
    "blockquote",
    "h3",
    "h4",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
REMOVED_WITH_CONTENT = {
    "script",
    "style",
    "iframe",
    "object",
    "template",
    "noscript",
    "svg",
    "math",
    "title",
}
ALLOWED_SCHEMES = ("http://", "https://", "mailto:", "tel:")
MAX_CONTENT = 60_000
"""Characters of an announcement that are stored."""

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def sanitise(content: str, *, base: str) -> str:
    """Return HTML that is safe to show on a page of the hub; links are relative to `base`."""

    def resolve(element: str, attribute: str, value: str) -> str | None:
        try:
            address = urljoin(base, value.strip())
        except ValueError:
            return None
        return address if address.startswith(ALLOWED_SCHEMES) else None

    safe = nh3.clean(
        CONTROL.sub("", content)[:MAX_CONTENT],
        tags=ALLOWED_TAGS,
        clean_content_tags=REMOVED_WITH_CONTENT,
        attributes={"a": {"href"}},
        attribute_filter=resolve,
        url_schemes={"http", "https", "mailto", "tel"},
        url_relative="pass_through",
        link_rel="noopener noreferrer nofollow",
    )
    return safe.strip()


def plain_text(content: str, *, max_length: int) -> str:
    """Return the text of a piece of HTML in one line, truncated between words."""
    # A space where an element ends keeps the words of two paragraphs apart.
    spaced = re.sub(r"(</(?:p|li|h\d|td|th|div|tr)>|<br\s*/?>)", r"\1 ", content, flags=re.I)
    plain = html.unescape(
        nh3.clean(CONTROL.sub("", spaced), tags=set(), clean_content_tags=REMOVED_WITH_CONTENT)
    )
    line = " ".join(CONTROL.sub("", plain).split())
    if len(line) <= max_length:
        return line
    start = line[:max_length]
    return f"{start.rpartition(' ')[0] or start[:-1]}…"
