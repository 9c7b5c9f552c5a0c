"""Periods of survey results in words."""

from collections.abc import Mapping

from services.platform.months import parse_period
from services.platform.translation import N_, Message, Translator

PARTS_OF_A_YEAR: Mapping[str, Message] = {
    "S1": N_("semester pertama %(year)s"),
    "S2": N_("semester kedua %(year)s"),
    "Q1": N_("triwulan pertama %(year)s"),
    "Q2": N_("triwulan kedua %(year)s"),
    "Q3": N_("triwulan ketiga %(year)s"),
    "Q4": N_("triwulan keempat %(year)s"),
}


def period_words(messages: Translator, period: str) -> str:
    """Return a period such as `2024-S1`, `2024-Q3` or `2024-07` as people write it."""
    year, _, part = period.partition("-")
    if part in PARTS_OF_A_YEAR:
        return messages.translate(PARTS_OF_A_YEAR[part], year=year)
    return messages.month(parse_period(period)) if part else year
