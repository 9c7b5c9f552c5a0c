"""Levers: what each action of a method would gain, computed as a change of the evidence."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

from services.assessment.evidence.records import (
    Agreement,
    Decision,
    Declaration,
    Evidence,
    Meeting,
)
from services.assessment.methods import actions as a
from services.assessment.methods.definition import CollaborationMethod, NamedNode
from services.assessment.scoring.assess import round_score
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.measurement import Measurement, MeasureResult, exact
from services.assessment.scoring.pipeline import PointScores, measure_all, point_scores
from services.assessment.scoring.record_views import stakeholders_of
from services.assessment.scoring.registers import count_entries
from services.assessment.scoring.results import Gain, Lever, NodeGain
from services.assessment.types import SECTORS

NO_ADDRESS = "/"
"""Address of evidence that exists only in the computation of a lever."""

Outcome = Literal["worst", "best"]
Results = Mapping[str, MeasureResult]


def levers_of(method: CollaborationMethod, facts: Facts) -> list[Lever]:
    """Return the actions that change something, the largest gain first.

    They are ordered by what they surely add to what is proven of the index, then by what they may
    add, then by the same of a driver.
    """
    before = measure_all(method, facts)
    start = point_scores(method, before)
    found = [_lever(method, facts, before, start, action) for action in method.actions]
    return sorted((lever for lever in found if lever is not None), key=_rank)


def _rank(lever: Lever) -> tuple[float, float, float, float, int, str]:
    of_nodes = [node.proven for node in lever.nodes]
    worst = max((gain.worst for gain in of_nodes), default=0.0)
    best = max((gain.best for gain in of_nodes), default=0.0)
    index = lever.index.proven
    return (-index.worst, -index.best, -worst, -best, lever.effort, lever.code)


def _lever(
    method: CollaborationMethod,
    facts: Facts,
    before: Results,
    start: PointScores,
    action: a.ActionDefinition,
) -> Lever | None:
    changes = [change for change in action.changes if _applies(change, before)]
    ends = {
        outcome: point_scores(method, _after(method, facts, changes, outcome))
        for outcome in ("worst", "best")
    }
    nodes = [
        _node_gain(element, start, worst=ends["worst"], best=ends["best"])
        for element in method.elements()
        if any(_differs(element.code, start, end) for end in ends.values())
    ]
    if not nodes:
        return None
    return Lever(
        code=action.code,
        name=action.name,
        name_en=action.name_en,
        who=action.who,
        who_en=action.who_en,
        effort=action.effort,
        is_certain=not any(map(_is_uncertain, changes)),
        index=_node_gain(method.index, start, worst=ends["worst"], best=ends["best"]),
        nodes=nodes,
    )


def _is_uncertain(change: a.Change) -> bool:
    return isinstance(change, a.Measured) and change.worst != change.best


def _applies(change: a.Change, before: Results) -> bool:
    """Return whether a change is still open: what is measured already is not measured again."""
    known = isinstance(change, a.Measured) and isinstance(before[change.indicator], Measurement)
    return not (known and _is_uncertain(change))


def _differs(code: str, start: PointScores, end: PointScores) -> bool:
    return start.bounds[code] != end.bounds[code] or start.values.get(code) != end.values.get(code)


def _node_gain(
    node: NamedNode, start: PointScores, *, worst: PointScores, best: PointScores
) -> NodeGain:
    proven = start.bounds[node.code][0]
    value = start.values.get(node.code)
    after = (worst.values.get(node.code), best.values.get(node.code))
    return NodeGain(
        code=node.code,
        name=node.name,
        name_en=node.name_en,
        proven=Gain(
            worst=round_score(worst.bounds[node.code][0] - proven),
            best=round_score(best.bounds[node.code][0] - proven),
        ),
        value=None if value is None else _gain(after[0], after[1], less=value),
        value_after=_gain(after[0], after[1], less=0),
    )


def _gain(worst: float | None, best: float | None, *, less: float) -> Gain | None:
    if worst is None or best is None:
        return None
    return Gain(worst=round_score(worst - less), best=round_score(best - less))


def _after(
    method: CollaborationMethod, facts: Facts, changes: list[a.Change], outcome: Outcome
) -> dict[str, MeasureResult]:
    """Return the results of the indicators after the changes."""
    for number, change in enumerate(changes):
        facts = _changed(facts, change, key=f"action-{number}")
    results = dict(measure_all(method, facts))
    for change in changes:
        if isinstance(change, a.Measured):
            results[change.indicator] = exact(getattr(change, outcome), [])
    return results


def _changed(facts: Facts, change: a.Change, *, key: str) -> Facts:
    names: dict[str, object] = {"key": key, "sources": [key], "name": key, "name_en": key}
    lasting = names | {"valid_from": facts.first_day}
    match change:
        case a.NewAgreement():
            parties = {"parties": [f"{key}-1", f"{key}-2"], "scope": key}
            content = lasting | parties | {"partner_sector": change.partner_sector}
            return _with(facts, "agreements", Agreement.model_validate(content))
        case a.NewDecision():
            codes = {"instruments": change.instruments, "procedures": change.procedures}
            content = lasting | codes | {"number": key}
            return _with(facts, "decisions", Decision.model_validate(content))
        case a.NewMeeting():
            held = {"kind": change.meeting, "held_on": date(facts.period, 12, 31)}
            kept = {"problem_statement": key, "minutes": True, "discussion": True}
            content = names | held | kept | {"sectors_present": SECTORS}
            return _with(facts, "meetings", Meeting.model_validate(content))
        case a.DeclaredComplete():
            return _declared(facts, change)
        case a.FilledPosts():
            return _filled(facts)
        case a.Measured():
            return facts


def _with(facts: Facts, kind: str, record: Evidence) -> Facts:
    content = record.model_dump(mode="json")
    item = Item(kind=kind, key=record.key, href=NO_ADDRESS, content=content)
    return _of(facts, [*facts.items, item])


def _of(facts: Facts, items: list[Item]) -> Facts:
    return Facts(period=facts.period, items=items, missing=facts.missing)


def _declared(facts: Facts, change: a.DeclaredComplete) -> Facts:
    register, year = change.register_name, facts.period
    key = f"{register}-{year}"
    kept = [item for item in facts.items if (item.kind, item.key) != ("declarations", key)]
    entries = count_entries(register, facts, year)
    content = {"key": key, "sources": [key], "register_name": register, "year": year}
    declaration = Declaration.model_validate(content | {"entries": entries})
    return _with(_of(facts, kept), "declarations", declaration)


def _filled(facts: Facts) -> Facts:
    leading = {item.key for item, post in stakeholders_of(facts) if post.leading}
    return _of(
        facts,
        [
            item.model_copy(update={"content": item.content | {"filled": True}})
            if item.kind == "stakeholders" and item.key in leading
            else item
            for item in facts.items
        ],
    )
