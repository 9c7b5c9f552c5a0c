"""From the text that an author writes to safe HTML: paragraphs, lists and links (pure)."""

import html
import re
from itertools import groupby

from services.gateway.connectors.announcements.sanitise import sanitise

PARAGRAPH_END = re.compile(r"\n[ \t]*\n")
ITEM = "- "
LINK = re.compile(
    r"(?P<web>https?://[A-Za-z0-9][^\s<>\"]{0,2000})"
    r"|(?P<mail>[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5})"
)
SENTENCE_END = ".,;:!?)]'"
"""Signs that end a sentence rather than the address before them."""


def to_html(text: str) -> str:
    """Return the HTML of a text; what its author writes as HTML is shown as it is written."""
    paragraphs = (part.strip("\n") for part in PARAGRAPH_END.split(text))
    written = "".join(_paragraph(part) for part in paragraphs if part.strip())
    # Nothing but what this module makes reaches the sanitiser; it has the last word all the same.
    return sanitise(written, base="")


def _paragraph(part: str) -> str:
    blocks: list[str] = []
    for is_list, group in groupby(part.split("\n"), key=lambda line: line.startswith(ITEM)):
        lines = list(group)
        if is_list:
            items = (f"<li>{_inline(line.removeprefix(ITEM))}</li>" for line in lines)
            blocks.append(f"<ul>{''.join(items)}</ul>")
        else:
            blocks.append(f"<p>{'<br>'.join(map(_inline, lines))}</p>")
    return "".join(blocks)


def _inline(line: str) -> str:
    """Return a line with links in place of addresses."""
    made: list[str] = []
    end = 0
    for found in LINK.finditer(line):
        address = found[0].rstrip(SENTENCE_END)
        href = address if found["web"] else f"mailto:{address}"
        made.append(html.escape(line[end : found.start()]))
        made.append(f'<a href="{html.escape(href)}">{html.escape(address)}</a>')
        end = found.start() + len(address)
    made.append(html.escape(line[end:]))
    return "".join(made)
