"""Parsed usage events of one request, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

Dimensions = tuple[str, str, str | None, str | None, str | None, str | None, str | None]
"""An event without its id and time: kind, source, agency, service, link, channel, district; None
for a dimension that the event does not name."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events as columns of equal length."""

    ids: list[str]
    """UUIDs in PostgreSQL's output format."""
    times: list[datetime]
    dimensions: list[Dimensions]
    distinct: set[Dimensions]
    """The dimensions, each once; what is checked of them is checked once."""

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, indexes: Sequence[int]) -> "Batch":
        """Return a batch of the events at these indexes."""
        dimensions = [self.dimensions[n] for n in indexes]
        return Batch(
            [self.ids[n] for n in indexes],
            [self.times[n] for n in indexes],
            dimensions,
            set(dimensions),
        )
