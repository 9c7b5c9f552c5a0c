"""Views of the evidence of a year, as measures count it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from services.assessment.evidence.records import (
    Agreement,
    Decision,
    Meeting,
    Programme,
    Recognition,
    Risk,
    Stakeholder,
    TemporalEvidence,
)
from services.assessment.methods.measure_definitions import Condition, View
from services.assessment.scoring.computed_once import once_per_object
from services.assessment.scoring.inputs import Facts, valid_at_end, valid_during
from services.assessment.scoring.items import Item
from services.assessment.scoring.registers import declarations_of
from services.assessment.types import Register

Row = tuple[Item, Mapping[str, Any]]


def view_rows(view: View, facts: Facts) -> Sequence[Row]:
    """Return the rows of a view."""
    return VIEWS[view](facts)


def matches(row: Mapping[str, Any], condition: Condition) -> bool:
    """Return whether a row's fields match the condition."""
    return all(_matches_value(row.get(field), wanted) for field, wanted in condition.items())


def is_recorded(row: Mapping[str, Any], condition: Condition) -> bool:
    """Return whether every field that the condition compares is recorded."""
    return all(
        wanted == "recorded" or row.get(field) is not None for field, wanted in condition.items()
    )


def meets(row: Mapping[str, Any], condition: Condition) -> bool | None:
    """Return whether a row's fields match the condition; None if they do not record it.

    A field that is empty is not recorded, unless a source states that there is nothing: then it is
    recorded as absent.
    """
    all_recorded = True
    for field, wanted in condition.items():
        value = row.get(field)
        if field in row.get("absent_fields", ()):
            return False
        if value is None:
            all_recorded = False
        elif not _matches_value(value, wanted):
            return False
    return True if all_recorded else None


def _matches_value(value: object, wanted: bool | str | list[str]) -> bool:
    if wanted == "recorded":
        return value is not None
    if isinstance(wanted, list):
        return value in wanted
    return value == wanted


@once_per_object
def meetings_of(facts: Facts) -> Sequence[tuple[Item, Meeting]]:
    """Return the meetings held in the year."""
    return [
        (item, meeting)
        for item, meeting in facts.records(Meeting)
        if facts.first_day <= meeting.held_on <= facts.last_day
    ]


@once_per_object
def stakeholders_of(facts: Facts) -> Sequence[tuple[Item, Stakeholder]]:
    """Return the stakeholders active at the end of the year."""
    return [
        (item, stakeholder)
        for item, stakeholder in facts.records(Stakeholder)
        if valid_at_end(stakeholder, first=facts.first_day, last=facts.last_day)
    ]


@once_per_object
def _stakeholders(facts: Facts) -> Sequence[Row]:
    return [(item, vars(stakeholder)) for item, stakeholder in stakeholders_of(facts)]


@once_per_object
def _meetings(facts: Facts) -> Sequence[Row]:
    leading = {s.key: s.leading for _, s in facts.records(Stakeholder)}
    unknown = None if facts.registers == "declared" else False
    return [
        (
            item,
            vars(meeting)
            | {
                "led_by_leading_post": leading.get(meeting.led_by, unknown)
                if meeting.led_by
                else None
            },
        )
        for item, meeting in meetings_of(facts)
    ]


@once_per_object
def _action_items(facts: Facts) -> Sequence[Row]:
    return [
        (item, vars(action))
        for item, meeting in facts.records(Meeting)
        for action in meeting.action_items or ()
        if facts.first_day <= action.due <= facts.last_day
    ]


@once_per_object
def _attendance(facts: Facts) -> Sequence[Row]:
    return [
        (item, vars(attendance))
        for item, meeting in meetings_of(facts)
        for attendance in meeting.attendance or ()
    ]


def _valid_at_end(kind: type[TemporalEvidence]) -> Callable[[Facts], Sequence[Row]]:
    return once_per_object(
        lambda facts: [
            (item, vars(record))
            for item, record in facts.records(kind)
            if valid_at_end(record, first=facts.first_day, last=facts.last_day)
        ]
    )


def _valid_during(kind: type[TemporalEvidence]) -> Callable[[Facts], Sequence[Row]]:
    return once_per_object(
        lambda facts: [
            (item, vars(record))
            for item, record in facts.records(kind)
            if valid_during(record, first=facts.first_day, last=facts.last_day)
        ]
    )


@once_per_object
def _agreements_ended(facts: Facts) -> Sequence[Row]:
    return [
        (item, vars(agreement))
        for item, agreement in facts.records(Agreement)
        if agreement.valid_to is not None
        and facts.first_day <= agreement.valid_to <= facts.last_day
    ]


@once_per_object
def _recognitions(facts: Facts) -> Sequence[Row]:
    first = date(facts.period - 1, 1, 1)
    return [
        (item, vars(recognition))
        for item, recognition in facts.records(Recognition)
        if first <= recognition.given_on <= facts.last_day
    ]


def declared_complete(view: View, facts: Facts) -> list[Item] | None:
    """Return the declarations by which a view has every row there is; None if more may exist."""
    register, years = REGISTERS[view]
    meetings = meetings_of(facts) if view in {"attendance", "action_items"} else ()
    if any(getattr(meeting, view) is None for _, meeting in meetings):
        return None
    return declarations_of(register, facts, years=years)


REGISTERS: Mapping[View, tuple[Register, int]] = {
    "stakeholders": ("stakeholders", 1),
    "meetings": ("meetings", 1),
    "action_items": ("meetings", 1),
    "attendance": ("meetings", 1),
    "agreements_in_force": ("agreements", 1),
    "agreements_ended": ("agreements", 1),
    "decisions_in_force": ("decisions", 1),
    "programmes": ("programmes", 1),
    "risks": ("risks", 1),
    "recognitions_24_months": ("recognitions", 2),
}
"""The register of each view, and for how many years it has to be declared."""

VIEWS: Mapping[View, Callable[[Facts], Sequence[Row]]] = {
    "stakeholders": _stakeholders,
    "meetings": _meetings,
    "action_items": _action_items,
    "attendance": _attendance,
    "agreements_in_force": _valid_at_end(Agreement),
    "agreements_ended": _agreements_ended,
    "decisions_in_force": _valid_at_end(Decision),
    "programmes": _valid_during(Programme),
    "risks": _valid_during(Risk),
    "recognitions_24_months": _recognitions,
}
