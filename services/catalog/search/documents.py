"""What a service is found by: its names and texts as words with weights.

A document holds numbers instead of words, some kilobytes for a service; `Lexicon` numbers them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from services.catalog.search.arrays import Floats, Numbers, np
from services.catalog.search.language import IGNORED, is_weak, root_of, standard_words

SATURATION = 1.2
"""k1 of BM25: how soon further occurrences of a word stop to count."""


@dataclass(frozen=True)
class Field:
    """A part of a service's texts: its weight, and how its length counts (BM25F)."""

    weight: float
    usual_length: int
    """Words at which a field is neither short nor long."""
    length_counts: float
    """b of BM25: 0 if the length does not matter, 1 if only the share of the words does."""


NAME = Field(4.0, usual_length=5, length_counts=0.4)
COMMON_NAME = Field(4.0, usual_length=3, length_counts=0.2)
NAME_IN_ENGLISH = Field(3.0, usual_length=5, length_counts=0.4)
SUMMARY = Field(1.0, usual_length=18, length_counts=0.5)
SUMMARY_IN_ENGLISH = Field(0.7, usual_length=18, length_counts=0.5)
CONTEXT = Field(0.6, usual_length=12, length_counts=0.4)
STANDARD = Field(0.3, usual_length=150, length_counts=0.6)


NOTHING = -1
"""The number of words that say nothing."""


class Lexicon:
    """Numbers of words and of their roots; words are only added."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.root_of_word: list[int] = []
        self.is_weak_word: list[bool] = []
        self._numbers: dict[str, int] = {}
        self._roots: dict[str, int] = {}

    @property
    def roots(self) -> int:
        """How many roots there are."""
        return len(self._roots)

    def find_root(self, root: str) -> int | None:
        """Return the number of a root; None if no word has it."""
        return self._roots.get(root)

    def numbers(self, words: Iterable[str]) -> list[int]:
        """Return the numbers of the telling words; new ones are added."""
        known = self._numbers.get
        found: list[int] = []
        for word in words:
            number = known(word)
            if number is None:
                number = self._add(word)
            if number != NOTHING:
                found.append(number)
        return found

    def _add(self, word: str) -> int:
        if word in IGNORED:
            number = NOTHING
        else:
            number = len(self.words)
            self.words.append(word)
            self.root_of_word.append(self._roots.setdefault(root_of(word), len(self._roots)))
            self.is_weak_word.append(is_weak(word))
        self._numbers[word] = number
        return number


@dataclass(frozen=True)
class ServiceTexts:
    """A service as search reads it."""

    slug: str
    version: int
    modified_at: datetime
    agency: str
    life_events: tuple[str, ...]
    channels: tuple[str, ...]
    places: tuple[str, ...]
    name: str
    common_names: tuple[str, ...]
    name_in_english: str
    summary: tuple[str, ...]
    """What it is and its cases."""
    summary_in_english: tuple[str, ...]
    context: tuple[str, ...]
    """Names of the agency and the life events, in both languages."""
    standard: tuple[str, ...]
    """The published components of the service standard."""


def service_texts(
    service: Mapping[str, Any], *, version: int, modified_at: datetime, context: Iterable[str]
) -> ServiceTexts:
    """Return what search reads of a service as it is stored."""
    return ServiceTexts(
        slug=service["slug"],
        version=version,
        modified_at=modified_at,
        agency=service["agency"],
        life_events=tuple(service["life_events"]),
        channels=tuple(sorted({channel["kind"] for channel in service["channels"]})),
        places=tuple(service.get("places", ())),
        name=service["name"],
        common_names=tuple(service["common_names"]),
        name_in_english=service["name_en"],
        summary=(service["summary"], *(case["name"] for case in service.get("cases", ()))),
        summary_in_english=(
            service["summary_en"],
            *(case["name_en"] for case in service.get("cases", ())),
        ),
        context=tuple(context),
        standard=tuple(
            words
            for part in service["components"].values()
            if not part.get("general")
            for words in (part["text"], *part["items"])
        ),
    )


def name_texts(content: Mapping[str, Any], *, modified_at: datetime) -> ServiceTexts:
    """Return an agency or a place as search reads it: by its names alone."""
    return ServiceTexts(
        slug=content["slug"],
        version=1,
        modified_at=modified_at,
        agency="",
        life_events=(),
        channels=(),
        places=(),
        name=content["name"],
        common_names=(content["short_name"],) if "short_name" in content else (),
        name_in_english=content["name_en"],
        summary=(),
        summary_in_english=(),
        context=(),
        standard=(),
    )


def names_in(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of an agency or a life event."""
    return tuple(content[field] for field in ("name", "short_name", "name_en") if field in content)


class Document(msgspec.Struct, frozen=True, gc=False):
    """A service as numbers of words.

    The garbage collector passes these over (`gc=False`): looking through a hundred thousand of them
    would hold the event loop for a tenth of a second.
    """

    slug: str
    version: int
    modified_at: datetime
    agency: str
    life_events: tuple[str, ...]
    channels: tuple[str, ...]
    places: tuple[str, ...]
    roots: Numbers
    """Each root of its texts once."""
    weights: Floats
    """The weight of each of `roots`, from 0 to 1."""
    name_words: Numbers
    """The telling words of its names, one name after the other."""
    name_lengths: Numbers
    other_words: Numbers
    """The words of its other texts."""

    @property
    def size_in_bytes(self) -> int:
        """Bytes of the arrays."""
        arrays = (self.roots, self.weights, self.name_words, self.name_lengths, self.other_words)
        return sum(array.nbytes for array in arrays)


def read_document(texts: ServiceTexts, lexicon: Lexicon) -> Document:
    """Return the words of a service with their weights."""
    counts: dict[int, float] = {}
    others: set[int] = set()
    _count(counts, _numbers((texts.name,), lexicon), NAME, lexicon)
    best: dict[int, float] = {}
    for name in texts.common_names:
        one: dict[int, float] = {}
        _count(one, _numbers((name,), lexicon), COMMON_NAME, lexicon)
        for root, count in one.items():
            best[root] = max(count, best.get(root, 0.0))
    for root, count in best.items():
        counts[root] = counts.get(root, 0.0) + count
    _count(counts, _numbers((texts.name_in_english,), lexicon), NAME_IN_ENGLISH, lexicon)
    for part, field in (
        (texts.summary, SUMMARY),
        (texts.summary_in_english, SUMMARY_IN_ENGLISH),
        (texts.context, CONTEXT),
        (texts.standard, STANDARD),
    ):
        numbers = _numbers(part, lexicon)
        others.update(numbers)
        _count(counts, numbers, field, lexicon)
    names = list(
        dict.fromkeys(_names((texts.name, *texts.common_names, texts.name_in_english), lexicon))
    )
    weights = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
    return Document(
        slug=texts.slug,
        version=texts.version,
        modified_at=texts.modified_at,
        agency=texts.agency,
        life_events=texts.life_events,
        channels=texts.channels,
        places=texts.places,
        roots=np.fromiter(counts, dtype=np.int32, count=len(counts)),
        weights=(weights / (SATURATION + weights)).astype(np.float32),
        name_words=np.array([number for name in names for number in name], dtype=np.int32),
        name_lengths=np.array([len(name) for name in names], dtype=np.int32),
        other_words=np.fromiter(others, dtype=np.int32, count=len(others)),
    )


def _numbers(texts: Sequence[str], lexicon: Lexicon) -> list[int]:
    """Return the numbers of the telling words."""
    return [number for text in texts for number in lexicon.numbers(standard_words(text))]


def _count(
    counts: dict[int, float], numbers: Sequence[int], field: Field, lexicon: Lexicon
) -> None:
    """Add the occurrences of the roots in a field, by its weight and length."""
    length = 1 - field.length_counts + field.length_counts * len(numbers) / field.usual_length
    weight, roots = field.weight / length, lexicon.root_of_word
    for number in numbers:
        root = roots[number]
        counts[root] = counts.get(root, 0.0) + weight


def _names(names: Iterable[str], lexicon: Lexicon) -> Iterator[tuple[int, ...]]:
    """Yield what names are compared by; a name's abbreviation in brackets is a name of its own."""
    for name in names:
        parts = [name]
        if name.endswith(")") and "(" in name:
            before, _, abbreviation = name[:-1].rpartition("(")
            parts = [before, *abbreviation.split(",")]
        for part in parts:
            numbers = tuple(_numbers((part,), lexicon))
            if numbers:
                yield numbers
