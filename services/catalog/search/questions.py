"""What a question asks for: its words, corrected and with what else they may mean."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.catalog.search.complaints import COMPLAINT_WORDS, is_complaint
from services.catalog.search.language import (
    IGNORED,
    KNOWN,
    english_forms,
    is_weak,
    root_of,
    standard_words,
)
from services.catalog.search.synonyms import SYNONYM_WORDS, phrase_at, synonyms_of
from services.catalog.search.typing_errors import Correction

MAX_WORDS = 24
"""Words of a question that are read; further ones are left out."""
MOST_CORRECTIONS = 5
MOST_COMPLETIONS = 12
"""Words that the beginning of one is completed to."""
SHORTEST_BEGINNING = 3
COMPLETION = 0.7
"""Weight of a word that begins as the last word of a question does."""
WEAK_WEIGHT = 0.3
"""Weight of words that tell of circumstances."""
FORM_OF_WORD = 0.95
DOUBT = 0.5
"""Weight of what may have been meant by a common word."""
LIKELY = 0.8
"""The least likelihood with which a common word is doubted."""
DENIAL = "bukan"
CONTRASTS = frozenset({"tapi", "tetapi", "melainkan", "namun"})


AddMeaning = Callable[[tuple[str, ...], float], None]
"""Adds roots that are meant, with their weight."""


class Vocabulary(Protocol):
    """The words of a catalogue."""

    @property
    def words_in_order(self) -> Sequence[str]:
        """The words in the order of their letters."""
        ...

    def __contains__(self, word: str) -> bool: ...

    def corrections(self, word: str, *, most: int) -> list[Correction]:
        """Return words that may have been meant, those of the language among them."""
        ...


@dataclass(frozen=True)
class Meaning:
    """Roots that a part of a question may mean, all of them together."""

    roots: tuple[str, ...]
    weight: float


@dataclass(frozen=True)
class Part:
    """A word or phrase of a question."""

    words: tuple[str, ...]
    typed: str
    """As it was typed, in standard spelling."""
    weight: float
    """How much it counts beside the others, apart from how rare it is."""
    meanings: tuple[Meaning, ...]
    """The part itself first, unless it is no known word."""
    is_common: bool
    """Whether it is a common word of the language."""
    single: tuple["Part", ...] = ()
    """The words of a phrase as parts of their own."""


@dataclass(frozen=True)
class Question:
    """A question as the index answers it."""

    parts: tuple[Part, ...]
    corrected: str | None
    """The question with its typing errors corrected; None if there are none."""
    is_complaint: bool


@dataclass
class _Word:
    text: str
    corrections: list[Correction] = field(default_factory=list[Correction])
    """Words that were perhaps meant by one that is unknown."""
    doubts: list[Correction] = field(default_factory=list[Correction])
    """Words that were perhaps meant by a common one of which no service speaks."""

    @property
    def likeliest(self) -> str:
        return standard_words(self.corrections[0].word)[0] if self.corrections else self.text


def read_question(text: str, vocabulary: Vocabulary, *, completes: bool = True) -> Question:
    """Return what a question asks for.

    `completes` takes its last word for the beginning of others, too: somebody is typing.
    """
    words_in_order = vocabulary.words_in_order if completes else ()
    words = _joined_or_split(_without_denied(standard_words(text)[:MAX_WORDS]), vocabulary)
    read = [_Word(word) for word in words]
    for position, word in enumerate(read):
        is_beginning = position == len(read) - 1 and any(
            _completions(word.text, words_in_order, most=1)
        )
        if is_known(word.text, vocabulary):
            if not has_meaning(word.text, vocabulary):
                word.doubts = vocabulary.corrections(word.text, most=MOST_CORRECTIONS)
        elif not is_beginning:
            word.corrections = vocabulary.corrections(word.text, most=MOST_CORRECTIONS)
    meant = standard_words(" ".join(word.likeliest for word in read))
    changed = any(word.corrections for word in read)
    return Question(
        parts=tuple(_parts(read, words_in_order)),
        corrected=" ".join(word.likeliest for word in read) if changed else None,
        is_complaint=is_complaint([root_of(word) for word in meant]),
    )


def is_known(word: str, vocabulary: Vocabulary) -> bool:
    """Return whether a word needs no correction."""
    return (
        word in vocabulary
        or word in IGNORED
        or word in KNOWN
        or word in SYNONYM_WORDS
        or word in COMPLAINT_WORDS
        or not word.isalpha()
    )


def has_meaning(word: str, vocabulary: Vocabulary) -> bool:
    """Return whether a known word tells anything of a service, or certainly nothing."""
    return (
        word in vocabulary
        or word in IGNORED
        or bool(synonyms_of((root_of(word),)))
        or not word.isalpha()
    )


def _without_denied(words: Sequence[str]) -> Sequence[str]:
    """Leave out what a question says that it does not mean: `bukan SIM baru tapi perpanjang SIM`.

    That is the last word before the contrast: in Indonesian what distinguishes follows the thing. A
    denial without a contrast tells what is lacking and stays: `bukan penduduk Toba`.
    """
    for start, word in enumerate(words):
        if word == DENIAL:
            for end in range(start + 2, len(words) - 1):
                if words[end] in CONTRASTS:
                    return [*words[:start], *words[start + 1 : end - 1], *words[end + 1 :]]
    return words


def _joined_or_split(words: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """Join words that were written apart (`ak 1`) and split what was written together."""
    result: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        if at + 1 < len(words):
            both = word + words[at + 1]
            is_doubtful = not is_known(word, vocabulary) or not is_known(words[at + 1], vocabulary)
            if both in vocabulary and (is_doubtful or len(words[at + 1]) == 1):
                result.append(both)
                at += 2
                continue
        result.extend(_split(word, vocabulary))
        at += 1
    return result


def _split(word: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    if len(word) >= 6 and not is_known(word, vocabulary):
        for n in range(3, len(word) - 2):
            if word[:n] in vocabulary and word[n:] in vocabulary:
                return (word[:n], word[n:])
    return (word,)


def _parts(words: Sequence[_Word], words_in_order: Sequence[str]) -> Iterator[Part]:
    roots = [root_of(word.likeliest) for word in words]
    at = 0
    while at < len(words):
        length = phrase_at(roots, at)
        if length == 1:
            if words[at].likeliest not in IGNORED:
                yield _part(words[at], words_in_order, is_last=at == len(words) - 1)
        else:
            phrase = words[at : at + length]
            yield Part(
                words=tuple(word.likeliest for word in phrase),
                typed=" ".join(word.text for word in phrase),
                weight=1.0,
                meanings=tuple(
                    Meaning(synonym.roots, synonym.weight)
                    for synonym in synonyms_of(tuple(roots[at : at + length]))
                ),
                is_common=False,
                single=tuple(
                    _part(word, words_in_order, is_last=False)
                    for word in phrase
                    if word.likeliest not in IGNORED
                ),
            )
        at += length


def _part(word: _Word, words_in_order: Sequence[str], *, is_last: bool) -> Part:
    meanings: dict[tuple[str, ...], float] = {}

    def add(roots: tuple[str, ...], weight: float) -> None:
        meanings[roots] = max(weight, meanings.get(roots, 0.0))

    if not word.corrections:
        _add_meanings(add, word.text, 1.0)
    for correction in word.corrections:
        _add_standard(add, correction.word, correction.likelihood)
    for doubt in word.doubts:
        if doubt.likelihood >= LIKELY:
            _add_standard(add, doubt.word, doubt.likelihood * DOUBT)
    if is_last and len(word.text) >= SHORTEST_BEGINNING:
        for completion in _completions(word.text, words_in_order, most=MOST_COMPLETIONS):
            add((root_of(completion),), COMPLETION)
    return Part(
        words=(word.likeliest,),
        typed=word.text,
        weight=WEAK_WEIGHT if is_weak(word.likeliest) else 1.0,
        meanings=tuple(Meaning(roots, weight) for roots, weight in meanings.items()),
        is_common=word.likeliest in KNOWN,
    )


def _add_standard(add: AddMeaning, word: str, weight: float) -> None:
    """Add the meanings of a word that a correction found, in its standard spelling."""
    standard = standard_words(word)
    if len(standard) > 1:
        add(tuple(root_of(one) for one in standard), weight)
    elif standard[0] not in IGNORED:
        _add_meanings(add, standard[0], weight)


def _add_meanings(add: AddMeaning, word: str, weight: float) -> None:
    root = root_of(word)
    add((root,), weight)
    for form in english_forms(word):
        add((root_of(form),), weight * FORM_OF_WORD)
        for synonym in synonyms_of((root_of(form),)):
            add(synonym.roots, weight * synonym.weight * FORM_OF_WORD)
    for synonym in synonyms_of((root,)):
        add(synonym.roots, weight * synonym.weight)


def _completions(beginning: str, words_in_order: Sequence[str], *, most: int) -> Iterator[str]:
    """Yield words that begin like this and are longer."""
    at = bisect_left(words_in_order, beginning)
    for word in words_in_order[at : at + most + 1]:
        if not word.startswith(beginning):
            return
        if word != beginning:
            yield word
