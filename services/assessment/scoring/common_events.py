"""Counts of the events in which two take part, by matrices: pairs grow with the square."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from services.assessment.numerical_libraries import Booleans, Integers, ShortFloats, np

ROWS = 256
"""Rows of the matrix of all pairs that are in memory at a time."""

Participation = ShortFloats
"""A row for each event, a column for each participant, 1 where one took part."""


def participation(events: Sequence[Collection[str]], columns: Mapping[str, int]) -> Participation:
    """Return who took part in which event; `columns` are the participants that count."""
    found = np.zeros((len(events), len(columns)), dtype=np.float32)
    for row, members in enumerate(events):
        found[row, [columns[member] for member in members if member in columns]] = 1
    return found


def common_counts(events: Participation) -> Integers:
    """Return the number of events of each pair."""
    return (events.T @ events).astype(np.int64)


def count_pairs(
    repeated: Participation,
    lasting: Participation,
    *,
    least: int,
    also: Collection[tuple[int, int]] = (),
) -> int:
    """Return how many pairs took part in `least` repeated events or in a lasting one together.

    Pairs in `also`, by the places of their columns, the lower first, count in any case.
    """
    return sum(int(tied.sum()) for tied in _tied_rows(repeated, lasting, also, least=least))


def _tied_rows(
    repeated: Participation,
    lasting: Participation,
    also: Collection[tuple[int, int]],
    *,
    least: int,
) -> Iterator[Booleans]:
    for start in range(0, repeated.shape[1], ROWS):
        rows = slice(start, start + ROWS)
        often = repeated[:, rows].T @ repeated >= least
        tied = often | (lasting[:, rows].T @ lasting > 0)
        for first, second in also:
            if start <= first < start + ROWS:
                tied[first - start, second] = True
        yield np.triu(tied, start + 1)
