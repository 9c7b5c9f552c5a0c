"""Kinds of samples: how respondents came to answer, and whether an interval holds their error."""

from collections.abc import Collection
from typing import Literal

SampleDesign = Literal["self_selected", "drawn", "quota", "invited"]
"""How a round finds its respondents."""

SampleKind = Literal["self_selected", "enumerated", "drawn", "quota", "invited"]
"""How the respondents of responses were found; `enumerated`: asked by enumerators, with no design
on record of whom they ask."""

SELF_SELECTED = (
    "respondents chose themselves: the error of such a sample is unknown, and no interval holds it"
)
QUOTA = (
    "enumerators chose whom they asked until the quotas were filled: the error of such a sample is "
    "unknown, and no interval holds it"
)
UNKNOWN = "unknown"
"""The sample of bundles formed before samples were told apart."""


def sample_of(mode: str, design: SampleDesign | None) -> SampleKind:
    """Return the sample of a response that was given in a mode, in a round of a design."""
    if mode == "invitation":
        return "invited"
    if mode != "enumerator":
        return "self_selected"
    return design if design in ("drawn", "quota") else "enumerated"


def find_no_interval_reason(samples: Collection[str]) -> str | None:
    """Return why figures of these samples have no interval; None if they have one."""
    if {"self_selected", UNKNOWN} & {*samples}:
        return SELF_SELECTED
    return QUOTA if "quota" in samples else None
