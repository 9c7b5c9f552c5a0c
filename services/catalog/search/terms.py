"""The search as tables, for devices that search without the hub.

A device that is offline has no language rules. It looks up the words and phrases that the rules
know, each with what it scores for which service and which roots it means, computed here by the
index itself. What is left to the device is arithmetic, the likeliest word for an unknown one, and
the beginning of the last.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from services.catalog.search.complaints import COMPLAINT_WORDS
from services.catalog.search.index import SearchIndex
from services.catalog.search.language import (
    AFFIXES,
    IGNORED,
    KNOWN,
    SPELLING_VARIANTS,
    SPELLING_WORDS,
    root_of,
)
from services.catalog.search.synonyms import SYNONYM_PHRASES

TENTHS = 10
"""Scores are stored as whole tenths."""
HUNDREDTHS = 100
"""Weights are stored as whole hundredths."""
LEAST_SCORE = 0.04
"""The least score that is stored, relative to the highest of the term."""


@dataclass(frozen=True)
class Terms:
    """The tables; what refers to another one does so by place."""

    slugs: list[str]
    scores: list[list[int]]
    """What a term asks for, then pairs: a service, and the score."""
    roots: list[list[int]]
    """By the places of `scores`: triples of a root, its weight, and its place in the phrase."""
    terms: dict[str, int]
    """Words and phrases in standard spelling, with the place of their scores."""
    words: list[tuple[str, int, int, int]]
    """Words of names: the word, its root, 1 if it is weak, and its value."""
    names: list[list[int]]
    """A service, and the words of a name of it."""
    spellings: dict[str, str]
    affixes: list[tuple[str, str, str]]
    unknown: int
    """What a word asks for that no service has."""


def index_terms(index: SearchIndex) -> Terms:
    """Return the tables of an index."""
    words = list(index.words_of_names())
    places = {word.number: place for place, word in enumerate(words)}
    roots = {root: number for number, root in enumerate(dict.fromkeys(one.root for one in words))}
    contents: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
    terms = {
        term: contents.setdefault(_content(index, term, roots), len(contents))
        for term in sorted(set(_terms(index)))
    }
    return Terms(
        slugs=list(index.slugs),
        scores=[list(scores) for scores, _ in contents],
        roots=[list(meant) for _, meant in contents],
        terms=terms,
        words=[
            (word.word, roots[word.root], int(word.is_weak), round(word.value * TENTHS))
            for word in words
        ],
        names=[
            [service, *(places[number] for number in numbers)] for service, numbers in index.names()
        ],
        spellings=dict(SPELLING_VARIANTS),
        affixes=list(AFFIXES),
        unknown=round(index.most_rarity * TENTHS),
    )


def _terms(index: SearchIndex) -> Iterator[str]:
    """Yield the words and phrases that the index or the rules know."""
    words = {*index.words_in_order, *SPELLING_WORDS, *COMPLAINT_WORDS, *IGNORED, *KNOWN}
    words -= SPELLING_VARIANTS.keys()
    yield from words
    # By a root that no text has, forms of it are found.
    yield from (root for word in words if root_of(root := root_of(word)) == root)
    yield from SYNONYM_PHRASES


def _content(
    index: SearchIndex, text: str, roots: dict[int, int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the entries of a term in `scores` and `roots`."""
    term = index.read_term(text)
    least = LEAST_SCORE * float(term.scores.max(initial=0))
    scores = [round(term.asked * TENTHS)]
    for service in term.scores.nonzero()[0].tolist():
        score = float(term.scores[service])
        if score >= least and (rounded := round(score * TENTHS)):
            scores += [service, rounded]
    meant: list[int] = []
    for root, weight, position in term.roots:
        if root in roots:
            meant += [roots[root], round(weight * HUNDREDTHS), position]
    return tuple(scores), tuple(meant)
