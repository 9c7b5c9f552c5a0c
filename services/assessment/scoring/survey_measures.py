"""Measures of surveys: shares and means of answers, and the satisfaction index."""

import math
from collections import Counter
from dataclasses import replace

from services.assessment.methods import measure_definitions as m
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.measurement import (
    UNBOUNDED,
    Measurement,
    MeasureResult,
    Missing,
    exact,
)
from services.assessment.scoring.reports import SurveyReport
from services.assessment.scoring.uncertainty import (
    BootstrapMean,
    beta_posterior,
    normal,
    scaled_about,
)
from services.platform.confidence import Z, wilson_interval


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


def evaluate_survey_share(definition: m.SurveyShare, facts: Facts) -> MeasureResult:
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


def evaluate_survey_mean(definition: m.SurveyMean, facts: Facts) -> MeasureResult:
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
    bootstrap = BootstrapMean(counted, step=step, respondents=drawn)
    draw, bounds = bootstrap.sampler(name), bootstrap.interval()
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


def evaluate_satisfaction(definition: m.SatisfactionIndex, facts: Facts) -> MeasureResult:
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
