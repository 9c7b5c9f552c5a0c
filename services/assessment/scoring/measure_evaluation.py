"""Evaluation of measures: from the facts of a year to a raw value, or the reason for none."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from services.assessment.evidence.records import (
    Agreement,
    Decision,
    IndexValue,
    Observation,
    Stakeholder,
)
from services.assessment.methods import measure_definitions as m
from services.assessment.numerical_libraries import np
from services.assessment.scoring.common_events import count_pairs, participation
from services.assessment.scoring.inputs import Facts, Item, items_of, valid_at_end
from services.assessment.scoring.measurement import Measurement, Missing, exact
from services.assessment.scoring.observations import (
    NewestObservations,
    newest_observations,
    observations_of,
)
from services.assessment.scoring.record_views import (
    is_recorded,
    matches,
    meetings_of,
    stakeholders_of,
    view_rows,
)
from services.assessment.scoring.reports import (
    CatalogReport,
    ReportingReport,
    SurveyReport,
    UsageReport,
)
from services.assessment.scoring.scores import IntervalKind, NoIntervalReason
from services.assessment.scoring.uncertainty import (
    Sampler,
    Z,
    beta_posterior,
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
    if not rows:
        return Missing(f"no {VIEW_NAMES[definition.of]} is recorded")
    fitting = [item for item, row in rows if matches(row, definition.where)]
    return exact(len(fitting), fitting or items_of(rows), n=len(fitting))


def _share(definition: m.Share, facts: Facts) -> MeasureResult:
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
    if not decisions:
        return Missing("no decision in force is recorded")
    established = {
        code for _, decision in decisions for code in getattr(decision, definition.field)
    }
    hits = sum(code in established for code in definition.required)
    n = len(definition.required)
    return exact(hits / n, items_of(decisions), numerator=hits, n=n)


def _attained(definition: m.Attained, facts: Facts) -> MeasureResult:
    rows = view_rows(definition.of, facts)
    if not rows:
        return Missing(f"no {VIEW_NAMES[definition.of]} is recorded")
    shares = [
        (sum(bool(row.get(name)) for name in definition.fields) / len(definition.fields), item)
        for item, row in rows
    ]
    best = max(share for share, _ in shares)
    return exact(best, [item for share, item in shares if share == best])


def _observed(definition: m.Observed, facts: Facts) -> MeasureResult:
    found = newest_observations(facts, definition.subject)
    if found is None:
        return Missing(f"nothing is recorded about {definition.subject}")
    if definition.contradictions == "last_key":
        last = max(
            observations_of(facts, definition.subject),
            key=lambda pair: (_since(pair[1]), pair[0].key),
        )
        found = NewestObservations([last], *last[1].bounds)
    items, low, high = items_of(found.rows), found.low, found.high
    if low == high and all(observation.value is not None for _, observation in found.rows):
        return exact(low, items, observed=low)
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
    )


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
    if not recorded_in:
        return Missing("no meeting of the year tells which sectors were present")
    return exact(len(present) / len(SECTORS), recorded_in, numerator=len(present), n=len(SECTORS))


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
        return Missing("attendance by stakeholder is not recorded of any meeting of the year")
    entropy = -sum(count / n * math.log(count / n) for count in people.values())
    evenness = entropy / math.log(len(SECTORS))
    return exact(min(1.0, evenness), recorded_in, n=n, **{f"n_{s}": people[s] for s in SECTORS})


def _attending(definition: m.Attending, facts: Facts) -> MeasureResult:
    active = [
        (item, stakeholder)
        for item, stakeholder in stakeholders_of(facts)
        if stakeholder.sector in definition.sectors
    ]
    meetings = [(i, meeting) for i, meeting in meetings_of(facts) if meeting.attendance is not None]
    if not active or not meetings:
        return Missing("attendance by stakeholder is not recorded of any meeting of the year")
    came = {
        one.stakeholder
        for _, meeting in meetings
        for one in meeting.attendance or ()
        if one.present
    }
    hits = sum(stakeholder.key in came for _, stakeholder in active)
    evidence = [*items_of(meetings), *items_of(active)]
    return exact(hits / len(active), evidence, numerator=hits, n=len(active))


def _ties(definition: m.Ties, facts: Facts) -> MeasureResult:
    active = stakeholders_of(facts)
    if len(active) < 2:
        return Missing("fewer than two active stakeholders are recorded")
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
    if not used:
        return Missing("neither attendance nor an agreement in force is recorded")
    tied = count_pairs(
        participation(present, columns),
        participation(parties, columns),
        least=definition.meetings,
    )
    pairs = math.comb(len(active), 2)
    evidence = [*used, *items_of(active)]
    return exact(tied / pairs, evidence, numerator=tied, n=pairs, stakeholders=len(active))


def _index_progress(definition: m.IndexProgress, facts: Facts) -> MeasureResult:
    values = [
        (item, value)
        for item, value in facts.records(IndexValue)
        if value.index == definition.index
    ]
    published = _by_year(values, "published", lambda year: year <= facts.period)
    targets = _by_year(values, "target", lambda year: year >= facts.period)
    if not published or not targets or published[-1][0] != facts.period:
        return Missing(f"{definition.index} of the year, its first value or its target is missing")
    (_, first, first_item), (_, last, last_item) = published[0], published[-1]
    _, target, target_item = targets[0]
    if target <= first:
        return Missing(f"the target of {definition.index} does not lie above its first value")
    progress = min(1.0, max(0.0, (last - first) / (target - first)))
    evidence = [first_item, last_item, target_item]
    return exact(progress, evidence, first=first, last=last, target=target)


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
    scale = results.scale(definition.questions)
    if scale is not None:
        items = len(scale.questions)
        by_sum = [scale.sums.get(total, 0) for total in range(items, max(scale.sums) + 1)]
        respondents = sum(by_sum)
        value = sum(total * count for total, count in scale.sums.items()) / (items * respondents)
        draw = bootstrap_mean(by_sum, name, step=1 / items)
        inputs = {"answers": items * respondents, "respondents": respondents}
    elif results.scales is not None:
        # How alike a person's answers are is unknown: as if they were the same.
        draw = bootstrap_mean(by_level, name, respondents=respondents)
        inputs["respondents"] = respondents
    else:
        draw = bootstrap_mean(by_level, name)
    inputs |= _population(results)
    correction = results.correction(respondents)
    if correction == 0:
        return exact(value, [item], **inputs)
    if correction < 1:
        draw = scaled_about(value, math.sqrt(correction), draw)
    return _without_interval_unless_drawn(
        results,
        Measurement(value=value, draw=draw, evidence=[item], inputs=inputs, interval="bootstrap"),
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
    return replace(measured, low=None, high=None, interval=None, no_interval_because=reason)


def _reporting(facts: Facts) -> tuple[Item, ReportingReport] | Missing:
    found = facts.report(ReportingReport, "reporting")
    if found is None:
        return Missing(facts.missing.get("feedback", "no statistics are expected"))
    if found[1].expected == 0:
        return Missing("no monthly report was due in the year")
    if not any(agency.received for agency in found[1].agencies):
        return Missing("no agency has posted statistics of this year")
    return found


def _reported(_: m.Reported, facts: Facts) -> MeasureResult:
    found = _reporting(facts)
    if isinstance(found, Missing):
        return found
    item, report = found
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
    return _flagged_share(
        item, hits=hits, flagged=flagged, n=len(agencies), what="agencies reporting"
    )


def _flagged_share(
    item: Item, *, hits: int, flagged: int, n: int, what: str, **inputs: float
) -> Measurement:
    """Return a share that agencies report about themselves.

    Flags widen the interval and leave the value: from none of the flagged reports counting to all.
    """
    if not flagged:
        return exact(hits / n, [item], numerator=hits, n=n, **inputs)
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
    return exact(hits / total, [item], numerator=hits, n=total)


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
    hits, n = summary.digital_in_operation, summary.digital_services
    if n == 0:
        return Missing("the catalogue has no digital service")
    return exact(hits / n, [item], numerator=hits, n=n)


def _complement(definition: m.Complement, facts: Facts) -> MeasureResult:
    inner = evaluate_measure(definition.measure, facts)
    if isinstance(inner, Missing):
        return inner
    return Measurement(
        value=1 - inner.value,
        draw=lambda streams: 1 - inner.draw(streams),
        evidence=inner.evidence,
        inputs=inner.inputs,
        low=None if inner.high is None else 1 - inner.high,
        high=None if inner.low is None else 1 - inner.low,
        interval=inner.interval,
        no_interval_because=inner.no_interval_because,
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
    )


def _mean_of(definition: m.MeanOf, facts: Facts) -> MeasureResult:
    parts = [evaluate_measure(part, facts) for part in definition.measures]
    readings: list[Measurement] = []
    for part in parts:
        if isinstance(part, Missing):
            return part
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
    )


def _simulated(parts: Sequence[Measurement]) -> IntervalKind | None:
    """Return the origin of the interval of what these parts make up; None without an interval."""
    if _no_interval(parts) is not None:
        return None
    return "simulation" if any(part.interval for part in parts) else None


def _no_interval(parts: Sequence[Measurement]) -> NoIntervalReason | None:
    return next((part.no_interval_because for part in parts if part.no_interval_because), None)


def _first_of(definition: m.FirstOf, facts: Facts) -> MeasureResult:
    reasons: list[str] = []
    for part in definition.measures:
        outcome = evaluate_measure(part, facts)
        if isinstance(outcome, Measurement):
            return outcome
        reasons.append(outcome.reason)
    return Missing("; ".join(dict.fromkeys(reasons)))


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
    m.UsageShare: _usage_share,
    m.CatalogShare: _catalog_share,
    m.Complement: _complement,
    m.Ratio: _ratio,
    m.MeanOf: _mean_of,
    m.FirstOf: _first_of,
}
