"""Synthetic usage events: a few services get most of the use, and districts differ."""

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from uuid import UUID

from services.feedback.events.batch import Dimensions

SERVICES = [f"layanan-{number}" for number in range(1, 41)]
DISTRICTS = [f"12.12.{number:02}" for number in range(1, 17)]
NAMES = ["kind", "source", "agency", "service", "link", "channel", "district"]
KINDS = ["page_view", "search", "click_out", "form_start", "form_end"]


def dimension_weights() -> tuple[list[Dimensions], list[float]]:
    """Return the dimensions of events and their weights: Zipf over services, four ways of use."""
    dimensions: list[Dimensions] = []
    weights: list[float] = []
    ways = [
        ("kiosk", "online", [None], 0.60, [0.45, 0.2, 0.25, 0.06, 0.04]),
        ("kiosk", "counter", DISTRICTS[:4], 0.10, [0.5, 0.3, 0.2, 0, 0]),
        ("agency", "online", DISTRICTS, 0.05, [0.7, 0, 0.3, 0, 0]),
        ("agency", "counter", DISTRICTS, 0.25, [0, 0, 0, 0.5, 0.5]),
    ]
    for rank, service in enumerate(SERVICES, start=1):
        agency = f"opd-{rank % 9}"
        for source, channel, districts, share, kinds in ways:
            for district in districts:
                for kind, part in zip(KINDS, kinds, strict=True):
                    if part:
                        link = f"tautan-{rank % 7}" if kind == "click_out" else None
                        dimensions.append((kind, source, agency, service, link, channel, district))
                        weights.append(share * part / len(districts) / rank)
    return dimensions, weights


@dataclass(frozen=True)
class GeneratedBatch:
    """A batch as a request body and as the rows of a plain table."""

    body: bytes
    ids: list[UUID]
    rows: list[tuple[object, ...]]


class EventGenerator:
    """Generates batches of events of the last hour, one in twenty of them some days older."""

    def __init__(self, seed: int, *, at: datetime) -> None:
        self._random = random.Random(seed)
        dimensions, weights = dimension_weights()
        self._dimensions = dimensions
        self._weights = list(accumulate(weights))
        self._at = at

    def batch(self, size: int) -> GeneratedBatch:
        chosen = self._random.choices(self._dimensions, cum_weights=self._weights, k=size)
        ids = [UUID(int=self._random.getrandbits(128), version=4) for _ in range(size)]
        times = [self._time() for _ in range(size)]
        events = [
            {"id": str(key), "occurred_at": time.isoformat().replace("+00:00", "Z")}
            | {name: value for name, value in zip(NAMES, each, strict=True) if value is not None}
            for key, time, each in zip(ids, times, chosen, strict=True)
        ]
        rows = [
            ("12.12", key, time, self._at, *(part or "" for part in each), "bench")
            for key, time, each in zip(ids, times, chosen, strict=True)
        ]
        body = json.dumps({"events": events}, separators=(",", ":")).encode()
        return GeneratedBatch(body, ids, rows)

    def _time(self) -> datetime:
        late = timedelta(days=self._random.randrange(1, 8)) if self._random.random() < 0.05 else 0
        seconds = timedelta(milliseconds=self._random.randrange(3_600_000))
        return self._at - seconds - (late or timedelta())


def now() -> datetime:
    return datetime.now(UTC)
