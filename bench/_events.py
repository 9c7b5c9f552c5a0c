"""Usage events as a regency's e-Mall makes them: few services are much used, districts differ."""

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from uuid import UUID

from services.feedback.events.parsing import Saying

SERVICES = [f"layanan-{number}" for number in range(1, 41)]
DISTRICTS = [f"12.12.{number:02}" for number in range(1, 17)]
NAMES = ["kind", "source", "agency", "service", "link", "channel", "district"]
KINDS = ["page_view", "search", "click_out", "form_start", "form_end"]


def sayings() -> tuple[list[Saying], list[float]]:
    """What events can say, and how often they do: Zipf over services, four ways to come."""
    said: list[Saying] = []
    weights: list[float] = []
    ways = [
        ("gateway", "online", [None], 0.60, [0.45, 0.2, 0.25, 0.06, 0.04]),
        ("kiosk", "counter", DISTRICTS[:4], 0.10, [0.5, 0.3, 0.2, 0, 0]),
        ("poster", "online", DISTRICTS, 0.05, [0.7, 0, 0.3, 0, 0]),
        ("agency", "counter", DISTRICTS, 0.25, [0, 0, 0, 0.5, 0.5]),
    ]
    for rank, service in enumerate(SERVICES, start=1):
        agency = f"opd-{rank % 9}"
        for source, channel, districts, share, kinds in ways:
            for district in districts:
                for kind, part in zip(KINDS, kinds, strict=True):
                    if part:
                        link = f"tautan-{rank % 7}" if kind == "click_out" else None
                        said.append((kind, source, agency, service, link, channel, district))
                        weights.append(share * part / len(districts) / rank)
    return said, weights


@dataclass(frozen=True)
class Made:
    """A batch: as it travels, and as the rows of a plain table."""

    body: bytes
    ids: list[UUID]
    rows: list[tuple[object, ...]]


class Maker:
    """Makes batches whose events happened in the hour before, one in twenty some days before."""

    def __init__(self, seed: int, *, at: datetime) -> None:
        self._random = random.Random(seed)
        said, weights = sayings()
        self._said = said
        self._weights = list(accumulate(weights))
        self._at = at

    def batch(self, size: int) -> Made:
        chosen = self._random.choices(self._said, cum_weights=self._weights, k=size)
        ids = [UUID(int=self._random.getrandbits(128), version=4) for _ in range(size)]
        times = [self._time() for _ in range(size)]
        events = [
            {"id": str(key), "occurred_at": time.isoformat().replace("+00:00", "Z")}
            | {name: value for name, value in zip(NAMES, saying, strict=True) if value is not None}
            for key, time, saying in zip(ids, times, chosen, strict=True)
        ]
        rows = [
            ("12.12", key, time, self._at, *(part or "" for part in saying), "bench")
            for key, time, saying in zip(ids, times, chosen, strict=True)
        ]
        body = json.dumps({"events": events}, separators=(",", ":")).encode()
        return Made(body, ids, rows)

    def _time(self) -> datetime:
        late = timedelta(days=self._random.randrange(1, 8)) if self._random.random() < 0.05 else 0
        seconds = timedelta(milliseconds=self._random.randrange(3_600_000))
        return self._at - seconds - (late or timedelta())


def now() -> datetime:
    return datetime.now(UTC)
