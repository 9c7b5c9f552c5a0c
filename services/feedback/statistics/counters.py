"""What monthly statistics count, and through which channels: words that pure computation shares."""

from typing import Literal, get_args

ChannelKind = Literal["online", "counter", "phone", "visit", "email"]
Measure = Literal["submitted", "in_review", "completed", "rejected", "returned"]

MEASURES: tuple[Measure, ...] = get_args(Measure)
MAX_COUNT = 1_000_000_000
