"""What a piece of evidence points at: its sources, stakeholders, decisions, an index."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from services.assessment.evidence.records import (
    Agreement,
    Evidence,
    IndexValue,
    Meeting,
    Programme,
    Risk,
    Stakeholder,
)
from services.platform.packs import Path_

Target = Literal["source", "agency", "stakeholder", "decision", "agreement", "index"]
KIND_OF_TARGET: dict[Target, str] = {
    "stakeholder": "stakeholders",
    "decision": "decisions",
    "agreement": "agreements",
}
"""Where the targets that are evidence themselves are kept."""


class Reference(NamedTuple):
    """A pointer: to what kind of thing, where it stands in the record, and its key."""

    target: Target
    path: Path_
    key: str


def references_of(record: Evidence) -> Iterator[Reference]:
    """Every pointer of a record."""
    for n, source in enumerate(record.sources):
        yield Reference("source", ("sources", n), source)
    match record:
        case Stakeholder():
            if record.role_decision is not None:
                yield Reference("decision", ("role_decision",), record.role_decision)
            if record.agency is not None:
                yield Reference("agency", ("agency",), record.agency)
        case Agreement():
            for n, party in enumerate(record.parties):
                yield Reference("stakeholder", ("parties", n), party)
            if record.renews is not None:
                yield Reference("agreement", ("renews",), record.renews)
        case Programme():
            yield from _owner(record.owner)
            for n, partner in enumerate(record.partners):
                yield Reference("stakeholder", ("partners", n), partner)
        case Meeting():
            yield from _of_meeting(record)
        case Risk():
            yield from _owner(record.owner)
        case IndexValue():
            yield Reference("index", ("index",), record.index)
        case _:
            pass


def _owner(key: str | None, *path: str | int) -> Iterator[Reference]:
    if key is not None:
        yield Reference("stakeholder", (*path, "owner"), key)


def _of_meeting(meeting: Meeting) -> Iterator[Reference]:
    if meeting.led_by is not None:
        yield Reference("stakeholder", ("led_by",), meeting.led_by)
    for n, one in enumerate(meeting.attendance or ()):
        yield Reference("stakeholder", ("attendance", n, "stakeholder"), one.stakeholder)
    for n, action in enumerate(meeting.action_items or ()):
        yield from _owner(action.owner, "action_items", n)
