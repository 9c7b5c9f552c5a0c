"""Whether figures can be true: doubts that a person should look at, each with its reason.

Pure functions of an agency's own figures. A doubt is no verdict: it is resolved by a correction or
answered by an explanation, and changes no figure.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from scipy.stats import binomtest

from services.feedback.statistics.counters import ChannelKind, Measure

Kind = Literal["jump", "impossible", "heaping", "click_outs"]
Certainty = Literal["certain", "likely", "possible"]

HISTORY = 24
"""Months before a figure with which it is compared."""
FEWEST_MONTHS = 6
UNUSUAL = 3.5
"""Of a robust z; Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993)."""
VERY_UNUSUAL = 7.0
SMALLEST_CHANGE = 0.25
"""Of the median: below it, a change is no news however steady the months before were."""
CONSISTENT = 1.4826
"""MAD times this estimates the standard deviation of normal data."""
ROUND_BY_CHANCE = 0.2
"""Two of ten last digits are 0 or 5."""
FEWEST_FIGURES = 20
LARGE = 10
"""Median from which the last digit of a series of counts is near to even."""
BY_CHANCE, HARDLY = 1e-3, 1e-6
FEWEST_CLICKS = 30

Months = Mapping[date, Mapping[Measure, int]]
"""The counters of one service through one channel, by month."""


@dataclass(frozen=True)
class Doubt:
    """A figure that is hard to believe: which, and what it was compared with."""

    kind: Kind
    period: date
    certainty: Certainty
    facts: Mapping[str, float]
    about: str
    """The figures in question: others are another doubt."""
    measure: Measure | None = None
    service: str | None = None
    channel: ChannelKind | None = None


def months_before(month: date, by: int) -> date:
    """The month this many months earlier."""
    years, index = divmod(month.year * 12 + month.month - 1 - by, 12)
    return date(years, index + 1, 1)


def robust_z(value: float, history: Sequence[float], *, least: float) -> tuple[float, float]:
    """How far a value lies from the median of others, in robust standard deviations; the median.

    `least` is the spread that chance alone gives: where the past did not move at all, the median
    absolute deviation is 0 and would make anything infinitely unusual.
    """
    median = statistics.median(history)
    mad = statistics.median(abs(item - median) for item in history)
    return (value - median) / max(CONSISTENT * mad, least), median


def jumps(series: Mapping[date, int], measure: Measure) -> Iterator[Doubt]:
    """Figures far from those of the months before, beyond what counts vary by chance."""
    for month, value in series.items():
        since = months_before(month, HISTORY)
        history = [figure for other, figure in series.items() if since <= other < month]
        if len(history) < FEWEST_MONTHS:
            continue
        # Counts that come by chance vary by the root of their mean (Poisson).
        middle = statistics.median(history)
        z, median = robust_z(value, history, least=max(math.sqrt(middle), 1.0))
        if abs(z) >= UNUSUAL and abs(value - median) >= SMALLEST_CHANGE * median:
            yield Doubt(
                "jump",
                month,
                "likely" if abs(z) >= VERY_UNUSUAL else "possible",
                {"value": value, "median": median, "z": round(z, 2), "months": len(history)},
                about=str(value),
                measure=measure,
            )


def impossible(months: Months) -> Iterator[Doubt]:
    """More decided than there was: completed, rejected and returned against what came in and what
    was open before. Where nobody said what was open, the months before bound it from above."""
    for month, counters in months.items():
        decided = sum(counters.get(name, 0) for name in ("completed", "rejected", "returned"))
        if "submitted" not in counters or decided <= counters["submitted"]:
            continue
        before = months.get(months_before(month, 1), {})
        certainty: Certainty = "certain"
        if "in_review" in before:
            open_before = before["in_review"]
        else:
            since = months_before(month, 12)
            past = [given for other, given in months.items() if since <= other < month]
            if not any("submitted" in given for given in past):
                continue
            open_before = sum(given.get("submitted", 0) for given in past)
            certainty = "possible"
        if decided > counters["submitted"] + open_before:
            facts = {
                "decided": decided,
                "submitted": counters["submitted"],
                "open_before": open_before,
            }
            about = "/".join(str(int(value)) for value in facts.values())
            yield Doubt("impossible", month, certainty, facts, about=about)


def heaping(series: Iterable[Months], year: date) -> Doubt | None:
    """Last digits 0 and 5 far more often than chance gives them: figures that were estimated.

    An exact binomial test over the figures of a year. Only series of counts that are large enough
    to end in any digit take part, and a figure that several counters of a month share counts once.
    """
    figures: list[int] = []
    for months in series:
        within = {month: given for month, given in months.items() if month.year == year.year}
        named: set[Measure] = {name for given in within.values() for name in given}
        large = {
            measure
            for measure in named
            if statistics.median(given[measure] for given in within.values() if measure in given)
            >= LARGE
        }
        for given in within.values():
            figures += {value for measure, value in given.items() if measure in large and value > 0}
    if len(figures) < FEWEST_FIGURES:
        return None
    round_ones = sum(value % 5 == 0 for value in figures)
    by_chance = float(
        binomtest(round_ones, len(figures), ROUND_BY_CHANCE, alternative="greater").pvalue
    )
    if by_chance >= BY_CHANCE:
        return None
    facts = {"round": round_ones, "figures": len(figures), "p_value": by_chance}
    certainty: Certainty = "likely" if by_chance < HARDLY else "possible"
    return Doubt("heaping", year.replace(month=1), certainty, facts, about=str(year.year))


def click_outs(submitted: Mapping[date, int], clicks: Mapping[date, int]) -> Iterator[Doubt]:
    """Applications online that do not fit the people whom the hub led to the portal.

    Not everybody comes through the hub, so the share of the two is compared with its own past;
    without a past, only people without any application are in doubt.
    """
    shares = {
        month: math.log((value + 0.5) / (clicks[month] + 0.5))
        for month, value in submitted.items()
        if clicks.get(month, 0) >= FEWEST_CLICKS
    }
    for month, share in shares.items():
        since = months_before(month, HISTORY)
        history = [other for past, other in shares.items() if since <= past < month]
        facts: dict[str, float] = {"submitted": submitted[month], "clicks": clicks[month]}
        if len(history) >= FEWEST_MONTHS:
            # The spread that chance alone gives to the logarithm of a ratio of counts.
            least = math.sqrt(1 / (submitted[month] + 0.5) + 1 / (clicks[month] + 0.5))
            z, median = robust_z(share, history, least=least)
            if abs(z) < UNUSUAL or abs(math.expm1(share - median)) < SMALLEST_CHANGE:
                continue
            facts |= {"z": round(z, 2), "usual": round(math.exp(median), 3)}
            certainty: Certainty = "likely" if abs(z) >= VERY_UNUSUAL else "possible"
        elif submitted[month] == 0:
            certainty = "possible"
        else:
            continue
        yield Doubt(
            "click_outs", month, certainty, facts, about=str(submitted[month]), measure="submitted"
        )


def doubts_about(months: Months, *, clicks: Mapping[date, int] | None = None) -> list[Doubt]:
    """Every doubt about one service through one channel; `clicks` where it is the online one."""
    of: Callable[[Measure], dict[date, int]] = lambda measure: {  # noqa: E731
        month: given[measure] for month, given in months.items() if measure in given
    }
    found = [*impossible(months)]
    # What is open at the end of a month is a stock, which moves with all the others.
    for measure in ("submitted", "completed", "rejected", "returned"):
        found += jumps(of(measure), measure)
    if clicks is not None:
        found += click_outs(of("submitted"), clicks)
    return found
