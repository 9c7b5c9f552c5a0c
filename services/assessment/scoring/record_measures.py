"""Measures of registers and decisions: counts and shares of their rows, goals, progress."""

import math
from collections.abc import Callable, Sequence

from services.assessment.evidence.records import Decision, IndexValue
from services.assessment.methods import measure_definitions as m
from services.assessment.scoring.inputs import Facts, items_of, valid_at_end
from services.assessment.scoring.items import Item
from services.assessment.scoring.measurement import (
    SHARE,
    Bounds,
    MeasureResult,
    Missing,
    exact,
    ranged,
)
from services.assessment.scoring.observations import observations_of_year
from services.assessment.scoring.record_views import (
    declared_complete,
    is_recorded,
    matches,
    meetings_of,
    meets,
    stakeholders_of,
    view_rows,
)
from services.assessment.scoring.registers import declarations_of

VIEW_NAMES: dict[m.View, str] = {
    "stakeholders": "active stakeholder",
    "meetings": "meeting in the year",
    "action_items": "action item due in the year",
    "attendance": "attendance at a meeting of the year",
    "agreements_in_force": "agreement in force",
    "agreements_ended": "agreement that ended in the year",
    "decisions_in_force": "decision in force",
    "programmes": "programme of the year",
    "risks": "risk on the register",
    "recognitions_24_months": "recognition in the last 24 months",
}


def evaluate_count(definition: m.Count, facts: Facts) -> MeasureResult:
    rows = view_rows(definition.of, facts)
    fitting = [item for item, row in rows if matches(row, definition.where)]
    if facts.registers == "declared":
        return _declared_count(definition, facts, fitting)
    if not rows:
        return Missing(f"no {VIEW_NAMES[definition.of]} is recorded")
    return exact(len(fitting), fitting or items_of(rows), n=len(fitting))


def _declared_count(definition: m.Count, facts: Facts, fitting: list[Item]) -> MeasureResult:
    """Return a count that is a lower bound unless its register is declared complete."""
    declared = declared_complete(definition.of, facts)
    n = len(fitting)
    if declared is None:
        bounds = (n, math.inf)
        if not fitting:
            return Missing(_undeclared(f"no {VIEW_NAMES[definition.of]} is recorded"), bounds)
        return exact(n, fitting, bounds, n=n)
    unclear = sum(
        meets(row, definition.where) is None for _, row in view_rows(definition.of, facts)
    )
    return exact(n, [*fitting, *declared], (n, n + unclear), n=n)


def _undeclared(reason: str) -> str:
    return f"{reason}, and the register is not declared complete"


def _declared_share(definition: m.Share, facts: Facts) -> MeasureResult:
    """Return the share of rows, a range over those that do not record it.

    It is proven only if the register is declared complete: else rows that are not in it could be
    of either kind.
    """
    rows: list[tuple[Item, bool | None]] = []
    doubtful: list[bool | None] = []
    for item, row in view_rows(definition.of, facts):
        belongs, hit = meets(row, definition.where), meets(row, definition.that)
        if belongs:
            rows.append((item, hit))
        elif belongs is None:
            doubtful.append(hit)
    declared = declared_complete(definition.of, facts)
    hits = sum(hit is True for _, hit in rows)
    unknown = sum(hit is None for _, hit in rows)
    bounds = SHARE if declared is None else _share_bounds(hits, unknown, len(rows), doubtful)
    if len(rows) == unknown:
        name = VIEW_NAMES[definition.of]
        if not rows:
            return Missing(f"no {name} is recorded", bounds)
        return Missing(f"{', '.join(definition.that)} is not recorded of any {name}", bounds)
    evidence = [*items_of(rows), *(declared or ())]
    n = len(rows) - unknown
    if not unknown:
        return exact(hits / n, evidence, bounds, numerator=hits, n=n)
    return ranged(
        (hits / len(rows), (hits + unknown) / len(rows)),
        evidence,
        bounds,
        {"numerator": hits, "n": n, "unknown": unknown},
        stream=f"rows {definition.model_dump_json()}",
    )


def _share_bounds(hits: int, unknown: int, n: int, doubtful: Sequence[bool | None]) -> Bounds:
    """Return the least and the largest share if rows that are `doubtful` may belong or not."""
    misses = sum(hit is not True for hit in doubtful)
    gains = sum(hit is not False for hit in doubtful)
    low = hits / (n + misses) if n + misses else 0.0
    high = (hits + unknown + gains) / (n + gains) if n + gains else 1.0
    return low, high


def evaluate_share(definition: m.Share, facts: Facts) -> MeasureResult:
    if facts.registers == "declared":
        return _declared_share(definition, facts)
    rows = [
        (item, row)
        for item, row in view_rows(definition.of, facts)
        if matches(row, definition.where)
    ]
    recorded = [(item, row) for item, row in rows if is_recorded(row, definition.that)]
    if not recorded:
        name = VIEW_NAMES[definition.of]
        if not rows:
            return Missing(f"no {name} is recorded")
        return Missing(f"{', '.join(definition.that)} is not recorded of any {name}")
    hits = sum(matches(row, definition.that) for _, row in recorded)
    return exact(hits / len(recorded), items_of(recorded), numerator=hits, n=len(recorded))


def evaluate_required(definition: m.RequiredItems, facts: Facts) -> MeasureResult:
    decisions = [
        (item, decision)
        for item, decision in facts.records(Decision)
        if valid_at_end(decision, first=facts.first_day, last=facts.last_day)
    ]
    established = {
        code for _, decision in decisions for code in getattr(decision, definition.field)
    }
    hits = sum(code in established for code in definition.required)
    n = len(definition.required)
    evidence = items_of(decisions)
    if facts.registers == "assumed":
        if not decisions:
            return Missing("no decision in force is recorded")
        return exact(hits / n, evidence, numerator=hits, n=n)
    declared = declared_complete("decisions_in_force", facts)
    if declared is not None:
        return exact(hits / n, [*evidence, *declared], numerator=hits, n=n)
    subjects = definition.subjects_of_absence()
    absent = {
        code: item
        for item, observation in observations_of_year(facts)
        if observation.known_absence
        for code in subjects.get(observation.subject, ())
        if code not in established
    }
    bounds = (hits / n, 1 - len(absent) / n)
    if not hits and not absent:
        return Missing(_undeclared(f"no decision in force with {definition.field}"), bounds)
    evidence = [*evidence, *absent.values()]
    return exact(hits / n, evidence, bounds, numerator=hits, n=n, absent=len(absent))


def evaluate_attained(definition: m.Attained, facts: Facts) -> MeasureResult:
    rows = view_rows(definition.of, facts)
    declared = declared_complete(definition.of, facts)
    if not rows:
        return Missing(f"no {VIEW_NAMES[definition.of]} is recorded", SHARE)
    shares = [
        (sum(bool(row.get(name)) for name in definition.fields) / len(definition.fields), item)
        for item, row in rows
    ]
    best = max(share for share, _ in shares)
    if facts.registers == "declared" and not best and declared is None:
        return Missing(_undeclared(f"no {VIEW_NAMES[definition.of]} states it"), SHARE)
    evidence = [item for share, item in shares if share == best]
    return exact(best, evidence, (best, 1.0 if declared is None else best))


def evaluate_agencies_with(definition: m.AgenciesWith, facts: Facts) -> MeasureResult:
    active = [(item, one) for item, one in stakeholders_of(facts) if one.agency is not None]
    agency_of = {one.key: one.agency for _, one in active}
    agencies = set(agency_of.values())
    rows = view_rows(definition.of, facts)
    found = [(item, row) for item, row in rows if meets(row, definition.that)]
    owners = {agency_of[row["owner"]] for _, row in found if row.get("owner") in agency_of}
    if not owners:
        return Missing(f"no {VIEW_NAMES[definition.of]} of an agency meets the condition", SHARE)
    share = len(owners) / len(agencies)
    registers = (declared_complete(definition.of, facts), declared_complete("stakeholders", facts))
    unclear = any(
        meets(row, definition.that) is None or row.get("owner") not in agency_of for _, row in rows
    )
    bounds = SHARE if None in registers else (share, 1.0 if unclear else share)
    evidence = [*items_of(found), *items_of(active)]
    return exact(share, evidence, bounds, numerator=len(owners), n=len(agencies))


def evaluate_index_progress(definition: m.IndexProgress, facts: Facts) -> MeasureResult:
    values = [
        (item, value)
        for item, value in facts.records(IndexValue)
        if value.index == definition.index
    ]
    published = _by_year(values, "published", lambda year: year <= facts.period)
    targets = _by_year(values, "target", lambda year: year >= facts.period)
    if not published or not targets or published[-1][0] != facts.period:
        return Missing(
            f"{definition.index} of the year, its first value or its target is missing", SHARE
        )
    (_, first, first_item), (_, last, last_item) = published[0], published[-1]
    _, target, target_item = targets[0]
    if target <= first:
        return Missing(
            f"the target of {definition.index} does not lie above its first value", SHARE
        )
    progress = min(1.0, max(0.0, (last - first) / (target - first)))
    evidence = [first_item, last_item, target_item]
    # With an earlier value or another target on record progress would be another one.
    declared = declarations_of("index-values", facts)
    bounds = SHARE if declared is None else (progress, progress)
    return exact(progress, evidence, bounds, first=first, last=last, target=target)


def _by_year(
    values: list[tuple[Item, IndexValue]], role: str, fits: Callable[[int], bool]
) -> list[tuple[int, float, Item]]:
    found = [
        (v.year, v.value, item)
        for item, v in values
        if v.role == role and v.year is not None and fits(v.year)
    ]
    return sorted(found, key=lambda entry: entry[0])


def evaluate_held_of_planned(definition: m.HeldOfPlanned, facts: Facts) -> MeasureResult:
    """Return the share of planned events that programmes or meetings show to be held."""
    planned, hits, unknown = 0, 0, 0
    evidence: list[Item] = []
    for kind in definition.kinds:
        rows = [(item, row) for item, row in view_rows("programmes", facts) if row["kind"] == kind]
        held = [(item, one) for item, one in meetings_of(facts) if one.kind == kind]
        outcomes = [meets(row, {"held": True}) for _, row in rows]
        known = min(len(rows), max(outcomes.count(True), len(held)))
        planned += len(rows)
        hits += known
        # A programme of which nothing is recorded may be one that a meeting shows to be held.
        unknown += max(outcomes.count(True) + outcomes.count(None) - known, 0)
        evidence += [*items_of(rows), *(items_of(held) if rows else ())]
    programmes = declared_complete("programmes", facts)
    meetings = declared_complete("meetings", facts)
    declared = [*(programmes or ()), *(meetings or ())]
    low = hits / planned if planned and programmes is not None else 0.0
    none_unseen = meetings is not None and all(one.kind for _, one in meetings_of(facts))
    is_complete = planned and programmes is not None and none_unseen
    bounds = (low, (hits + unknown) / planned if is_complete else 1.0)
    if not planned:
        return Missing(f"no {' or '.join(definition.kinds)} is planned on record", bounds)
    if not hits and unknown == planned:
        return Missing("held is not recorded of anything planned", bounds)
    if not unknown:
        share = hits / planned
        return exact(share, [*evidence, *declared], bounds, numerator=hits, n=planned)
    return ranged(
        (hits / planned, (hits + unknown) / planned),
        [*evidence, *declared],
        bounds,
        {"numerator": hits, "n": planned, "unknown": unknown},
        stream=f"rows {definition.model_dump_json()}",
    )
