"""Which questions are complaints about what the government keeps or does."""

from collections.abc import Sequence
from typing import Any

from services.catalog.search.language import read_words, root_of, standard_words
from services.catalog.search.synonyms import roots_of

_FILE: dict[str, Any] = read_words("complaints")

COMPLAINT = "pengaduan"
ALWAYS = frozenset(roots_of(phrase) for phrase in _FILE["always"])
THINGS, FAULTS = (
    frozenset(root_of(word) for word in standard_words(_FILE[name]))
    for name in ("things", "faults")
)
COMPLAINT_WORDS = frozenset(
    word
    for text in (*_FILE["always"], _FILE["things"], _FILE["faults"])
    for word in standard_words(text)
)
"""The words of the lists, as written."""

_LONGEST = max(map(len, ALWAYS))


def is_complaint(roots: Sequence[str]) -> bool:
    """Return whether a question with these roots is a complaint: a thing together with a fault."""
    for start in range(len(roots)):
        for length in range(1, _LONGEST + 1):
            if tuple(roots[start : start + length]) in ALWAYS:
                return True
    faults = FAULTS.intersection(roots)
    return any(thing != fault for thing in THINGS.intersection(roots) for fault in faults)
