"""Finds the services that an announcement speaks of, by the words of the catalogue.

Pure. A match names the words by which it was found, so that a reader can judge it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MOST_SERVICES = 10
SHORTEST = 4
"""Letters of a single word that is looked for, unless it is an abbreviation in capitals."""

WORD = re.compile(r"\w+(?:-\w+)*")


@dataclass(frozen=True)
class ServiceNames:
    """A service and what people call it."""

    slug: str
    name: str
    name_en: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class ServiceMention:
    """A service that a text speaks of, and by which words."""

    service: ServiceNames
    words: tuple[str, ...]


class ServiceMatcher:
    """The names of all services, ready to be found in texts."""

    def __init__(self, services: Iterable[ServiceNames]) -> None:
        self._phrases: dict[str, list[tuple[tuple[str, ...], str, ServiceNames]]] = {}
        for service in services:
            for name in dict.fromkeys(_names_of(service)):
                tokens = tuple(_forms(name))
                if tokens and _tells(name, tokens):
                    self._phrases.setdefault(tokens[0], []).append((tokens, name, service))

    def find(self, *texts: str) -> list[ServiceMention]:
        """The services that texts name, those named most often first."""
        found: dict[str, tuple[ServiceNames, dict[str, int]]] = {}
        for text in texts:
            # A title all in capitals says with none of its words that it is an abbreviation.
            for written in (text, text.lower()) if text.isupper() else (text,):
                self._look(list(_forms(written)), found)
        ranked = sorted(found.values(), key=lambda each: (-sum(each[1].values()), each[0].slug))
        return [
            ServiceMention(service, tuple(sorted(counts)))
            for service, counts in ranked[:MOST_SERVICES]
        ]

    def _look(
        self, forms: list[str], found: dict[str, tuple[ServiceNames, dict[str, int]]]
    ) -> None:
        for place, form in enumerate(forms):
            for tokens, name, service in self._phrases.get(form, ()):
                if tuple(forms[place : place + len(tokens)]) == tokens:
                    counts = found.setdefault(service.slug, (service, {}))[1]
                    counts[name] = counts.get(name, 0) + 1


def _names_of(service: ServiceNames) -> Iterator[str]:
    yield from service.words
    # "Akta Kelahiran (baru)": the part in brackets is not how people write it.
    yield re.sub(r"\s*\([^)]*\)", "", service.name).strip()


def _forms(text: str) -> Iterator[str]:
    """The words of a text in small letters; abbreviations keep their capitals.

    "SIP" is a permit and "sip" means "fine": only the capitals tell them apart.
    """
    for word in WORD.findall(text):
        yield word if _is_abbreviation(word) else word.casefold()


def _is_abbreviation(word: str) -> bool:
    return word.isupper() and len(word) <= 5


def _tells(name: str, tokens: Sequence[str]) -> bool:
    return len(tokens) > 1 or len(tokens[0]) >= SHORTEST or _is_abbreviation(name)
