"""Formatting of numbers, dates and words in Indonesian reports."""

import math
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from services.assessment.methods.rules import Mean, Weights
from services.assessment.scoring.scores import IntervalKind, Node, NoIntervalReason
from services.platform.translation import translator

INDONESIAN = translator("id")

NO_VALUE = "–"
"""Cell text for a missing figure."""

NOT_ESTIMATED = "tidak diperkirakan"
"""Cell text for the error of a figure that is of no sample."""

INSUFFICIENT = "Bukti belum cukup"

BANDS: tuple[tuple[float, str], ...] = (
    (0, "Belum memadai"),
    (50, "Belum optimal"),
    (75, "Baik"),
)
"""Lower bounds of the bands, an aid for readers that does not affect scores."""

MEANS: dict[Mean, str] = {
    "arithmetic": "rata-rata hitung",
    "geometric": "rata-rata geometrik",
    "harmonic": "rata-rata harmonik",
}

WEIGHTS: dict[str, str] = {
    "equal": "sama untuk setiap bagian",
    "given": "ditetapkan oleh metode",
    "random": "acak (Dirichlet)",
}

ORIGINS: dict[IntervalKind, str] = {
    "range": "kisaran sumber",
    "wilson": "Wilson 95%",
    "bootstrap": "bootstrap 95%",
    "normal": "normal 95%",
    "simulation": "simulasi 95%",
}

NO_INTERVALS: dict[NoIntervalReason | None, str] = {
    None: "tidak diperkirakan: bukan sampel",
    "self_selected": "tanpa rentang: responden memilih sendiri",
    "quota": "tanpa rentang: responden dipilih petugas menurut kuota",
    "full_count": "tanpa rentang: dihitung seluruhnya",
    "incomplete": "tidak ditaksir: yang tercatat mungkin belum semua",
}


def number(value: float, digits: int = 1) -> str:
    """Format a number with decimal comma and points between thousands, such as `1.234,5`."""
    return INDONESIAN.number(value, digits)


def number_or_dash(value: float | None, digits: int = 1) -> str:
    """Format a number, or return a dash for None."""
    return NO_VALUE if value is None else number(value, digits)


def compact_number(value: float, digits: int = 4) -> str:
    """Format a number without trailing zeros, with no or at least two decimals."""
    shown = f"{value:.{digits}f}".rstrip("0")
    whole, _, rest = shown.partition(".")
    return number(value, max(2, len(rest)) if rest else 0) if whole else shown


def signed(value: float | None, digits: int = 1) -> str:
    """Format a difference with its sign."""
    if value is None:
        return NO_VALUE
    shown = number(abs(value), digits)
    if float(f"{value:.{digits}f}") == 0:
        return shown
    return f"+{shown}" if value > 0 else f"−{shown}"


def percent(share: float, digits: int = 0) -> str:
    """Format a share of 0-1 in percent."""
    return f"{number(100 * share, digits)}%"


def whole(value: float | None) -> str:
    """Format a score as a whole number, or return a dash for None."""
    return NO_VALUE if value is None else number(value, 0)


def range_text(low: float, high: float) -> str:
    """Format a range of scores in whole numbers, rounded outward so that it never claims more."""
    return f"{number(math.floor(low), 0)}–{number(math.ceil(high), 0)}"


def interval_text(node: Node) -> str:
    """Format the interval of a score; without one its error is not estimated."""
    if node.value is None:
        return NO_VALUE
    if node.interval is None:
        return NOT_ESTIMATED
    return range_text(node.interval.low, node.interval.high)


def bounds_text(node: Node) -> str:
    """Format what is proven and what is possible, or return a dash for a score without bounds."""
    return NO_VALUE if node.bounds is None else range_text(*node.bounds)


def bounds_in_words(node: Node) -> str:
    """Return what is proven and what is possible, for a sentence; empty without bounds."""
    if node.bounds is None:
        return ""
    low, high = (number(math.floor(node.bounds[0]), 0), number(math.ceil(node.bounds[1]), 0))
    return f"terbukti {low}, paling tinggi {high}"


def date_text(moment: datetime, zone: str) -> str:
    """Format a date in words, such as `31 Maret 2025`."""
    return INDONESIAN.long_date(moment.astimezone(ZoneInfo(zone)).date())


def join_words(words: Sequence[str]) -> str:
    """Join words with commas and a final `dan`."""
    if len(words) < 3:
        return " dan ".join(words)
    return f"{', '.join(words[:-1])}, dan {words[-1]}"


def lower_first(text: str) -> str:
    """Lower the first letter of a name inside a sentence, except in abbreviations."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


SMALL_WORDS = frozenset(
    ("atas", "bagi", "dalam", "dan", "dari", "dengan", "di", "ke", "oleh", "pada", "untuk", "yang")
)


def as_title(text: str) -> str:
    """Capitalise each word of a title, except conjunctions and prepositions."""
    words = text.split(" ")
    return " ".join(
        word if at and word in SMALL_WORDS else word[:1].upper() + word[1:]
        for at, word in enumerate(words)
    )


def band_of(value: float) -> str:
    """Return the band of a value as it is shown, in whole numbers."""
    shown = float(f"{value:.0f}")
    return [word for low, word in BANDS if low <= shown][-1]


def band(node: Node, spread: tuple[float, float] | None = None) -> str:
    """Return the band of a score, and both bands if its range reaches into another.

    The range is `spread`, else the interval.
    """
    if node.value is None:
        return INSUFFICIENT
    if spread is None:
        if node.interval is None:
            return band_of(node.value)
        spread = node.interval.low, node.interval.high
    low, high = (band_of(end) for end in spread)
    own = band_of(node.value)
    return own if low == high else f"{low} hingga {lower_first(high)}"


def weights_in_words(weights: Weights) -> str:
    """Describe the weights of a method."""
    return WEIGHTS.get(weights.kind, weights.kind)
