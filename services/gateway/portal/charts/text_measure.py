"""Widths of text that is not laid out yet, so that pictures can wrap it.

The font is the reader's. The widths are those of DejaVu Sans, which is wider than what systems
usually have, rounded up: a text takes at most the room that is kept for it.
"""

import unicodedata
from functools import lru_cache

NARROW, SMALL, WIDE = "ijlI.,:;'|!", 'ftr()[]/-"’', "mMWw@%—…"
BOLD = 1.12


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the most that a text is wide, in the units of its size."""
    return sum(map(_character_width, text)) * size * (BOLD if bold else 1)


@lru_cache(maxsize=1024)
def _character_width(character: str) -> float:
    if character == " ":
        return 0.34
    if character in NARROW:
        return 0.38
    if character in SMALL:
        return 0.46
    if character in WIDE:
        return 1.0
    if character.isascii():
        return 0.8 if character.isupper() else 0.66
    return 1.05 if unicodedata.east_asian_width(character) in "WF" else 0.8


def wrap(text: str, size: float, width: float, *, bold: bool = False) -> list[str]:
    """Return the lines of a text, each at most this wide; a longer word is broken."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        whole = f"{line} {word}" if line else word
        if text_width(whole, size, bold=bold) <= width:
            line = whole
            continue
        if line:
            lines.append(line)
        line = ""
        for character in word:
            if line and text_width(line + character, size, bold=bold) > width:
                lines.append(line)
                line = ""
            line += character
    return [*lines, line] if line or not lines else lines
