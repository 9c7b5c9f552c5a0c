"""Inputs of an assessment: evidence records and reports of other services."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field

from services.assessment.evidence.records import EVIDENCE, Evidence, TemporalEvidence
from services.assessment.methods.rules import RegisterRule
from services.assessment.scoring.items import Item
from services.assessment.scoring.reports import REPORTS, Report
from services.platform.packs import content_hash

RecordT = TypeVar("RecordT", bound=Evidence)
Row = tuple["Item", Any]

NAMES_OF_KINDS: Mapping[type[Evidence], str] = {model: name for name, model in EVIDENCE.items()}
NAMES_OF_REPORTS: Mapping[type[Report], str] = {model: name for name, model in REPORTS.items()}
ReportT = TypeVar("ReportT", bound=Report)


class Facts(BaseModel):
    """All inputs of a year's assessment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    period: int
    items: list[Item] = Field(description="Reports, and the records that scores read.")
    proposals: list[Item] = Field(
        default_factory=list[Item], description="Changes of records that are not yet confirmed."
    )
    former: list[Item] = Field(
        default_factory=list[Item],
        description="Versions that counted before they were corrected, withdrawn or disputed.",
    )
    missing: dict[str, str] = Field(
        default_factory=dict[str, str], description="Services whose reports are missing, and why."
    )

    registers: RegisterRule = Field(
        default="assumed", exclude=True, description="How the method reads registers."
    )

    def read_by(self, rule: RegisterRule) -> "Facts":
        """Return these facts as a method with that rule reads them."""
        if rule == self.registers:
            return self
        _ = self._parsed  # parsed once: a copy keeps it
        return self.model_copy(update={"registers": rule})

    @classmethod
    def of(
        cls, period: int, items: Iterable[Item], missing: Mapping[str, str] | None = None
    ) -> "Facts":
        """Return the facts of a year from all that was read of it."""
        read = list(items)
        return cls(
            period=period,
            items=[item for item in read if item.state in {None, "confirmed"}],
            proposals=[item for item in read if item.state == "proposed"],
            former=[item for item in read if item.state == "withdrawn"],
            missing=dict(missing or {}),
        )

    @property
    def all_items(self) -> list[Item]:
        """All that was read, proposals and former versions included, in a fixed order."""
        read = [*self.items, *self.proposals, *self.former]
        return sorted(read, key=lambda item: (item.kind, item.key, item.version or 0))

    def with_proposals(self) -> "Facts":
        """Return the facts as they would be if every proposal were confirmed."""
        return self._changed(self.proposals)

    def with_former(self, former: Sequence[Item]) -> "Facts":
        """Return the facts as they would be if these former versions still counted."""
        return self._changed(former)

    def without(self, item: Item) -> "Facts":
        """Return the facts as they would be without one of their records."""
        return self._changed([item.model_copy(update={"content": {}})])

    def _changed(self, changes: Sequence[Item]) -> "Facts":
        changed = {(item.kind, item.key) for item in changes}
        kept = [item for item in self.items if (item.kind, item.key) not in changed]
        added = [item for item in changes if item.content]
        return Facts(
            period=self.period,
            items=[*kept, *added],
            missing=self.missing,
            registers=self.registers,
        )

    @property
    def first_day(self) -> date:
        return date(self.period, 1, 1)

    @property
    def last_day(self) -> date:
        return date(self.period, 12, 31)

    def records(self, kind: type[RecordT]) -> Iterator[tuple[Item, RecordT]]:
        """Yield the records of a kind, ordered by key."""
        name = NAMES_OF_KINDS[kind]
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
        """Raise `ValueError` if a record does not fit the model of its kind."""
        for facts in (self, self.with_proposals(), self.with_former(self.former)):
            _ = facts._parsed

    def report(self, kind: type[ReportT], key: str) -> tuple[Item, ReportT] | None:
        """Return a report of another service; None if there is none."""
        name = NAMES_OF_REPORTS[kind]
        item = self._by_name.get((name, key))
        if item is None:
            return None
        if (name, key) not in self._reports:
            self._reports[name, key] = kind.model_validate(item.content)
        return item, cast("ReportT", self._reports[name, key])

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], Item]:
        """The items by kind and key; of several with the same, the first."""
        return {(item.kind, item.key): item for item in reversed(self.items)}

    @cached_property
    def _reports(self) -> dict[tuple[str, str], Report]:
        """The reports that were read, by name and key."""
        return {}

    def hash(self) -> str:
        """Return the SHA-256 of all inputs, independent of their order."""
        items = [item.document() for item in self.all_items]
        return content_hash({"period": self.period, "items": items})


def valid_at_end(record: TemporalEvidence, *, first: date, last: date) -> bool:
    """Return whether a record is valid on the last day of a period.

    Without a first day, it is valid in the year in which it was attested.
    """
    if record.valid_to is not None and record.valid_to < last:
        return False
    if record.valid_from is not None:
        return record.valid_from <= last
    return record.attested_in is not None and first.year <= record.attested_in <= last.year


def valid_during(record: TemporalEvidence, *, first: date, last: date) -> bool:
    """Return whether a record is valid on any day of a period."""
    if record.valid_to is not None and record.valid_to < first:
        return False
    if record.valid_from is not None:
        return record.valid_from <= last
    return record.attested_in is not None and first.year <= record.attested_in <= last.year


def items_of(rows: Iterable[tuple[Item, Any]]) -> list[Item]:
    return [item for item, _ in rows]
