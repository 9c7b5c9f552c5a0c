"""Words and phrases by which people mean the same, from `words/synonyms.yaml`."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.catalog.search.language import read_words, root_of, standard_words

Roots = tuple[str, ...]

SAME = 0.85
"""Weight of a synonym, relative to the word itself."""
LEADS_TO = 0.65
"""Weight of what a word leads to."""


@dataclass(frozen=True)
class Synonym:
    """Another word or phrase, by its roots."""

    roots: Roots
    weight: float


def roots_of(text: str) -> Roots:
    """Return the roots of all words of a text."""
    return tuple(root_of(word) for word in standard_words(text))


def _read() -> dict[Roots, tuple[Synonym, ...]]:
    file = read_words("synonyms")
    found: dict[Roots, dict[Roots, float]] = {}

    def add(phrase: Roots, other: Roots, weight: float) -> None:
        if phrase != other:
            others = found.setdefault(phrase, {})
            others[other] = max(weight, others.get(other, 0.0))

    for group in file["same"]:
        phrases = [roots_of(phrase) for phrase in group]
        for phrase in phrases:
            for other in phrases:
                add(phrase, other, SAME)
    for phrase, others in file["leads_to"].items():
        for other in others:
            add(roots_of(phrase), roots_of(other), LEADS_TO)
    return {
        phrase: tuple(Synonym(roots, weight) for roots, weight in others.items())
        for phrase, others in found.items()
    }


_SYNONYMS = _read()
_LONGEST = max(map(len, _SYNONYMS))

SYNONYM_PHRASES = frozenset(
    " ".join(standard_words(phrase))
    for phrases in (*read_words("synonyms")["same"], read_words("synonyms")["leads_to"])
    for phrase in phrases
)
"""The words and phrases that the lists know, in standard spelling."""
SYNONYM_WORDS = frozenset(word for phrase in SYNONYM_PHRASES for word in phrase.split())
"""The words that the lists know, as written."""


def synonyms_of(roots: Roots) -> tuple[Synonym, ...]:
    """Return the synonyms of a word or phrase."""
    return _SYNONYMS.get(roots, ())


def phrase_at(roots: Sequence[str], start: int) -> int:
    """Return the words of the longest phrase with synonyms that starts here; 1 without one."""
    for length in range(min(_LONGEST, len(roots) - start), 1, -1):
        if tuple(roots[start : start + length]) in _SYNONYMS:
            return length
    return 1
