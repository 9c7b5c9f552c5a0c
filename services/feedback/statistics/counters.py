"""Counters of monthly statistics, as shared by the API models and the pure computation."""

from typing import Literal, get_args

Measure = Literal["submitted", "in_review", "completed", "rejected", "returned"]

MEASURES: tuple[Measure, ...] = get_args(Measure)
MAX_COUNT = 1_000_000_000
