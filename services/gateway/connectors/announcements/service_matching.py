"""Finds the services that an announcement mentions, by the names in the catalogue.

Pure. A match lists the words by which it was found, so that a reader can judge it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MAX_SERVICES = 10
MIN_WORD_LENGTH = 4
"""Letters of a single word that is matched, unless it is an abbreviation in capitals."""

WORD = re.compile(r"\w+(?:-\w+)*")


@dataclass(frozen=True)
class ServiceNames:
    """A service and its names."""

    slug: str
    name: str
    name_en: str
    words: tuple[str, ...]
    """Common names in the catalogue."""


@dataclass(frozen=True)
class ServiceMention:
    """A service that a text mentions, with the words that mention it."""

    service: ServiceNames
    words: tuple[str, ...]


class ServiceMatcher:
    """An index of the names of all services, for finding them in texts."""

    def __init__(self, services: Iterable[ServiceNames]) -> None:
        self._phrases: dict[str, list[tuple[tuple[str, ...], str, ServiceNames]]] = {}
        for service in services:
            for name in dict.fromkeys(_names_of(service)):
                tokens = tuple(_tokens(name))
                if tokens and _is_specific(name, tokens):
                    self._phrases.setdefault(tokens[0], []).append((tokens, name, service))

    def find(self, *texts: str) -> list[ServiceMention]:
        """Return the services that texts mention, most frequent first, ten at most."""
        found: dict[str, tuple[ServiceNames, dict[str, int]]] = {}
        for text in texts:
            # In a title that is all capitals, capitals do not mark an abbreviation.
            for variant in (text, text.lower()) if text.isupper() else (text,):
                self._count_matches(list(_tokens(variant)), found)
        ranked = sorted(found.values(), key=lambda each: (-sum(each[1].values()), each[0].slug))
        return [
            ServiceMention(service, tuple(sorted(counts)))
            for service, counts in ranked[:MAX_SERVICES]
        ]

    def _count_matches(
        self, text: list[str], found: dict[str, tuple[ServiceNames, dict[str, int]]]
    ) -> None:
        for position, token in enumerate(text):
            for tokens, name, service in self._phrases.get(token, ()):
                if tuple(text[position : position + len(tokens)]) == tokens:
                    counts = found.setdefault(service.slug, (service, {}))[1]
                    counts[name] = counts.get(name, 0) + 1


def _names_of(service: ServiceNames) -> Iterator[str]:
    yield from service.words
    # "Akta Kelahiran (baru)": people do not write the part in brackets.
    yield re.sub(r"\s*\([^)]*\)", "", service.name).strip()


def _tokens(text: str) -> Iterator[str]:
    """Return the words of a text in lower case; abbreviations stay in capitals.

    "SIP" is a permit and "sip" means "fine": only the capitals distinguish them.
    """
    for word in WORD.findall(text):
        yield word if _is_abbreviation(word) else word.casefold()


def _is_abbreviation(word: str) -> bool:
    return word.isupper() and len(word) <= 5


def _is_specific(name: str, tokens: Sequence[str]) -> bool:
    return len(tokens) > 1 or len(tokens[0]) >= MIN_WORD_LENGTH or _is_abbreviation(name)
