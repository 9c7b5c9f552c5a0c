"""References from evidence to sources, stakeholders, decisions, agreements and indices."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from services.assessment.evidence.records import (
    Agreement,
    Evidence,
    IndexLevel,
    IndexValue,
    Meeting,
    Programme,
    Risk,
    Stakeholder,
)
from services.platform.packs import FieldPath

Target = Literal["source", "agency", "stakeholder", "decision", "agreement", "index"]
KIND_OF_TARGET: dict[Target, str] = {
    "stakeholder": "stakeholders",
    "decision": "decisions",
    "agreement": "agreements",
}
"""The kinds of targets that are evidence themselves."""


class Reference(NamedTuple):
    """A reference: the kind of its target, its location in the record, and the target's key."""

    target: Target
    path: FieldPath
    key: str

    @property
    def label(self) -> str:
        """The target in words."""
        return f"{self.target} {self.key!r}"


def references_of(record: Evidence) -> Iterator[Reference]:
    """Yield every reference of a record."""
    for n, source in enumerate(record.sources):
        yield Reference("source", ("sources", n), source)
    match record:
        case Stakeholder():
            yield from _optional("decision", "role_decision", record.role_decision)
            yield from _optional("agency", "agency", record.agency)
        case Agreement():
            for n, party in enumerate(record.parties):
                yield Reference("stakeholder", ("parties", n), party)
            yield from _optional("agreement", "renews", record.renews)
        case Programme():
            yield from _optional("stakeholder", "owner", record.owner)
            for n, partner in enumerate(record.partners):
                yield Reference("stakeholder", ("partners", n), partner)
        case Meeting():
            yield from _meeting_references(record)
        case Risk():
            yield from _optional("stakeholder", "owner", record.owner)
        case IndexValue() | IndexLevel():
            yield Reference("index", ("index",), record.index)
        case _:
            pass


def _optional(target: Target, field: str, key: str | None) -> Iterator[Reference]:
    if key is not None:
        yield Reference(target, (field,), key)


def _meeting_references(meeting: Meeting) -> Iterator[Reference]:
    yield from _optional("stakeholder", "led_by", meeting.led_by)
    for n, one in enumerate(meeting.attendance or ()):
        yield Reference("stakeholder", ("attendance", n, "stakeholder"), one.stakeholder)
    for n, action in enumerate(meeting.action_items or ()):
        if action.owner is not None:
            yield Reference("stakeholder", ("action_items", n, "owner"), action.owner)
