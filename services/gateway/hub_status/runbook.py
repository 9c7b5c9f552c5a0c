"""The runbook as HTML, for operators who have a browser and no checkout (pure but for the file).

It is Markdown as the runbook uses it: headings, lists, paragraphs, code, emphasis and links.
"""

import html
import re
from functools import cache
from itertools import groupby
from pathlib import Path

from services.platform.health.findings import RUNBOOK
from services.platform.settings import ROOT

HEADING = re.compile(r"(#{1,3}) (.+)")
BULLET = "- "
STEP = re.compile(r"[0-9]+\. ")
INLINE = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|\*\*(?P<strong>[^*]+)\*\*"
    r"|\*(?P<em>[^*]+)\*"
    r"|\[(?P<label>[^\]]+)\]\((?P<target>[^)]+)\)"
)


@cache
def read_runbook(file: Path = ROOT / RUNBOOK) -> str | None:
    """Return the runbook below its title as HTML; None if the file is not installed."""
    if not file.is_file():
        return None
    _, _, body = file.read_text(encoding="utf-8").partition("\n")
    return to_html(body)


def to_html(markdown: str) -> str:
    """Return a Markdown text as HTML; what it has as HTML is shown as it is written."""
    lines = [line for line in markdown.splitlines() if line.strip()]
    return "\n".join(_block(kind, list(group)) for kind, group in groupby(lines, key=_kind_of))


def anchor(heading: str) -> str:
    """Return the id of a heading, as code hosts make it."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def _kind_of(line: str) -> str:
    if HEADING.fullmatch(line):
        return "heading"
    if line.startswith(BULLET):
        return "ul"
    return "ol" if STEP.match(line) else "p"


def _block(kind: str, lines: list[str]) -> str:
    if kind == "heading":
        return "\n".join(_heading(line) for line in lines)
    if kind == "p":
        return "\n".join(f"<p>{_inline(line)}</p>" for line in lines)
    marker = re.compile(re.escape(BULLET)) if kind == "ul" else STEP
    items = "".join(f"<li>{_inline(marker.sub('', line, count=1))}</li>" for line in lines)
    return f"<{kind}>{items}</{kind}>"


def _heading(line: str) -> str:
    marks, _, text = line.partition(" ")
    level = len(marks)
    return f'<h{level} id="{anchor(text)}">{_inline(text)}</h{level}>'


def _inline(text: str) -> str:
    made: list[str] = []
    end = 0
    for found in INLINE.finditer(text):
        made.append(html.escape(text[end : found.start()]))
        made.append(_element(found))
        end = found.end()
    made.append(html.escape(text[end:]))
    return "".join(made)


def _element(found: re.Match[str]) -> str:
    if code := found["code"]:
        return f"<code>{html.escape(code)}</code>"
    if strong := found["strong"]:
        return f"<strong>{html.escape(strong)}</strong>"
    if emphasis := found["em"]:
        return f"<em>{html.escape(emphasis)}</em>"
    label, target = html.escape(found["label"]), html.escape(found["target"])
    if target.startswith("#"):
        return f'<a href="{target}">{label}</a>'
    return f"{label} (<code>{target}</code>)"  # another file, which the hub does not serve
