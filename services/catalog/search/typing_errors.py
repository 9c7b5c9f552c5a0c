"""Words within one typing error of another, found by symmetric deletion.

Two words are one error apart (a letter left out, added, replaced, or two neighbours swapped) if the
same string remains after deleting at most one letter of each (W. Garbe, SymSpell, 2012). The index
keeps these remainders as sorted checksums in two arrays, some 100 bytes for a word, and compares
the few words that share one. Only if no word is one error away from a long one, words of nearly the
same letters, which are counted for each, are compared with it by their distance.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.catalog.search.arrays import Checksums, Counts, Numbers, np

SHORTEST = 3
"""Letters of the shortest word that is corrected."""
SHORTEST_WITH_TWO = 7
"""Letters of the shortest word that is corrected although it has two errors."""
TWO_ERRORS = 0.5
"""Likelihood of two errors, relative to what the word is."""
MOST_COMPARED = 200
OTHER_FIRST_LETTER = 0.85
"""How much less likely an error in the first letter is."""

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = frozenset(pair for row in _ROWS for a, b in pairwise(row) for pair in (a + b, b + a))
_SOUNDS = ("zjs", "fpv", "kqcg", "dt", "iye", "uow", "bp", "ae")
_ALIKE = frozenset(a + b for group in _SOUNDS for a in group for b in group if a != b)


@dataclass(frozen=True)
class Correction:
    """A word that may have been meant."""

    word: str
    likelihood: float
    """From 0 to 1, by the kind of error and by how common the word is in the catalogue."""


class SpellingIndex:
    """The words that are known, each with its prior: how likely it is asked for (0 to 1)."""

    def __init__(self, priors: Mapping[str, float]) -> None:
        self._words = list(priors)
        self._priors = priors
        checksums: list[int] = []
        numbers: list[int] = []
        for number, word in enumerate(self._words):
            if len(word) >= SHORTEST - 1:
                for remainder in _remainders(word):
                    checksums.append(_checksum(remainder))
                    numbers.append(number)
        keys = np.array(checksums, dtype=np.uint32)
        order = np.argsort(keys, kind="stable")
        self._keys: Checksums = keys[order]
        self._numbers: Checksums = np.array(numbers, dtype=np.uint32)[order]
        self._letters = _letters_of(self._words)
        self._lengths: Numbers = np.fromiter(
            map(len, self._words), dtype=np.int32, count=len(self._words)
        )

    def __contains__(self, word: str) -> bool:
        return word in self._priors

    @property
    def size_in_bytes(self) -> int:
        """Bytes of the arrays."""
        return (
            self._keys.nbytes + self._numbers.nbytes + self._letters.nbytes + self._lengths.nbytes
        )

    def corrections(self, word: str, *, most: int, errors: int = 1) -> list[Correction]:
        """Return the words that are one error from `word`, the likeliest first.

        If there are none and `errors` is 2, those that are two errors from it.
        """
        if len(word) < SHORTEST:
            return []
        sought = np.array([_checksum(part) for part in _remainders(word)], dtype=np.uint32)
        starts = np.searchsorted(self._keys, sought, side="left")
        ends = np.searchsorted(self._keys, sought, side="right")
        numbers: set[int] = set()
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            numbers.update(self._numbers[start:end].tolist())
        found: list[Correction] = []
        for number in numbers:
            candidate = self._words[number]
            likelihood = error_likelihood(word, candidate)
            if likelihood > 0:
                found.append(Correction(candidate, likelihood * self._priors[candidate]))
        if not found and errors > 1 and len(word) >= SHORTEST_WITH_TWO:
            found = self._two_errors_away(word)
        found.sort(key=lambda one: (-one.likelihood, one.word))
        return found[:most]

    def _two_errors_away(self, word: str) -> list[Correction]:
        # Two errors change the counts of four letters at most.
        alike = np.flatnonzero(np.abs(self._lengths - len(word)) <= 2)
        changes = np.abs(self._letters[alike] - _letters_of([word])).sum(axis=1, dtype=np.int16)
        near = np.flatnonzero(changes <= 4)
        near = alike[near[np.argsort(changes[near], kind="stable")[:MOST_COMPARED]]]
        found: list[Correction] = []
        for candidate in (self._words[number] for number in near.tolist()):
            if len(candidate) >= SHORTEST_WITH_TWO - 1 and distance(word, candidate) <= 2:
                first = 1.0 if word[0] == candidate[0] else OTHER_FIRST_LETTER
                found.append(Correction(candidate, TWO_ERRORS * first * self._priors[candidate]))
        return found


def _letters_of(words: Sequence[str]) -> Counts:
    """Return how often each word has each letter from a to z, a row for each word."""
    counts = np.zeros((len(words), 26), dtype=np.int8)
    lengths = np.fromiter(map(len, words), dtype=np.int32, count=len(words))
    signs = np.frombuffer("".join(words).encode("ascii", "replace"), dtype=np.uint8)
    rows = np.repeat(np.arange(len(words), dtype=np.int32), lengths)
    is_letter = (signs >= ord("a")) & (signs <= ord("z"))
    np.add.at(counts, (rows[is_letter], signs[is_letter] - ord("a")), 1)
    return counts


def distance(one: str, other: str) -> int:
    """Return how many letters are left out, added, replaced, or swapped with their neighbour.

    The distance of optimal string alignment: no letter is changed twice.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        before, above, row = row, before, [at]
        for n, meant in enumerate(other, start=1):
            cost = min(before[n] + 1, row[n - 1] + 1, before[n - 1] + (letter != meant))
            if at > 1 and n > 1 and letter == other[n - 2] and one[at - 2] == meant:
                cost = min(cost, above[n - 2] + 1)
            row.append(cost)
    return row[-1]


def error_likelihood(typed: str, meant: str) -> float:  # noqa: PLR0911 - one return for each kind
    """Return how likely `meant` is typed as `typed`, from 0 to 1; 0 if it takes several errors.

    Relative weights: letters doubled, left out, swapped, replaced by a neighbour on the keyboard or
    by one that sounds alike are likelier than others, and the first letter is seldom wrong.
    """
    start = 0
    shorter = min(len(typed), len(meant))
    while start < shorter and typed[start] == meant[start]:
        start += 1
    rest_typed, rest_meant = typed[start:], meant[start:]
    if not rest_typed and not rest_meant:
        return 1.0
    at_start = OTHER_FIRST_LETTER if start == 0 else 1.0
    if len(typed) == len(meant):
        if rest_typed[1:] == rest_meant[1:]:
            pair = rest_typed[0] + rest_meant[0]
            return at_start * (0.9 if pair in _NEIGHBOURS or pair in _ALIKE else 0.6)
        if rest_typed[:2] == rest_meant[1::-1] and rest_typed[2:] == rest_meant[2:]:
            return 0.95
        return 0.0
    if len(typed) == len(meant) + 1 and rest_typed[1:] == rest_meant:
        is_doubled = start > 0 and rest_typed[0] == typed[start - 1]
        return 0.97 if is_doubled else at_start * 0.75
    if len(typed) + 1 == len(meant) and rest_typed == rest_meant[1:]:
        return at_start * 0.9
    return 0.0


def _remainders(word: str) -> Iterator[str]:
    yield word
    yield from {word[:n] + word[n + 1 :] for n in range(len(word))}


def _checksum(text: str) -> int:
    return zlib.crc32(text.encode())


def priors_of(words: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return the highest prior of each word."""
    priors: dict[str, float] = {}
    for word, prior in words:
        priors[word] = max(prior, priors.get(word, 0.0))
    return priors
