"""Evaluation of measures: from the facts of a year to a raw value, or the reason for none."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.assessment.evidence.records import (
    Agreement,
    Decision,
    IndexValue,
    Meeting,
    Observation,
    Stakeholder,
)
from services.assessment.methods import measure_definitions as m
from services.assessment.numerical_libraries import np
from services.assessment.scoring.common_events import count_pairs, participation
from services.assessment.scoring.inputs import Facts, Item, items_of, valid_at_end, valid_during
from services.assessment.scoring.measurement import (
    SHARE,
    UNBOUNDED,
    Bounds,
    Measurement,
    Missing,
    exact,
)
from services.assessment.scoring.observations import (
    NewestObservations,
    newest_observations,
    observations_of,
)
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
from services.assessment.scoring.reports import (
    CatalogReport,
    CommentReport,
    ReportingReport,
    SurveyReport,
    TiesReport,
    UsageReport,
)
from services.assessment.scoring.scores import IntervalKind, NoIntervalReason
from services.assessment.scoring.uncertainty import (
    Sampler,
    Z,
    beta_posterior,
    bootstrap_interval,
    bootstrap_mean,
    normal,
    scaled_about,
    uniform_between,
    wilson_interval,
)
from services.assessment.types import SECTORS, Sector

MeasureResult = Measurement | Missing

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


def evaluate_measure(definition: m.Measure, facts: Facts) -> MeasureResult:
    """Evaluate a measure, or return the reason why its value is missing."""
    return EVALUATORS[type(definition)](definition, facts)


def _count(definition: m.Count, facts: Facts) -> MeasureResult:
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
    low, high = hits / len(rows), (hits + unknown) / len(rows)
    return Measurement(
        value=(low + high) / 2,
        draw=uniform_between(low, high, f"rows {definition.model_dump_json()}"),
        evidence=evidence,
        inputs={"numerator": hits, "n": n, "unknown": unknown},
        low=low,
        high=high,
        interval="range",
        bounds=bounds,
    )


def _share_bounds(hits: int, unknown: int, n: int, doubtful: Sequence[bool | None]) -> Bounds:
    """Return the least and the largest share if rows that are `doubtful` may belong or not."""
    misses = sum(hit is not True for hit in doubtful)
    gains = sum(hit is not False for hit in doubtful)
    low = hits / (n + misses) if n + misses else 0.0
    high = (hits + unknown + gains) / (n + gains) if n + gains else 1.0
    return low, high


def _share(definition: m.Share, facts: Facts) -> MeasureResult:
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


def _required(definition: m.Required, facts: Facts) -> MeasureResult:
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
        for item, observation in _observations_of_year(facts)
        if observation.known_absence
        for code in subjects.get(observation.subject, ())
        if code not in established
    }
    bounds = (hits / n, 1 - len(absent) / n)
    if not hits and not absent:
        return Missing(_undeclared(f"no decision in force with {definition.field}"), bounds)
    evidence = [*evidence, *absent.values()]
    return exact(hits / n, evidence, bounds, numerator=hits, n=n, absent=len(absent))


def _observations_of_year(facts: Facts) -> list[tuple[Item, Observation]]:
    """Return the observations of the year itself, not those that are older and still open.

    An older one gives an estimate, and proves nothing: otherwise not to observe again would be
    worth more than a worse observation.
    """
    found: list[tuple[Item, Observation]] = []
    for item, observation in facts.records(Observation):
        valid = valid_during(observation, first=facts.first_day, last=facts.last_day)
        if valid and observation.has_figure:
            first = observation.valid_from
            if first is None or first.year == facts.period or observation.valid_to is not None:
                found.append((item, observation))
    return found


def _attained(definition: m.Attained, facts: Facts) -> MeasureResult:
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


def _observed(definition: m.Observed, facts: Facts) -> MeasureResult:
    found = newest_observations(facts, definition.subject)
    if found is None:
        return Missing(f"nothing is recorded about {definition.subject}")
    if definition.contradictions == "last_key" and facts.registers == "assumed":
        last = max(
            observations_of(facts, definition.subject),
            key=lambda pair: (_since(pair[1]), pair[0].key),
        )
        found = NewestObservations([last], *last[1].bounds)
    bounds = _observed_bounds(definition.subject, found, facts)
    items, low, high = items_of(found.rows), found.low, found.high
    if low == high and all(observation.value is not None for _, observation in found.rows):
        return exact(low, items, bounds, observed=low, **_quotient(found))
    # The name of the stream of one observation is part of stored results and cannot change.
    keys = " ".join(item.key for item in items)
    return Measurement(
        value=(low + high) / 2,
        draw=uniform_between(low, high, f"observation {keys}"),
        evidence=items,
        inputs={"low": low, "high": high},
        low=low,
        high=high,
        interval="range",
        bounds=bounds,
    )


def _quotient(found: NewestObservations) -> dict[str, float]:
    """Return the counts that a single observation is a quotient of."""
    [(_, observation), *others] = found.rows
    if others or observation.numerator is None or observation.denominator is None:
        return {}
    return {"numerator": observation.numerator, "n": observation.denominator}


BOUNDS_OF_UNIT: Mapping[str | None, Bounds] = {
    "share": SHARE,
    "level": SHARE,
    "count": (0.0, math.inf),
}
"""What is known of an observation of another year; of other units nothing."""


def _observed_bounds(subject: str, newest: NewestObservations, facts: Facts) -> Bounds:
    """Return what the observations of the year say together: if they differ, anything between."""
    ends = [one.bounds for _, one in _observations_of_year(facts) if one.subject == subject]
    if not ends:
        known = [BOUNDS_OF_UNIT.get(one.unit, UNBOUNDED) for _, one in newest.rows]
        return min(low for low, _ in known), max(high for _, high in known)
    return min(low for low, _ in ends), max(high for _, high in ends)


def _since(observation: Observation) -> tuple[int, int, int]:
    if observation.valid_from is not None:
        first = observation.valid_from
        return (first.year, first.month, first.day)
    return (observation.attested_in or 0, 1, 1)


def _sectors_present(_: m.SectorsPresent, facts: Facts) -> MeasureResult:
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


def _evenness(_: m.Evenness, facts: Facts) -> MeasureResult:
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


def _attending(definition: m.Attending, facts: Facts) -> MeasureResult:
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


def _ties(definition: m.Ties, facts: Facts) -> MeasureResult:
    active = stakeholders_of(facts)
    if len(active) < 2:
        return Missing("fewer than two active stakeholders are recorded", SHARE)
    columns = {stakeholder.key: column for column, (_, stakeholder) in enumerate(active)}
    present: list[set[str]] = []
    parties: list[list[str]] = []
    used: list[Item] = []
    for item, meeting in meetings_of(facts):
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
    unknown = not present and declared_complete("attendance", facts) is None
    if facts.registers == "declared" and unknown and reported is None:
        return Missing("attendance is not recorded of any meeting of the year", SHARE)
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
    inputs: dict[str, float] = {"stakeholders": len(active)}
    if reported is not None:
        inputs |= {"reported": len(also), "response_rate": reported[1].response_rate}
    return exact(tied / pairs, evidence, (low, high), numerator=tied, n=pairs, **inputs)


def _index_progress(definition: m.IndexProgress, facts: Facts) -> MeasureResult:
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


def _survey(facts: Facts, definition: m.SurveyMeasure) -> tuple[Item, SurveyReport] | Missing:
    survey = definition.survey
    found = facts.report(SurveyReport, definition.report_key)
    if found is None:
        return Missing(facts.missing.get("feedback", f"there is no survey {survey}"))
    _, results = found
    if definition.samples is not None and not results.n:
        wanted = " or ".join(definition.samples)
        return Missing(f"no results of the survey {survey} are of respondents found as: {wanted}")
    if results.suppressed:
        return Missing(f"too few answered the survey {survey} to publish its results")
    if not results.n:
        return Missing(f"nobody has answered the survey {survey} for this year")
    return found


def _survey_share(definition: m.SurveyShare, facts: Facts) -> MeasureResult:
    found = _survey(facts, definition)
    if isinstance(found, Missing):
        return found
    item, results = found
    question = results.question(definition.question)
    if question is None:
        return Missing(f"nobody has answered {definition.question} of {definition.survey}")
    n = question.answered
    hits = sum(o.count for o in question.options if o.code == definition.option)
    correction = results.correction(n)
    inputs: dict[str, float] = {"numerator": hits, "n": n, **_population(results)}
    if correction == 0:
        return exact(hits / n, [item], **inputs)
    # As many respondents of an infinite population would be as certain.
    effective_hits, effective_n = hits / correction, n / correction
    low, high = wilson_interval(effective_hits, effective_n)
    name = f"survey {definition.survey} {definition.question} {definition.option}"
    return _without_interval_unless_drawn(
        results,
        Measurement(
            value=hits / n,
            draw=beta_posterior(effective_hits, effective_n, name),
            evidence=[item],
            inputs=inputs,
            low=low,
            high=high,
            interval="wilson",
            bounds=(low, high),
        ),
    )


def _survey_mean(definition: m.SurveyMean, facts: Facts) -> MeasureResult:
    found = _survey(facts, definition)
    if isinstance(found, Missing):
        return found
    item, results = found
    counts = Counter[int]()
    respondents = 0
    for code in definition.questions:
        question = results.question(code)
        if question is None:
            return Missing(f"nobody has answered {code} of {definition.survey}")
        counts.update({level: o.count for level, o in enumerate(question.options, start=1)})
        respondents = max(respondents, question.answered)
    by_level = [counts[level] for level in range(1, max(counts) + 1)]
    n = sum(by_level)
    value = sum(level * count for level, count in enumerate(by_level, start=1)) / n
    name = f"survey {definition.survey} {definition.questions}"
    inputs: dict[str, float] = {"answers": n}
    counted, step, drawn = by_level, 1.0, None
    scale = results.scale(definition.questions)
    if scale is not None:
        items = len(scale.questions)
        counted = [scale.sums.get(total, 0) for total in range(items, max(scale.sums) + 1)]
        step = 1 / items
        respondents = sum(counted)
        value = sum(total * count for total, count in scale.sums.items()) / (items * respondents)
        inputs = {"answers": items * respondents, "respondents": respondents}
    elif results.scales is not None:
        # How alike a person's answers are is unknown: as if they were the same.
        drawn = respondents
        inputs["respondents"] = respondents
    draw = bootstrap_mean(counted, name, step=step, respondents=drawn)
    bounds = bootstrap_interval(counted, step=step, respondents=drawn)
    inputs |= _population(results)
    correction = results.correction(respondents)
    if correction == 0:
        return exact(value, [item], **inputs)
    if correction < 1:
        factor = math.sqrt(correction)
        draw = scaled_about(value, factor, draw)
        low, high = (value + factor * (end - value) for end in bounds)
        bounds = (low, high)
    return _without_interval_unless_drawn(
        results,
        Measurement(
            value=value,
            draw=draw,
            evidence=[item],
            inputs=inputs,
            interval="bootstrap",
            bounds=bounds,
        ),
    )


def _population(results: SurveyReport) -> dict[str, float]:
    """Return the size of the population as an input, if it is known."""
    known = results.finite_population
    return {} if known is None else {"population": known}


def _satisfaction(definition: m.SatisfactionIndex, facts: Facts) -> MeasureResult:
    found = _survey(facts, definition)
    if isinstance(found, Missing):
        return found
    item, results = found
    result = results.satisfaction
    if result is None or results.n is None:
        return Missing(f"nobody has answered all elements of {definition.survey}")
    value, low, high = result.ikm, result.low, result.high
    if low is None or high is None:
        half = Z * result.standard_deviation / math.sqrt(result.n)
        low, high = value - half, value + half
    return _without_interval_unless_drawn(
        results,
        Measurement(
            value=value,
            draw=normal(value, low, high, f"survey {definition.survey} ikm"),
            evidence=[item],
            inputs={"ikm": value, "n": results.n, **_population(results)},
            low=low,
            high=high,
            interval="normal",
            bounds=(low, high),
        ),
    )


def _without_interval_unless_drawn(results: SurveyReport, measured: Measurement) -> Measurement:
    """Return the measurement, without its interval if the respondents were not drawn.

    Its draws remain: to the intervals of what it is part of it adds at least as much uncertainty as
    a drawn sample would.
    """
    reason = results.no_interval_because
    if reason is None:
        return measured
    return replace(
        measured,
        low=None,
        high=None,
        interval=None,
        no_interval_because=reason,
        bounds=UNBOUNDED,
    )


def _reporting(facts: Facts) -> tuple[Item, ReportingReport] | Missing:
    found = facts.report(ReportingReport, "reporting")
    if found is None:
        return Missing(facts.missing.get("feedback", "no statistics are expected"))
    if found[1].expected == 0:
        return Missing("no monthly report was due in the year")
    if facts.registers == "assumed" and not any(a.received for a in found[1].agencies):
        return Missing("no agency has posted statistics of this year")
    return found


def _reported(_: m.Reported, facts: Facts) -> MeasureResult:
    found = _reporting(facts)
    if isinstance(found, Missing):
        return found
    item, report = found
    if facts.registers == "declared":
        return _declared_reports(
            facts, item, hits=report.on_time, flagged=report.on_time_flagged, n=report.expected
        )
    return _flagged_share(
        item,
        hits=report.on_time,
        flagged=report.on_time_flagged,
        n=report.expected,
        what="reported",
        late=report.late,
    )


def _agencies_reporting(_: m.AgenciesReporting, facts: Facts) -> MeasureResult:
    found = _reporting(facts)
    if isinstance(found, Missing):
        return found
    item, report = found
    agencies = report.agencies
    hits = sum(agency.received > 0 for agency in agencies)
    flagged = sum(0 < agency.received == agency.flagged for agency in agencies)
    if facts.registers == "declared":
        return _declared_reports(facts, item, hits=hits, flagged=flagged, n=len(agencies))
    return _flagged_share(
        item, hits=hits, flagged=flagged, n=len(agencies), what="agencies reporting"
    )


def _declared_reports(
    facts: Facts, item: Item, *, hits: int, flagged: int, n: int
) -> MeasureResult:
    """Return a share of reports of which those that were not sent count once duties were notified.

    Without a declaration that agencies were told of their duties nothing is known of a report that
    is not there. So a first report, or a late one, never lowers a score. Flags lower what is proven
    and nothing else.
    """
    proven = (hits - flagged) / n
    declared = declarations_of("reporting", facts)
    if declared is None:
        return Missing(
            "notices of the duty to report are not declared complete for the year", (proven, 1.0)
        )
    return exact(
        hits / n,
        [item, *declared],
        (proven, hits / n),
        numerator=hits,
        n=n,
        doubted=flagged,
    )


def _flagged_share(
    item: Item, *, hits: int, flagged: int, n: int, what: str, **inputs: float
) -> Measurement:
    """Return a share that agencies report about themselves.

    Flags widen the interval and leave the value: from none of the flagged reports counting to all.
    """
    if not flagged:
        return replace(exact(hits / n, [item]), inputs={"numerator": hits, "n": n, **inputs})
    low, high = (hits - flagged) / n, hits / n
    # The name of the stream and of the input are part of stored results and cannot change.
    return Measurement(
        value=high,
        draw=uniform_between(low, high, f"doubts {what}"),
        evidence=[item],
        inputs={"numerator": hits, "n": n, "doubted": flagged, **inputs},
        low=low,
        high=high,
        interval="range",
    )


def _comments_in_time(_: m.CommentsInTime, facts: Facts) -> MeasureResult:
    found = facts.report(CommentReport, "comments")
    if found is None:
        return Missing(facts.missing.get("feedback", "there is no report about comments"))
    item, report = found
    n = sum(group.n for group in report.items)
    if n == 0:
        return Missing("no comment of the year is settled and in the published figures")
    hits = sum(group.in_time for group in report.items)
    return exact(hits / n, [item], numerator=hits, n=n)


def _usage_share(definition: m.UsageShare, facts: Facts) -> MeasureResult:
    found = facts.report(UsageReport, "channel")
    if found is None:
        return Missing(facts.missing.get("feedback", "there is no usage report"))
    item, usage = found
    cells = [cell for cell in usage.items if cell.measure == definition.counter]
    total = sum(cell.value for cell in cells)
    if total == 0:
        return Missing(f"no agency has posted {definition.counter} of this year")
    hits = sum(cell.value for cell in cells if cell.channel == definition.channel)
    share = hits / total
    bounds = (share, share) if _all_reports_arrived(facts) else SHARE
    return exact(share, [item], bounds, numerator=hits, n=total)


def _all_reports_arrived(facts: Facts) -> bool:
    """Return whether every expected monthly report is there, without a doubt about one."""
    found = facts.report(ReportingReport, "reporting")
    if found is None or declarations_of("reporting", facts) is None:
        return False
    return found[1].received == found[1].expected and not found[1].flagged


def _catalog_share(definition: m.CatalogShare, facts: Facts) -> MeasureResult:
    found = facts.report(CatalogReport, "summary")
    if found is None:
        return Missing(facts.missing.get("catalog", "there is no catalogue"))
    item, summary = found
    if summary.precedes_the_catalogue:
        return Missing("at the end of the year the catalogue had no version yet")
    if definition.of == "standard":
        if summary.standard_share is None:
            return Missing("the catalogue has no service")
        return exact(summary.standard_share, [item], services=summary.services)
    return _digital_in_operation(definition, item, summary)


def _digital_in_operation(
    definition: m.CatalogShare, item: Item, summary: CatalogReport
) -> MeasureResult:
    hits, n = summary.digital_in_operation, summary.digital_services
    if definition.of == "own_digital_in_operation":
        hits, n = summary.own_digital_in_operation, summary.own_digital_services
    if hits is None or n is None:
        return Missing("the catalogue does not tell portals of national bodies apart")
    if n == 0:
        return Missing("the catalogue has no digital service")
    return exact(hits / n, [item], numerator=hits, n=n)


def _agencies_with(definition: m.AgenciesWith, facts: Facts) -> MeasureResult:
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


def _at_least(definition: m.AtLeast, facts: Facts) -> MeasureResult:
    inner = evaluate_measure(definition.measure, facts)
    given = evaluate_measure(definition.given, facts)
    is_met = isinstance(given, Measurement) and given.value >= 1
    low, high = inner.bounds
    least = definition.least
    if given.bounds[0] >= 1:
        low = max(low, least)
    # The condition may be met unseen, unless its absence is known.
    bounds = (low, max(high, least) if given.bounds[1] >= 1 else high)
    if not is_met or isinstance(given, Missing):
        return replace(inner, bounds=bounds)
    if isinstance(inner, Missing):
        return exact(least, given.evidence, bounds, least=least)
    return Measurement(
        value=max(inner.value, least),
        draw=lambda streams: np.maximum(inner.draw(streams), least),
        evidence=[*inner.evidence, *given.evidence],
        inputs=inner.inputs,
        low=None if inner.low is None else max(inner.low, least),
        high=None if inner.high is None else max(inner.high, least),
        interval=inner.interval,
        no_interval_because=inner.no_interval_because,
        bounds=bounds,
    )


def _lower_bound(definition: m.LowerBound, facts: Facts) -> MeasureResult:
    least = _range_from(evaluate_measure(definition.measure, facts), definition.high)
    if definition.exact is None:
        return least
    exactly = evaluate_measure(definition.exact, facts)
    if isinstance(exactly, Missing):
        return least
    if isinstance(least, Missing):
        return exactly
    # Both hold, unless they contradict each other: then it is one or the other.
    (low, high), (floor, ceiling) = exactly.bounds, least.bounds
    agree = floor <= high and low <= ceiling
    bounds = (max(low, floor), min(high, ceiling)) if agree else (low, high)
    return replace(exactly, bounds=bounds)


def _range_from(inner: MeasureResult, high: float) -> MeasureResult:
    if isinstance(inner, Missing):
        return replace(inner, bounds=(inner.bounds[0], high))
    low = min(inner.value if inner.low is None else inner.low, high)
    name = " ".join(item.key for item in inner.evidence)
    return Measurement(
        value=(low + high) / 2,
        draw=uniform_between(low, high, f"lower bound {name}"),
        evidence=inner.evidence,
        inputs={**inner.inputs, "low": low, "high": high},
        low=low,
        high=high,
        interval="range",
        bounds=(min(inner.bounds[0], high), high),
    )


def _complement(definition: m.Complement, facts: Facts) -> MeasureResult:
    inner = evaluate_measure(definition.measure, facts)
    bounds = (1 - inner.bounds[1], 1 - inner.bounds[0])
    if isinstance(inner, Missing):
        return Missing(inner.reason, bounds)
    return Measurement(
        value=1 - inner.value,
        draw=lambda streams: 1 - inner.draw(streams),
        evidence=inner.evidence,
        inputs=inner.inputs,
        low=None if inner.high is None else 1 - inner.high,
        high=None if inner.low is None else 1 - inner.low,
        interval=inner.interval,
        no_interval_because=inner.no_interval_because,
        bounds=bounds,
    )


def _ratio(definition: m.Ratio, facts: Facts) -> MeasureResult:
    over = evaluate_measure(definition.numerator, facts)
    under = evaluate_measure(definition.denominator, facts)
    if isinstance(over, Missing):
        return over
    if isinstance(under, Missing):
        return under
    if under.value == 0 or under.low == 0:
        return Missing("the denominator is zero")
    return Measurement(
        value=over.value / under.value,
        draw=lambda streams: over.draw(streams) / under.draw(streams),
        evidence=[*over.evidence, *under.evidence],
        inputs={"numerator": over.value, "denominator": under.value},
        interval=_simulated([over, under]),
        no_interval_because=_no_interval([over, under]),
        bounds=_ratio_bounds(over.bounds, under.bounds),
    )


def _ratio_bounds(over: Bounds, under: Bounds) -> Bounds:
    """Return the ends of a ratio of amounts that are not negative."""
    low = max(0.0, over[0]) / under[1] if 0 < under[1] < math.inf else 0.0
    high = over[1] / under[0] if under[0] > 0 else math.inf
    return low, high


def _mean_of(definition: m.MeanOf, facts: Facts) -> MeasureResult:
    parts = [evaluate_measure(part, facts) for part in definition.measures]
    readings: list[Measurement] = []
    low, high = (sum(part.bounds[end] for part in parts) / len(parts) for end in (0, 1))
    for part in parts:
        if isinstance(part, Missing):
            return replace(part, bounds=(low, high))
        readings.append(part)

    def draw(streams: Any) -> Any:
        return np.mean([reading.draw(streams) for reading in readings], axis=0)

    sampler: Sampler = draw
    return Measurement(
        value=sum(reading.value for reading in readings) / len(readings),
        draw=sampler,
        evidence=[item for reading in readings for item in reading.evidence],
        inputs={f"part_{n}": reading.value for n, reading in enumerate(readings, start=1)},
        interval=_simulated(readings),
        no_interval_because=_no_interval(readings),
        bounds=(low, high),
    )


def _simulated(parts: Sequence[Measurement]) -> IntervalKind | None:
    """Return the origin of the interval of what these parts make up; None without an interval."""
    if _no_interval(parts) is not None:
        return None
    return "simulation" if any(part.interval for part in parts) else None


def _no_interval(parts: Sequence[Measurement]) -> NoIntervalReason | None:
    return next((part.no_interval_because for part in parts if part.no_interval_because), None)


def _first_of(definition: m.FirstOf, facts: Facts) -> MeasureResult:
    """Return the first measure that has evidence.

    What is proven is what the first one proves: if another measure stood in for it in full,
    withdrawing evidence of the first could raise what is proven.
    """
    reasons: list[str] = []
    bounds: Bounds | None = None
    for part in definition.measures:
        outcome = evaluate_measure(part, facts)
        bounds = bounds or outcome.bounds
        if isinstance(outcome, Measurement):
            return replace(outcome, bounds=bounds)
        reasons.append(outcome.reason)
    return Missing("; ".join(dict.fromkeys(reasons)), bounds or UNBOUNDED)


EVALUATORS: dict[type[Any], Callable[[Any, Facts], MeasureResult]] = {
    m.Count: _count,
    m.Share: _share,
    m.Required: _required,
    m.Attained: _attained,
    m.Observed: _observed,
    m.SectorsPresent: _sectors_present,
    m.Evenness: _evenness,
    m.Attending: _attending,
    m.Ties: _ties,
    m.IndexProgress: _index_progress,
    m.SurveyShare: _survey_share,
    m.SurveyMean: _survey_mean,
    m.SatisfactionIndex: _satisfaction,
    m.Reported: _reported,
    m.AgenciesReporting: _agencies_reporting,
    m.CommentsInTime: _comments_in_time,
    m.UsageShare: _usage_share,
    m.CatalogShare: _catalog_share,
    m.AgenciesWith: _agencies_with,
    m.AtLeast: _at_least,
    m.LowerBound: _lower_bound,
    m.Complement: _complement,
    m.Ratio: _ratio,
    m.MeanOf: _mean_of,
    m.FirstOf: _first_of,
}
