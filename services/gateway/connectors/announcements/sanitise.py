"""Makes what others write safe to show: few elements, no script, no picture, no style.

Pictures are left out because the hub's pages load nothing from others, so that nobody else learns
who reads them.
"""

import html
import re

import nh3

TAGS = {
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
DROPPED = {"script", "style", "iframe", "object", "template", "noscript", "svg", "math", "title"}
MOST_CONTENT = 60_000
"""Characters of an announcement that are kept."""

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def sanitise(content: str) -> str:
    """HTML that may stand on a page of the hub."""
    safe = nh3.clean(
        CONTROL.sub("", content)[:MOST_CONTENT],
        tags=TAGS,
        clean_content_tags=DROPPED,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto", "tel"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
    return safe.strip()


def plain_text(content: str, *, max_length: int) -> str:
    """The words of a piece of HTML in one line, cut between words."""
    # A space where an element ends, so that words of two paragraphs stay two.
    spaced = re.sub(r"(</(?:p|li|h\d|td|th|div|tr)>|<br\s*/?>)", r"\1 ", content, flags=re.I)
    plain = html.unescape(
        nh3.clean(CONTROL.sub("", spaced), tags=set(), clean_content_tags=DROPPED)
    )
    words = " ".join(CONTROL.sub("", plain).split())
    if len(words) <= max_length:
        return words
    cut = words[:max_length]
    return f"{cut.rpartition(' ')[0] or cut[:-1]}…"
