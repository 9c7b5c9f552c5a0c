"""The languages of pages and messages."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["id", "en", "bbc"]

SOURCE_LANGUAGE: Language = "id"
"""The language of the messages in the code, and of pages without `lang`."""

LANGUAGE_NAMES: Mapping[Language, str] = {
    "id": "Bahasa Indonesia",
    "en": "English",
    "bbc": "Hata Batak Toba",
}

COMPLETE_LANGUAGES: tuple[Language, ...] = ("id", "en")
"""Languages whose catalogue translates every message; each page links to itself in these."""
