"""The services of a regency in memory, found by words: BM25F, names first.

Pure computation over numpy arrays: for each root, the services that have it and its weight in each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import log
from types import MappingProxyType

from services.catalog.search.arrays import (
    AnyNumbers,
    Flags,
    Floats,
    LongNumbers,
    NDArray,
    Numbers,
    Scalar,
    np,
)
from services.catalog.search.complaints import COMPLAINT, COMPLAINT_WORDS
from services.catalog.search.documents import Document, Lexicon
from services.catalog.search.language import IGNORED, KNOWN, SPELLING_WORDS, root_of
from services.catalog.search.questions import Meaning, Part, Question, read_question
from services.catalog.search.synonyms import SYNONYM_WORDS
from services.catalog.search.typing_errors import Correction, SpellingIndex, priors_of

NAME_COUNTS = 1.5
"""How much a complete name in a question counts, relative to its words."""
OTHER_FORM = 0.8
"""How much a word of a name counts that the question has in another form."""
OTHER_ORDER = 0.8
WEAK_IN_NAME = 0.5
WITHOUT_WEAK = 0.9
GAP = 0.8
"""How much a name counts for each word that stands between its own."""
LEAST_SHARE = 0.24
"""The share of what a question asks for that a service must have to be found."""
DOUBTFUL_SHARE = 0.45
"""The share below which the best hit is only suggested: perhaps that is meant."""
LEAST_OF_BEST = 0.2
"""The share of the last hit, relative to that of the first."""
UNKNOWN_COMMON = 0.4
"""How much a common word that no service has counts in a question, relative to a rare one."""
COMPLAINT_TAKEN = 0.6
"""How much more a service counts for a complaint if its texts tell that it takes complaints."""
MOST_NAMES_COMPARED = 300
NO_GROUPS: Mapping[str, Sequence[str]] = MappingProxyType({})
JOINED_AT_ONCE = 2000
"""Arrays that are joined in one step while the index is computed."""


@dataclass(frozen=True)
class Choice:
    """Which services are searched."""

    agency: str | None = None
    life_event: str | None = None
    channel: str | None = None
    modified_after: datetime | None = None
    places: Sequence[str] | None = None
    """Only services that one of these places gives."""


@dataclass(frozen=True)
class Facets:
    """How many hits have each value, the most frequent first."""

    agencies: Sequence[tuple[str, int]]
    life_events: Sequence[tuple[str, int]]
    channels: Sequence[tuple[str, int]]
    places: Sequence[tuple[str, int]]
    groups: Sequence[tuple[str, int]]
    """By groups of places, such as districts: the services that one of the places gives."""


NO_FACETS = Facets((), (), (), (), ())


@dataclass(frozen=True)
class Found:
    """The services that a question finds."""

    slugs: Sequence[str]
    """A page of them, best first."""
    is_more: bool
    total: int
    facets: Facets
    corrected: str | None
    """The question without its typing errors; None if there are none."""
    nearest: str | None
    """The service that was perhaps meant, if none certainly was."""
    is_complaint: bool
    unknown: Sequence[str]
    """Words of the question that no service has."""
    asked: Sequence[str]
    """The words and phrases of the question that tell what it asks for."""


@dataclass(frozen=True)
class Term:
    """What a word or phrase contributes to a question."""

    scores: Floats
    """For each service."""
    asked: float
    """How much it asks for: the highest score."""
    roots: Sequence[tuple[int, float, int]]
    """The roots that it may mean, each with its weight and its place in the phrase."""


@dataclass(frozen=True)
class WordOfName:
    """A word in the names of services."""

    number: int
    word: str
    root: int
    is_weak: bool
    """Whether a name is complete without it."""
    value: float
    """How much it counts in a name."""


@dataclass(frozen=True)
class _Asked:
    """A root that a question asks for."""

    weight: float
    position: int
    words: frozenset[str]


@dataclass(frozen=True)
class _Postings:
    """For each number of a first kind (roots), numbers of a second kind with weights."""

    starts: LongNumbers
    numbers: Numbers
    weights: Floats

    def of(self, number: int) -> tuple[Numbers, Floats]:
        part = slice(self.starts[number], self.starts[number + 1])
        return self.numbers[part], self.weights[part]

    def has(self, number: int) -> bool:
        return bool(self.starts[number] < self.starts[number + 1])

    @property
    def size_in_bytes(self) -> int:
        return self.starts.nbytes + self.numbers.nbytes + self.weights.nbytes


def _postings(keys: Numbers, numbers: Numbers, weights: Floats, *, size: int) -> _Postings:
    """Group numbers by key; the numbers of each key ascend if they are given in order."""
    order = np.argsort(keys, kind="stable")
    # Counting by `np.bincount` would not let other threads run.
    starts = np.searchsorted(keys[order], np.arange(size + 1, dtype=np.int32))
    return _Postings(starts, numbers[order], weights[order])


def _joined(arrays: Sequence[NDArray[Scalar]], nothing: NDArray[Scalar]) -> NDArray[Scalar]:
    """Return the arrays as one; in steps, since joining many holds the event loop."""
    steps = [nothing]
    for start in range(0, len(arrays), JOINED_AT_ONCE):
        steps.append(np.concatenate(arrays[start : start + JOINED_AT_ONCE]))
    return np.concatenate(steps)


def _distinct(numbers: AnyNumbers) -> AnyNumbers:
    """Return each number once, ascending; unlike `np.unique`, sorting lets other threads run."""
    ascending = np.sort(numbers)
    return ascending[np.diff(ascending, prepend=-1) > 0]


def _places(lengths: Sequence[int]) -> Numbers:
    """Return each place as often as its length says."""
    return np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)


class SearchIndex:
    """The services at one state of the catalogue; it never changes."""

    def __init__(self, documents: Sequence[Document], lexicon: Lexicon) -> None:
        """Index services, which are in the order of their slugs."""
        self._slugs = [document.slug for document in documents]
        self._places = {slug: place for place, slug in enumerate(self._slugs)}
        self._lexicon = lexicon
        self._roots = lexicon.roots
        self._index_words(documents)
        self._index_names(documents)
        self._index_choices(documents)
        self._index_spelling(documents)

    @property
    def size(self) -> int:
        """The number of services."""
        return len(self._slugs)

    @property
    def size_in_bytes(self) -> int:
        """Bytes of the arrays."""
        parts = (self._words, self._name_words, self._given_at, self._spelling)
        arrays = (
            self._rarity,
            self._name_starts,
            self._words_of_names,
            self._name_lengths,
            self._name_places,
            self._agency_of,
            self._has_life_event,
            self._has_channel,
            self._modified_at,
        )
        return sum(part.size_in_bytes for part in parts) + sum(array.nbytes for array in arrays)

    def _index_words(self, documents: Sequence[Document]) -> None:
        self._words = _postings(
            _joined([document.roots for document in documents], np.zeros(0, dtype=np.int32)),
            _places([len(document.roots) for document in documents]),
            _joined([document.weights for document in documents], np.zeros(0, dtype=np.float32)),
            size=self._roots,
        )
        having = np.diff(self._words.starts)
        self._rarity: Floats = np.log1p(
            (self.size - having + 0.5) / (having + 0.5), dtype=np.float32
        )
        self._most_rarity = log(1 + (self.size + 0.5) / 1.5)

    def _index_names(self, documents: Sequence[Document]) -> None:
        self._words_of_names = _joined(
            [document.name_words for document in documents], np.zeros(0, dtype=np.int32)
        )
        lengths = _joined(
            [document.name_lengths for document in documents], np.zeros(0, dtype=np.int32)
        )
        self._name_places = _places([len(document.name_lengths) for document in documents])
        self._name_starts = np.zeros(len(lengths) + 1, dtype=np.int32)
        np.cumsum(lengths, out=self._name_starts[1:])
        roots = np.asarray(self._lexicon.root_of_word, dtype=np.int32)[self._words_of_names]
        is_strong = ~np.asarray(self._lexicon.is_weak_word, dtype=np.bool_)[self._words_of_names]
        name_of_word = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        strong_words = np.bincount(name_of_word, weights=is_strong, minlength=len(lengths))
        self._has_strong_words = strong_words > 0
        is_required = is_strong | ~self._has_strong_words[name_of_word]
        # A root that a name has twice is required once.
        pairs = _distinct(
            name_of_word[is_required].astype(np.int64) << 32 | roots[is_required].astype(np.int64)
        )
        name_of_pair = (pairs >> 32).astype(np.int32)
        self._name_words = _postings(
            (pairs & 0xFFFFFFFF).astype(np.int32),
            name_of_pair,
            np.zeros(len(pairs), dtype=np.float32),
            size=self._roots,
        )
        self._name_lengths = np.bincount(name_of_pair, minlength=len(lengths)).astype(np.int32)

    def _index_choices(self, documents: Sequence[Document]) -> None:
        self._agencies = sorted({one.agency for one in documents})
        self._life_events = sorted({event for one in documents for event in one.life_events})
        self._channels = sorted({channel for one in documents for channel in one.channels})
        agencies = {slug: number for number, slug in enumerate(self._agencies)}
        self._agency_of: Numbers = np.array(
            [agencies[one.agency] for one in documents], dtype=np.int32
        )
        self._has_life_event = _membership(
            [one.life_events for one in documents], self._life_events
        )
        self._has_channel = _membership([one.channels for one in documents], self._channels)
        places = sorted({place for one in documents for place in one.places})
        self._place_numbers = {slug: number for number, slug in enumerate(places)}
        lengths = [len(one.places) for one in documents]
        self._given_at = _postings(
            np.array(
                [self._place_numbers[place] for one in documents for place in one.places],
                dtype=np.int32,
            ),
            _places(lengths),
            np.zeros(sum(lengths), dtype=np.float32),
            size=len(places),
        )
        self._modified_at = np.array([one.modified_at.timestamp() for one in documents])

    def _index_spelling(self, documents: Sequence[Document]) -> None:
        words = self._lexicon.words
        in_names = {words[number] for number in _distinct(self._words_of_names).tolist()}
        others = _distinct(
            _joined([document.other_words for document in documents], np.zeros(0, dtype=np.int32))
        )
        in_texts = {words[number] for number in others.tolist()}
        self._spelling = SpellingIndex(
            priors_of(
                [
                    *((word, 1.0) for word in in_names if word.isalpha()),
                    *((word, 0.95) for word in SYNONYM_WORDS | COMPLAINT_WORDS),
                    *((word, 0.95) for word in IGNORED | SPELLING_WORDS),
                    *((word, 0.8) for word in in_texts if word.isalpha()),
                    *((word, 0.85) for word in KNOWN),
                ]
            )
        )
        self._vocabulary = in_names | in_texts
        self.words_in_order = sorted(self._vocabulary)

    def search(
        self,
        text: str,
        choice: Choice,
        *,
        limit: int,
        after: str | None = None,
        groups: Mapping[str, Sequence[str]] = NO_GROUPS,
        is_counted: bool = True,
    ) -> Found:
        """Return the services that a question finds, best first, those behind `after`.

        `groups` are places whose services are counted together. Unless hits `is_counted` by their
        values, which takes time with every place, the facets are empty.
        """
        question = read_question(text, self)
        scores, share = self._score(question)
        # A complaint that names a service besides finds it; others find none by some of its words.
        enough = np.full(self.size, DOUBTFUL_SHARE if question.is_complaint else LEAST_SHARE)
        if question.is_complaint and (root := self._root(root_of(COMPLAINT))) is not None:
            takers, weights = self._words.of(root)
            scores[takers] *= 1 + np.float32(COMPLAINT_TAKEN) * weights
            enough[takers] = LEAST_SHARE
        is_chosen = self._chosen(choice)
        scores[~is_chosen] = 0
        best = int(scores.argmax()) if self.size else 0
        highest = float(scores[best]) if self.size else 0.0
        enough = np.maximum(enough, LEAST_OF_BEST * share[best] if highest else 1.0)
        is_hit = is_chosen & (share >= enough) & (scores > 0)
        hits = np.flatnonzero(is_hit)
        page, is_more = self._page(hits, scores[hits], limit=limit, after=after)
        is_doubtful = highest > 0 and share[best] < DOUBTFUL_SHARE
        return Found(
            slugs=page,
            is_more=is_more,
            total=len(hits),
            facets=self._facets(hits, is_hit, groups) if is_counted else NO_FACETS,
            corrected=question.corrected,
            nearest=self._slugs[best] if is_doubtful else None,
            is_complaint=question.is_complaint,
            unknown=[
                part.typed
                for part in question.parts
                if all(self._numbers_of(meaning) is None for meaning in part.meanings)
            ],
            asked=[part.typed for part in question.parts],
        )

    @property
    def slugs(self) -> Sequence[str]:
        """The services by number."""
        return self._slugs

    @property
    def most_rarity(self) -> float:
        """How much a word counts in a question that no service has."""
        return self._most_rarity

    def read_term(self, text: str) -> Term:
        """Return what a word or phrase contributes to a question."""
        question = read_question(text, self, completes=False)
        scores, asked = self._score_parts(question)
        roots = self._asked(question.parts)
        return Term(
            scores=scores,
            asked=asked,
            roots=tuple((root, one.weight, one.position) for root, one in roots.items()),
        )

    def words_of_names(self) -> Iterator[WordOfName]:
        """Yield the words that names of services have, by number."""
        for number in _distinct(self._words_of_names).tolist():
            root = self._lexicon.root_of_word[number]
            yield WordOfName(
                number,
                self._lexicon.words[number],
                root=root,
                is_weak=self._lexicon.is_weak_word[number],
                value=self._value_in_name(root),
            )

    def names(self) -> Iterator[tuple[int, list[int]]]:
        """Yield each name: the number of its service, and the numbers of its words."""
        for service, (start, end) in zip(
            self._name_places.tolist(), pairwise(self._name_starts.tolist()), strict=True
        ):
            yield service, self._words_of_names[start:end].tolist()

    def _value_in_name(self, root: int) -> float:
        return (float(self._rarity[root]) + self._most_rarity) / 2

    def find_all(self, text: str) -> list[str]:
        """Return the slugs of all services that a question finds, best first."""
        return list(self.search(text, Choice(), limit=max(1, self.size)).slugs)

    def find_named(self, text: str, *, most: int) -> list[str]:
        """Return the slugs of those of which a name stands in a question, best first."""
        names = self._score_names(read_question(text, self))
        order = np.argsort(-names, kind="stable")[:most]
        return [self._slugs[place] for place in order.tolist() if names[place] > 0]

    def __contains__(self, word: str) -> bool:
        return word in self._vocabulary

    def corrections(self, word: str, *, most: int) -> list[Correction]:
        """Return words of the catalogue or the language that were perhaps meant by this."""
        # A new form of a word that services have is no word with two errors.
        errors = 2 if self._root(root_of(word)) is None else 1
        return self._spelling.corrections(word, most=most, errors=errors)

    def _root(self, root: str) -> int | None:
        """Return the number of a root that a service has."""
        number = self._lexicon.find_root(root)
        if number is None or number >= self._roots or not self._words.has(number):
            return None  # of a later state of the catalogue, or of an earlier one
        return number

    def _numbers_of(self, meaning: Meaning) -> list[int] | None:
        """Return the numbers of all roots of a meaning; None if no service has one of them."""
        numbers = [number for root in meaning.roots if (number := self._root(root)) is not None]
        return numbers if len(numbers) == len(meaning.roots) else None

    def _score(self, question: Question) -> tuple[Floats, Floats]:
        """Return each service's score, and its share of what the question asks for."""
        words, asked = self._score_parts(question)
        names = self._score_names(question)
        share = np.minimum((words + names) / (asked or 1.0), 1.0).astype(np.float32)
        return (words + NAME_COUNTS * names).astype(np.float32), share

    def _score_parts(self, question: Question) -> tuple[Floats, float]:
        """Return each service's score for all parts, and the highest possible."""
        words = np.zeros(self.size, dtype=np.float32)
        asked = 0.0
        for part in question.parts:
            found, most = self._score_part(part)
            words += found
            asked += most
        return words, asked

    def _score_part(self, part: Part) -> tuple[Floats, float]:
        """Return each service's score for a part of the question, and the highest possible."""
        best = np.zeros(self.size, dtype=np.float32)
        most = 0.0
        if part.single:
            for word in part.single:
                found, possible = self._score_part(word)
                best += found
                most += possible
        for meaning in part.meanings:
            roots = self._numbers_of(meaning)
            if roots is None:
                continue
            rarity = float(self._rarity[roots].mean())
            if not part.single:
                most = max(most, rarity)
            ceiling = most / max(rarity, 1e-6) if part.single else 1.0
            places, weights = self._having(roots)
            scores = weights * np.float32(rarity * meaning.weight * min(1.0, ceiling))
            best[places] = np.maximum(best[places], scores)
        if part.single:
            return best, most
        if most == 0.0:
            most = self._most_rarity * (UNKNOWN_COMMON if part.is_common else 1.0)
        weight = np.float32(part.weight)
        return best * weight, most * part.weight

    def _having(self, roots: Sequence[int]) -> tuple[Numbers, Floats]:
        """Return the services that have all these roots, with the mean weight in each."""
        places, weights = self._words.of(roots[0])
        for root in roots[1:]:
            others, other_weights = self._words.of(root)
            places, here, there = np.intersect1d(
                places, others, assume_unique=True, return_indices=True
            )
            weights = weights[here] + other_weights[there]
        return places, weights / np.float32(len(roots))

    def _score_names(self, question: Question) -> Floats:
        """Return each service's score for the best of its names that the question contains."""
        best = np.zeros(self.size, dtype=np.float32)
        asked = self._asked(question.parts)
        counts = np.zeros(len(self._name_lengths), dtype=np.int32)
        for root in asked:
            counts[self._name_words.of(root)[0]] += 1
        complete = np.flatnonzero(counts >= self._name_lengths)
        if len(complete) > MOST_NAMES_COMPARED:
            longest = np.argsort(-self._name_lengths[complete], kind="stable")
            complete = complete[longest[:MOST_NAMES_COMPARED]]
        for number in complete.tolist():
            place = self._name_places[number]
            best[place] = max(best[place], self._score_name(number, asked))
        return best

    def _asked(self, parts: Sequence[Part]) -> dict[int, _Asked]:
        """Return the roots of all meanings with their highest weight and the part's position."""
        asked: dict[int, _Asked] = {}
        position = 0
        for part in parts:
            for at, one in [(0, part), *enumerate(part.single)]:
                for meaning in one.meanings:
                    for root in self._numbers_of(meaning) or ():
                        if root not in asked or asked[root].weight < meaning.weight:
                            asked[root] = _Asked(
                                meaning.weight, position + at, frozenset(one.words)
                            )
            position += max(1, len(part.single))
        return asked

    def _score_name(self, number: int, asked: Mapping[int, _Asked]) -> float:
        # What one word of the question stands for (`SIM`: surat izin mengemudi) counts once.
        values: dict[int, float] = {}
        positions: list[int] = []
        missing = 0
        part = slice(self._name_starts[number], self._name_starts[number + 1])
        for word in self._words_of_names[part].tolist():
            root = self._lexicon.root_of_word[word]
            one = asked.get(root)
            if one is None:
                missing += 1
                continue
            positions.append(one.position)
            value = self._value_in_name(root)
            if self._lexicon.words[word] not in one.words:
                value *= OTHER_FORM
            if self._lexicon.is_weak_word[word] and self._has_strong_words[number]:
                value *= WEAK_IN_NAME
            values[one.position] = max(values.get(one.position, 0.0), value * one.weight)
        score = sum(values.values())
        if positions != sorted(positions):
            score *= OTHER_ORDER
        gaps = max(positions) - min(positions) + 1 - len(set(positions))
        return score * GAP ** max(0, gaps) * WITHOUT_WEAK**missing

    def _chosen(self, choice: Choice) -> Flags:
        chosen = np.ones(self.size, dtype=np.bool_)
        if choice.agency is not None:
            number = self._agencies.index(choice.agency) if choice.agency in self._agencies else -1
            chosen &= self._agency_of == number
        if choice.life_event is not None:
            chosen &= _column(self._has_life_event, self._life_events, choice.life_event)
        if choice.channel is not None:
            chosen &= _column(self._has_channel, self._channels, choice.channel)
        if choice.modified_after is not None:
            chosen &= self._modified_at > choice.modified_after.timestamp()
        if choice.places is not None:
            chosen &= self._given_in(choice.places)
        return chosen

    def _given_in(self, places: Sequence[str]) -> Flags:
        """Return which services one of these places gives."""
        given = np.zeros(self.size, dtype=np.bool_)
        for place in places:
            if place in self._place_numbers:
                given[self._given_at.of(self._place_numbers[place])[0]] = True
        return given

    def _page(
        self, hits: LongNumbers, scores: Floats, *, limit: int, after: str | None
    ) -> tuple[list[str], bool]:
        """Return the slugs behind `after` in order of score and slug, and whether more follow."""
        if after is not None:
            place = self._places.get(after, -1)
            at = np.flatnonzero(hits == place)
            if not len(at):
                return [], False
            last = scores[at[0]]
            behind = (scores < last) | ((scores == last) & (hits > place))
            hits, scores = hits[behind], scores[behind]
        if len(hits) > limit + 1:
            # Equal scores at the border stay together, so that their slugs decide.
            border = -np.partition(-scores, limit)[limit]
            among = scores >= border
            hits, scores = hits[among], scores[among]
        order = np.lexsort((hits, -scores))[: limit + 1]
        page = [self._slugs[place] for place in hits[order].tolist()]
        return page[:limit], len(page) > limit

    def _facets(
        self, hits: LongNumbers, is_hit: Flags, groups: Mapping[str, Sequence[str]]
    ) -> Facets:
        agencies = np.bincount(self._agency_of[hits], minlength=len(self._agencies))
        return Facets(
            agencies=_by_count(self._agencies, agencies),
            life_events=_by_count(self._life_events, self._has_life_event[hits].sum(axis=0)),
            channels=_by_count(self._channels, self._has_channel[hits].sum(axis=0)),
            places=_by_count(
                list(self._place_numbers),
                np.array(
                    [is_hit[self._given_at.of(n)[0]].sum() for n in self._place_numbers.values()],
                    dtype=np.int64,
                ),
            ),
            groups=_by_count(
                list(groups),
                np.array(
                    [(self._given_in(places) & is_hit).sum() for places in groups.values()],
                    dtype=np.int64,
                ),
            ),
        )


def _membership(values: Sequence[Sequence[str]], known: Sequence[str]) -> Flags:
    """Return a row for each service and a column for each known value."""
    numbers = {value: number for number, value in enumerate(known)}
    table = np.zeros((len(values), len(known)), dtype=np.bool_)
    for row, some in enumerate(values):
        for value in some:
            table[row, numbers[value]] = True
    return table


def _column(table: Flags, known: Sequence[str], value: str) -> Flags:
    if value not in known:
        return np.zeros(len(table), dtype=np.bool_)
    return table[:, known.index(value)]


def _by_count(values: Sequence[str], counts: LongNumbers) -> list[tuple[str, int]]:
    pairs = [(v, int(n)) for v, n in zip(values, counts.tolist(), strict=True) if n]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
