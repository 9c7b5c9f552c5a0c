"""Whether two names of services are nearly equal, so that the services are perhaps the same."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from itertools import islice

from services.catalog.search.language import is_weak, root_of, standard_words

NEARLY_EQUAL = 0.85
"""Least share of equal characters of two names, of which only the roots of their words count."""

ACTIONS = frozenset(map(root_of, ("penerbitan", "pengurusan", "pembuatan", "penyelenggaraan")))
"""What an agency does with what is asked for; names of services begin with it or not."""
COMPARED_WORDS, COMPARED_NAMES = 3, 10
"""Of many names, each is compared with those that share one of its rarest words: with so many for
each of these words."""


def are_nearly_equal(names: Iterable[str], others: Iterable[str]) -> bool:
    """Return whether a name differs from one of the others in word order and endings at most.

    Spelling, affixes and words that say little do not count ("Penerbitan Akte Kelahiran" and
    "Akta kelahiran").
    """
    keys = [_key(other) for other in others]
    return any(_are_near(_key(name), key) for name in names for key in keys)


def nearly_equal_names(names: Mapping[str, str], *, of: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each key of `of` whose name is nearly that of another key, with the first such key."""
    keys = {each: _key(name) for each, name in names.items()}
    having: dict[str, list[str]] = {}
    for each, key in keys.items():
        for word in key.split():
            having.setdefault(word, []).append(each)
    for each in of:
        key = keys[each]
        words = sorted(set(key.split()), key=lambda word: (len(having[word]), word))
        candidates = (
            other
            for word in words[:COMPARED_WORDS]
            for other in islice(having[word], COMPARED_NAMES)
            if other != each
        )
        for other in candidates:
            if _are_near(key, keys[other]):
                yield each, other
                break


def _are_near(key: str, other: str) -> bool:
    matcher = SequenceMatcher(None, key, other, autojunk=False)
    # The first two are upper bounds that are faster to compute.
    return (
        matcher.real_quick_ratio() >= NEARLY_EQUAL
        and matcher.quick_ratio() >= NEARLY_EQUAL
        and matcher.ratio() >= NEARLY_EQUAL
    )


def _key(name: str) -> str:
    words = standard_words(name)
    roots = [root_of(word) for word in words if not is_weak(word)]
    strong = [root for root in roots if root not in ACTIONS]
    return " ".join(sorted(strong or roots or words))
