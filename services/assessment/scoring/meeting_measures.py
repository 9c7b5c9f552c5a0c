"""Measures of who met whom: sectors, evenness, attendance and ties among stakeholders."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from services.assessment.evidence.records import Agreement, Meeting, Stakeholder
from services.assessment.methods import measure_definitions as m
from services.assessment.scoring.common_events import count_pairs, participation
from services.assessment.scoring.inputs import Facts, items_of, valid_at_end
from services.assessment.scoring.items import Item
from services.assessment.scoring.measurement import SHARE, Bounds, MeasureResult, Missing, exact
from services.assessment.scoring.record_views import declared_complete, meetings_of, stakeholders_of
from services.assessment.scoring.reports import TiesReport
from services.assessment.types import SECTORS, Sector


def evaluate_sectors_present(_: m.SectorsPresent, facts: Facts) -> MeasureResult:
    present: set[Sector] = set()
    recorded_in: list[Item] = []
    for item, sectors in _sectors_by_meeting(facts):
        present |= sectors.keys()
        recorded_in.append(item)
    if facts.registers == "declared":
        present |= {s for _, meeting in meetings_of(facts) for s in meeting.sectors_present or ()}
    if not recorded_in:
        return Missing("no meeting of the year tells which sectors were present", SHARE)
    share = len(present) / len(SECTORS)
    meetings = [meeting for _, meeting in meetings_of(facts)]
    by_name = [meeting for meeting in meetings if meeting.sectors_present is None]
    complete = len(recorded_in) == len(meetings) and _attendees_are_known(by_name, facts)
    declared = declared_complete("meetings", facts) if complete else None
    bounds = (share, 1.0 if declared is None else share)
    return exact(share, recorded_in, bounds, numerator=len(present), n=len(SECTORS))


def _attendees_are_known(meetings: Sequence[Meeting], facts: Facts) -> bool:
    """Return whether everybody who was present at these meetings is on record."""
    known = {stakeholder.key for _, stakeholder in facts.records(Stakeholder)}
    return all(
        one.stakeholder in known
        for meeting in meetings
        for one in meeting.attendance or ()
        if one.present
    )


def _sectors_by_meeting(facts: Facts) -> list[tuple[Item, Counter[Sector]]]:
    """Return the sectors present at each meeting that records them, with counts if recorded."""
    sector_of: dict[str, Sector] = {s.key: s.sector for _, s in facts.records(Stakeholder)}
    found: list[tuple[Item, Counter[Sector]]] = []
    for item, meeting in meetings_of(facts):
        sectors = Counter[Sector](meeting.sectors_present or [])
        if meeting.attendance is not None:
            sectors = Counter[Sector](
                sector_of[one.stakeholder]
                for one in meeting.attendance
                if one.present and one.stakeholder in sector_of
            )
        elif meeting.sectors_present is None:
            continue
        found.append((item, sectors))
    return found


def evaluate_evenness(_: m.Evenness, facts: Facts) -> MeasureResult:
    people: Counter[Sector] = Counter()
    recorded_in: list[Item] = []
    recorded = {item.key for item, meeting in meetings_of(facts) if meeting.attendance is not None}
    for item, sectors in _sectors_by_meeting(facts):
        if item.key in recorded:
            people += sectors
            recorded_in.append(item)
    n = people.total()
    if n == 0:
        return Missing(
            "attendance by stakeholder is not recorded of any meeting of the year", SHARE
        )
    entropy = -sum(count / n * math.log(count / n) for count in people.values())
    evenness = min(1.0, entropy / math.log(len(SECTORS)))
    known = _attendees_are_known([meeting for _, meeting in meetings_of(facts)], facts)
    declared = declared_complete("attendance", facts) if known else None
    bounds = SHARE if declared is None else (evenness, evenness)
    counts = {f"n_{sector}": people[sector] for sector in SECTORS}
    measured = exact(evenness, recorded_in, bounds)
    return replace(measured, inputs={"n": n, **counts})


def evaluate_attending(definition: m.Attending, facts: Facts) -> MeasureResult:
    active = [
        (item, stakeholder)
        for item, stakeholder in stakeholders_of(facts)
        if stakeholder.sector in definition.sectors
    ]
    meetings = [(i, meeting) for i, meeting in meetings_of(facts) if meeting.attendance is not None]
    if not active or not meetings:
        return Missing(
            "attendance by stakeholder is not recorded of any meeting of the year", SHARE
        )
    came = {
        one.stakeholder
        for _, meeting in meetings
        for one in meeting.attendance or ()
        if one.present
    }
    hits = sum(stakeholder.key in came for _, stakeholder in active)
    evidence = [*items_of(meetings), *items_of(active)]
    share = hits / len(active)
    bounds = _bounds_of_attendance(share, facts)
    return exact(share, evidence, bounds, numerator=hits, n=len(active))


def _bounds_of_attendance(share: float, facts: Facts) -> Bounds:
    """Return what is proven of a share of the active stakeholders that attendance can only add to.

    Of an incomplete register of stakeholders the denominator is not known.
    """
    if declared_complete("stakeholders", facts) is None:
        return SHARE
    return share, share if declared_complete("attendance", facts) is not None else 1.0


def evaluate_ties(definition: m.Ties, facts: Facts) -> MeasureResult:
    active = stakeholders_of(facts)
    if len(active) < 2:
        return Missing("fewer than two active stakeholders are recorded", SHARE)
    columns = {stakeholder.key: column for column, (_, stakeholder) in enumerate(active)}
    present: list[set[str]] = []
    parties: list[list[str]] = []
    used: list[Item] = []
    meetings = meetings_of(facts)
    for item, meeting in meetings:
        if meeting.attendance is not None:
            present.append({one.stakeholder for one in meeting.attendance if one.present})
            used.append(item)
    for item, agreement in facts.records(Agreement):
        if valid_at_end(agreement, first=facts.first_day, last=facts.last_day):
            parties.append(agreement.parties)
            used.append(item)
    reported = None if definition.reported is None else facts.report(TiesReport, definition.survey)
    if reported is not None:
        used.append(reported[0])
    if not used:
        return Missing("neither attendance nor an agreement in force is recorded", SHARE)
    also: list[tuple[int, int]] = []
    if reported is not None:
        least = 2 if definition.reported == "both" else 1
        stated = reported[1].reports(columns)
        places = ((columns[a], columns[b]) for (a, b), n in stated.items() if n >= least)
        also = [(min(pair), max(pair)) for pair in places]
    tied = count_pairs(
        participation(present, columns),
        participation(parties, columns),
        least=definition.meetings,
        also=also,
    )
    pairs = math.comb(len(active), 2)
    evidence = [*used, *items_of(active)]
    low, high = _bounds_of_attendance(tied / pairs, facts)
    all_asked = reported is None or columns.keys() <= {*reported[1].reporters}
    if declared_complete("agreements_in_force", facts) is None or not all_asked:
        high = 1.0  # who has not answered may have ties to anybody
    # Whoever was at a meeting without a list may have met everybody there.
    unknown = len(present) < max(1, len(meetings))
    undeclared = declared_complete("attendance", facts) is None
    if facts.registers == "declared" and unknown and undeclared and reported is None:
        which = "every" if present else "any"
        reason = f"attendance is not recorded of {which} meeting of the year"
        return Missing(reason, (low, high))
    inputs: dict[str, float] = {"stakeholders": len(active)}
    if reported is not None:
        inputs |= {"reported": len(also), "response_rate": reported[1].response_rate}
    return exact(tied / pairs, evidence, (low, high), numerator=tied, n=pairs, **inputs)
