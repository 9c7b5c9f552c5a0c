"""Scores as the dashboard writes them: whole numbers, ranges rounded outward."""

import math

from services.assessment.client import Node
from services.gateway.portal.charts.chart import NONE
from services.platform.translation import Translator


def figure(messages: Translator, value: float | None, digits: int = 0) -> str:
    """Return a number, or a dash if there is none."""
    return NONE if value is None else messages.number(value, digits)


def compact(messages: Translator, value: float) -> str:
    """Return a number with as many of two decimals as it needs."""
    digits = next(n for n in (0, 1, 2) if n == 2 or round(value, n) == round(value, 2))
    return messages.number(value, digits)


def range_text(messages: Translator, low: float | None, high: float | None) -> str:
    """Return a range in whole numbers, rounded outward; a dash if there is none."""
    if low is None or high is None:
        return NONE
    return f"{messages.number(math.floor(low))}–{messages.number(math.ceil(high))}"


def standing(messages: Translator, node: Node) -> str:
    """Return a score in a sentence: the estimate, what is proven and what is possible."""
    parts: list[str] = []
    if node.value is None:
        parts.append(messages.gettext("belum dapat diperkirakan"))
    else:
        parts.append(messages.gettext("perkiraan %(value)s", value=figure(messages, node.value)))
    if node.bounds is not None:
        low, high = node.bounds
        parts.append(
            messages.gettext(
                "terbukti %(low)s, paling tinggi %(high)s",
                low=messages.number(math.floor(low)),
                high=messages.number(math.ceil(high)),
            )
        )
    return "; ".join(parts)


def signed(messages: Translator, points: float) -> str:
    """Return a difference with its sign and one decimal, such as `+1,5`."""
    rounded = round(points, 1)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else ""
    return f"{sign}{messages.number(abs(rounded), 1)}"
