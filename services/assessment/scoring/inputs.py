"""What an assessment reads: evidence records, and what the other services report."""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cached_property
from typing import Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field

from services.assessment.evidence.records import EVIDENCE, Evidence, TemporalEvidence
from services.platform.packs import content_hash
from services.platform.types import Href

RecordT = TypeVar("RecordT", bound=Evidence)
Row = tuple["Item", Any]
ReportName = Literal["catalog", "usage", "reporting", "survey"]


class Item(BaseModel):
    """One piece of evidence: a record in a version, or a report of another service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(description="Kind of record, or `catalog`, `usage`, `reporting`, `survey`.")
    key: str
    version: int | None = Field(
        default=None, description="Version of the record; null for a report."
    )
    href: Href = Field(description="Where it can be read.")
    content: dict[str, Any]


class Facts(BaseModel):
    """All that an assessment of a year reads, and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    period: int
    items: list[Item]
    missing: dict[str, str] = Field(
        default_factory=dict[str, str], description="Reports that did not come, and why."
    )

    @property
    def first_day(self) -> date:
        return date(self.period, 1, 1)

    @property
    def last_day(self) -> date:
        return date(self.period, 12, 31)

    def records(self, kind: type[RecordT]) -> Iterator[tuple[Item, RecordT]]:
        """The records of a kind, in the order of their keys."""
        name = next(name for name, model in EVIDENCE.items() if model is kind)
        for item, record in self._parsed.get(name, ()):
            yield item, cast("RecordT", record)

    @cached_property
    def _parsed(self) -> dict[str, list[tuple[Item, Evidence]]]:
        parsed: dict[str, list[tuple[Item, Evidence]]] = {}
        for item in sorted(self.items, key=lambda item: item.key):
            model = EVIDENCE.get(item.kind)
            if model is not None:
                record = model.model_validate(item.content)
                parsed.setdefault(item.kind, []).append((item, record))
        return parsed

    def check_records(self) -> None:
        """Raises a `ValueError` where a record is not as its kind has to be."""
        _ = self._parsed

    def report(self, kind: ReportName, key: str) -> Item | None:
        """What another service reports, or None where it did not."""
        return next((item for item in self.items if (item.kind, item.key) == (kind, key)), None)

    def hash(self) -> str:
        """SHA-256 over all that is read, in an order of its own."""
        ordered = sorted(self.items, key=lambda item: (item.kind, item.key))
        return content_hash(
            {"period": self.period, "items": [item.model_dump(mode="json") for item in ordered]}
        )


def valid_at_end(record: TemporalEvidence, *, first: date, last: date) -> bool:
    """Whether something lasting held at the end of a span of time.

    Of something without a first day only the year of its attestation counts.
    """
    if record.valid_to is not None and record.valid_to < last:
        return False
    if record.valid_from is not None:
        return record.valid_from <= last
    return record.attested_in is not None and first.year <= record.attested_in <= last.year


def valid_during(record: TemporalEvidence, *, first: date, last: date) -> bool:
    """Whether something lasting held at any moment of a span of time."""
    if record.valid_to is not None and record.valid_to < first:
        return False
    if record.valid_from is not None:
        return record.valid_from <= last
    return record.attested_in is not None and first.year <= record.attested_in <= last.year


def items_of(rows: Iterable[tuple[Item, Any]]) -> list[Item]:
    return [item for item, _ in rows]
