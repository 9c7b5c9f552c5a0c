"""Plausibility checks of figures: findings that a person should review, each with its numbers.

Pure functions of an agency's own figures. A finding is not an error: it is resolved by a correction
or answered by an explanation, and changes no figure.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.feedback.channels import ChannelKind
from services.feedback.statistics.counters import Measure
from services.feedback.statistics.flag_kinds import Certainty, FlagKind
from services.platform.months import add_months

HISTORY_MONTHS = 24
"""Months before a figure with which it is compared."""
MIN_HISTORY = 6
MIN_Z_POSSIBLE = 3.5
"""Of a robust z; Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993)."""
MIN_Z_LIKELY = 7.0
MIN_RELATIVE_CHANGE = 0.25
"""Relative to the median: a smaller change is not reported, however steady the history is."""
MAD_TO_SD = 1.4826
"""Factor from the median absolute deviation to the standard deviation of normal data."""
ROUND_SHARE_BY_CHANCE = 0.2
"""Two of ten last digits are 0 or 5."""
MIN_FIGURES = 20
MIN_MEDIAN = 10
"""Median from which the last digits of a series of counts are nearly uniform."""
MAX_P_POSSIBLE, MAX_P_LIKELY = 1e-3, 1e-6
MIN_CLICKS = 30

Months = Mapping[date, Mapping[Measure, int]]
"""The counters of one service through one channel, by month."""


@dataclass(frozen=True)
class Finding:
    """An implausible figure, and the numbers that were compared."""

    kind: FlagKind
    period: date
    certainty: Certainty
    facts: Mapping[str, float]
    fingerprint: str
    """The figures concerned, as text: other figures are another finding."""
    measure: Measure | None = None
    service: str | None = None
    channel: ChannelKind | None = None


def robust_z(value: float, history: Sequence[float], *, min_sd: float) -> tuple[float, float]:
    """Return the distance of a value from the median in robust standard deviations; the median.

    `min_sd` is the deviation that chance alone causes: for a constant history the median absolute
    deviation is 0, and every other value would be infinitely far away.
    """
    median = statistics.median(history)
    mad = statistics.median(abs(item - median) for item in history)
    return (value - median) / max(MAD_TO_SD * mad, min_sd), median


def find_jumps(series: Mapping[date, int], measure: Measure) -> Iterator[Finding]:
    """Find figures far from those of the preceding months, beyond random variation of counts."""
    for month, value in series.items():
        since = add_months(month, -HISTORY_MONTHS)
        history = [figure for other, figure in series.items() if since <= other < month]
        if len(history) < MIN_HISTORY:
            continue
        # The standard deviation of a count is the square root of its mean (Poisson).
        mean = statistics.median(history)
        z, median = robust_z(value, history, min_sd=max(math.sqrt(mean), 1.0))
        if abs(z) >= MIN_Z_POSSIBLE and abs(value - median) >= MIN_RELATIVE_CHANGE * median:
            yield Finding(
                "jump",
                month,
                "likely" if abs(z) >= MIN_Z_LIKELY else "possible",
                {"value": value, "median": median, "z": round(z, 2), "months": len(history)},
                fingerprint=str(value),
                measure=measure,
            )


def find_impossible(months: Months) -> Iterator[Finding]:
    """Find months with more decisions than there were applications.

    Completed, rejected and returned are compared with those submitted and those open before. If the
    number open before is unknown, the submissions of the 12 preceding months are its upper bound.
    """
    for month, counters in months.items():
        decided = sum(counters.get(name, 0) for name in ("completed", "rejected", "returned"))
        if "submitted" not in counters or decided <= counters["submitted"]:
            continue
        before = months.get(add_months(month, -1), {})
        certainty: Certainty = "certain"
        if "in_review" in before:
            open_before = before["in_review"]
        else:
            since = add_months(month, -12)
            past = [figures for other, figures in months.items() if since <= other < month]
            if not any("submitted" in figures for figures in past):
                continue
            open_before = sum(figures.get("submitted", 0) for figures in past)
            certainty = "possible"
        if decided > counters["submitted"] + open_before:
            facts = {
                "decided": decided,
                "submitted": counters["submitted"],
                "open_before": open_before,
            }
            fingerprint = "/".join(str(int(value)) for value in facts.values())
            yield Finding("impossible", month, certainty, facts, fingerprint=fingerprint)


def find_heaping(series: Iterable[Months], year: date) -> Finding | None:
    """Find a year in which far more figures end in 0 or 5 than by chance: likely estimates.

    An exact binomial test over the figures of a year. Only series with counts that are large enough
    to end in any digit are included, and equal figures of several counters of a month count once.
    """
    figures: list[int] = []
    for months in series:
        of_year = {month: values for month, values in months.items() if month.year == year.year}
        measures: set[Measure] = {name for values in of_year.values() for name in values}
        large = {
            measure
            for measure in measures
            if statistics.median(
                values[measure] for values in of_year.values() if measure in values
            )
            >= MIN_MEDIAN
        }
        for values in of_year.values():
            figures += {
                value for measure, value in values.items() if measure in large and value > 0
            }
    if len(figures) < MIN_FIGURES:
        return None
    from scipy.stats import binomtest  # noqa: PLC0415 - large, and seldom needed

    round_figures = sum(value % 5 == 0 for value in figures)
    p_value = float(
        binomtest(round_figures, len(figures), ROUND_SHARE_BY_CHANCE, alternative="greater").pvalue
    )
    if p_value >= MAX_P_POSSIBLE:
        return None
    facts = {"round": round_figures, "figures": len(figures), "p_value": p_value}
    certainty: Certainty = "likely" if p_value < MAX_P_LIKELY else "possible"
    return Finding("heaping", year.replace(month=1), certainty, facts, fingerprint=str(year.year))


def find_click_out_mismatches(
    submitted: Mapping[date, int], clicks: Mapping[date, int]
) -> Iterator[Finding]:
    """Find online applications that do not match the clicks from the hub to the portal.

    Not every applicant comes through the hub, so the ratio of the two is compared with its own
    history; without a history, only clicks without any application are reported.
    """
    log_ratios = {
        month: math.log((value + 0.5) / (clicks[month] + 0.5))
        for month, value in submitted.items()
        if clicks.get(month, 0) >= MIN_CLICKS
    }
    for month, log_ratio in log_ratios.items():
        since = add_months(month, -HISTORY_MONTHS)
        history = [other for past, other in log_ratios.items() if since <= past < month]
        facts: dict[str, float] = {"submitted": submitted[month], "clicks": clicks[month]}
        if len(history) >= MIN_HISTORY:
            # The standard deviation of the logarithm of a ratio of two counts.
            min_sd = math.sqrt(1 / (submitted[month] + 0.5) + 1 / (clicks[month] + 0.5))
            z, median = robust_z(log_ratio, history, min_sd=min_sd)
            relative_change = abs(math.expm1(log_ratio - median))
            if abs(z) < MIN_Z_POSSIBLE or relative_change < MIN_RELATIVE_CHANGE:
                continue
            facts |= {"z": round(z, 2), "usual": round(math.exp(median), 3)}
            certainty: Certainty = "likely" if abs(z) >= MIN_Z_LIKELY else "possible"
        elif submitted[month] == 0:
            certainty = "possible"
        else:
            continue
        yield Finding(
            "click_outs",
            month,
            certainty,
            facts,
            fingerprint=str(submitted[month]),
            measure="submitted",
        )


def check_series(months: Months, *, clicks: Mapping[date, int] | None = None) -> list[Finding]:
    """Run all checks on one service through one channel; `clicks` only for the online channel."""
    of: Callable[[Measure], dict[date, int]] = lambda measure: {  # noqa: E731
        month: values[measure] for month, values in months.items() if measure in values
    }
    found = [*find_impossible(months)]
    # The number open at the end of a month is a stock, which moves with all the others.
    for measure in ("submitted", "completed", "rejected", "returned"):
        found += find_jumps(of(measure), measure)
    if clicks is not None:
        found += find_click_out_mismatches(of("submitted"), clicks)
    return found
