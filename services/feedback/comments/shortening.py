"""Tells whether a text is a shortened one of another: its words in their order, some left out."""

import re
import unicodedata

WORD = re.compile(r"\w+")
REMARK = re.compile(r"\[[^\[\]]{1,30}\]")
"""What stands in place of something left out, such as [...] or [nama petugas]."""


def find_added_word(shortened: str, original: str) -> str | None:
    """Return the first word that the original does not have there; None if it is shortened."""
    words = iter(_words(original))
    return next((word for word in _words(REMARK.sub(" ", shortened)) if word not in words), None)


def _words(text: str) -> list[str]:
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())
