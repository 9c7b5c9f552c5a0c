"""Registers of evidence: whether one is declared complete for a year."""

from collections.abc import Callable, Mapping

from services.assessment.evidence.records import (
    Agreement,
    Decision,
    Declaration,
    IndexValue,
    Meeting,
    Programme,
    Recognition,
    Risk,
    Stakeholder,
    TemporalEvidence,
)
from services.assessment.scoring.inputs import Facts, valid_during
from services.assessment.scoring.items import Item
from services.assessment.scoring.reports import ReportingReport
from services.assessment.types import Register


def declarations_of(register: Register, facts: Facts, *, years: int = 1) -> list[Item] | None:
    """Return the declarations by which a register is complete; None if it is not.

    It has to be declared for the year and, if `years` is more than 1, for the years before it. A
    declaration holds while the register has the entries that it was declared with.
    """
    found: list[Item] = []
    wanted = range(facts.period - years + 1, facts.period + 1)
    for item, declaration in facts.records(Declaration):
        if declaration.register_name == register and declaration.year in wanted:
            if count_entries(register, facts, declaration.year) < declaration.entries:
                return None
            found.append(item)
    return found if len(found) == years else None


def count_entries(register: Register, facts: Facts, year: int) -> int:
    """Return how many entries of a register belong to a year."""
    return ENTRIES[register](facts, year)


def _temporal(kind: type[TemporalEvidence]) -> Callable[[Facts, int], int]:
    def count(facts: Facts, year: int) -> int:
        first, last = facts.first_day.replace(year=year), facts.last_day.replace(year=year)
        return sum(
            valid_during(record, first=first, last=last) for _, record in facts.records(kind)
        )

    return count


def _meetings(facts: Facts, year: int) -> int:
    """Count the meetings held in the year, and earlier ones with action items due in it."""
    return sum(
        meeting.held_on.year == year
        or any(action.due.year == year for action in meeting.action_items or ())
        for _, meeting in facts.records(Meeting)
    )


def _recognitions(facts: Facts, year: int) -> int:
    return sum(one.given_on.year == year for _, one in facts.records(Recognition))


def _index_values(facts: Facts, _: int) -> int:
    """Count all values: progress is read from the first one to the plan's target."""
    return sum(1 for _ in facts.records(IndexValue))


def _reporting(facts: Facts, _: int) -> int:
    found = facts.report(ReportingReport, "reporting")
    return 0 if found is None else len(found[1].agencies)


ENTRIES: Mapping[Register, Callable[[Facts, int], int]] = {
    "agreements": _temporal(Agreement),
    "decisions": _temporal(Decision),
    "index-values": _index_values,
    "meetings": _meetings,
    "programmes": _temporal(Programme),
    "recognitions": _recognitions,
    "reporting": _reporting,
    "risks": _temporal(Risk),
    "stakeholders": _temporal(Stakeholder),
}
