"""The load: requests with ids of their own at a fixed rate, repeated as a careful client does."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, cycle, product
from typing import Any
from uuid import uuid4

import aiohttp

from services.platform.service import API
from tests.faults.ledger import Item, Kind, Ledger

TIMEOUT_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 4.0
"""Before a request without a proper answer is sent again; each pause is twice the one before."""
PATIENCE_SECONDS = 60.0
"""How long a client sends a request again."""
MAX_IN_FLIGHT = 200
SERVICES = ("ktp-el", "kartu-keluarga", "akta-kelahiran", "akta-kematian", "kia")
CHANNELS = ("online", "counter", "phone", "visit", "email")
PERIODS = tuple(f"{year}-{month:02}" for year in range(2015, 2026) for month in range(1, 13))
LETTERS = str.maketrans("0123456789", "ghijklmnop")
"""Digits could be a telephone number, which the hub masks."""
ANSWERS = dict.fromkeys([f"U{number}" for number in range(1, 10)], 3)


@dataclass(frozen=True)
class Outgoing:
    """A request, and the items that are stored if the hub accepts it."""

    name: str
    method: str
    path: str
    items: tuple[Item, ...] = ()
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    expected: frozenset[int] = frozenset({200})
    is_repeatable: bool = True
    is_audited: bool = False


@dataclass(frozen=True)
class Keys:
    """What the load is allowed by."""

    agency: str
    admin: str
    form_token: str


class Requests:
    """Makes the requests of a run; none has the ids of another."""

    def __init__(self, keys: Keys, *, links: list[str], services: list[str]) -> None:
        self._agency = {"Authorization": f"Bearer {keys.agency}"}
        self._admin = {"Authorization": f"Bearer {keys.admin}"}
        self._form_token = keys.form_token
        self._clicks: Iterator[tuple[str, str]] = cycle(product(links, services))
        self._cells = cycle(product(PERIODS, CHANNELS, SERVICES))
        self._values = count(1)
        self._pages = cycle(
            ("/", "/layanan/ktp-el", f"{API}/services?query=izin", f"{API}/services/pbg", "/status")
        )

    def event(self) -> Outgoing:
        """Return a single usage event."""
        return self._events(1)

    def batch(self) -> Outgoing:
        """Return a batch of usage events."""
        return self._events(20)

    def _events(self, number: int) -> Outgoing:
        now = datetime.now(UTC).isoformat()
        ids = [str(uuid4()) for _ in range(number)]
        events = [
            {
                "id": each,
                "kind": "form_end",
                "source": "agency",
                "occurred_at": now,
                "service": SERVICES[place % len(SERVICES)],
            }
            for place, each in enumerate(ids)
        ]
        return Outgoing(
            "event",
            "POST",
            f"{API}/usage/events",
            tuple(Item(Kind.event, each) for each in ids),
            {"events": events},
            self._agency,
            is_audited=True,
        )

    def statistic(self) -> Outgoing:
        """Return a month's figure, different from every other."""
        period, channel, service = next(self._cells)
        value = next(self._values)
        statistic = {
            "agency": "dukcapil",
            "service": service,
            "channel": channel,
            "period": period,
            "counters": {"submitted": value},
        }
        return Outgoing(
            "statistic",
            "POST",
            f"{API}/usage/statistics",
            (Item(Kind.statistic, str(value)),),
            {"statistics": [statistic]},
            self._agency,
            is_audited=True,
        )

    def complaint(self) -> Outgoing:
        """Return a complaint of a citizen."""
        key = uuid4().hex.translate(LETTERS)
        body = {
            "kind": "complaint",
            "category": "time",
            "text": f"Antrean terlalu lama {key}",
            "form_token": self._form_token,
        }
        return Outgoing(
            "complaint",
            "POST",
            f"{API}/comments",
            (Item(Kind.complaint, key),),
            body,
            {"Idempotency-Key": key},
            frozenset({200, 201}),
        )

    def response(self) -> Outgoing:
        """Return a response to the survey of satisfaction."""
        key = str(uuid4())
        return Outgoing(
            "response",
            "POST",
            f"{API}/surveys/skm/responses",
            (Item(Kind.response, key),),
            {"id": key, "service": "ktp-el", "answers": ANSWERS},
            expected=frozenset({200, 201, 202}),
        )

    def click(self) -> Outgoing:
        """Return a click-out, which nobody repeats; the hub counts them by link and service."""
        link, service = next(self._clicks)
        return Outgoing(
            "click",
            "GET",
            f"/go/{link}?service={service}",
            (Item(Kind.click, f"{link} {service}"),),
            expected=frozenset({302}),
            is_repeatable=False,
        )

    def risk(self) -> Outgoing:
        """Return a risk to be recorded as evidence."""
        key = f"risiko-{uuid4().hex}"
        body = {
            "key": key,
            "sources": ["website-toba"],
            "name": "Jaringan di kecamatan terputus",
            "name_en": "Network in the districts is cut",
            "valid_from": "2026-01-01",
        }
        return Outgoing(
            "risk",
            "POST",
            f"{API}/risks",
            (Item(Kind.risk, key),),
            body,
            self._admin | {"Idempotency-Key": key},
            frozenset({200, 201}),
            is_audited=True,
        )

    def incident(self) -> Outgoing:
        """Return the opening of an incident, of which a webhook is to hear."""
        key = str(uuid4())
        return Outgoing(
            "incident",
            "POST",
            f"{API}/incidents",
            (Item(Kind.incident, key), Item(Kind.webhook, key)),
            {"link": "simbg", "title": f"Gangguan {key}", "title_en": f"Trouble {key}"},
            self._admin | {"Idempotency-Key": key},
            frozenset({200, 201}),
            is_audited=True,
        )

    def read(self) -> Outgoing:
        """Return the reading of a page or of an answer of the API."""
        return Outgoing("read", "GET", next(self._pages), is_repeatable=False)


SHARES: Mapping[Callable[[Requests], Outgoing], float] = {
    Requests.event: 4,
    Requests.batch: 0.5,
    Requests.statistic: 1.5,
    Requests.complaint: 1,
    Requests.response: 1,
    Requests.click: 6,
    Requests.risk: 1,
    Requests.incident: 0.5,
    Requests.read: 4.5,
}
"""Requests of each kind among so many."""


class Load:
    """Sends requests at their rates until it is stopped."""

    def __init__(
        self, client: aiohttp.ClientSession, address: str, requests: Requests, *, rate: float
    ) -> None:
        self._rate = rate
        self.ledger = Ledger()
        self._client = client
        self._address = address
        self._requests = requests
        self._in_flight = asyncio.Semaphore(MAX_IN_FLIGHT)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Send until the block ends; then wait for what is still being sent."""
        async with asyncio.TaskGroup() as sending:
            sources = [
                asyncio.create_task(
                    self._send_at(
                        self._rate * share / sum(SHARES.values()), make, sending.create_task
                    )
                )
                for make, share in SHARES.items()
            ]
            try:
                yield
            finally:
                for source in sources:
                    source.cancel()
                await asyncio.gather(*sources, return_exceptions=True)

    async def _send_at(
        self,
        rate: float,
        make: Callable[[Requests], Outgoing],
        start: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        while True:
            async with self._in_flight:
                pass  # as many as may be are on their way: wait
            start(self._deliver(make(self._requests)))
            await asyncio.sleep(1 / rate)

    async def _deliver(self, outgoing: Outgoing) -> None:
        """Send a request, again and again if it may be repeated, until it is accepted."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE_SECONDS
        pause = FIRST_PAUSE_SECONDS
        while True:
            async with self._in_flight:
                sent_at = loop.time()
                error = await self._send(outgoing)
                self.ledger.time(outgoing.name, loop.time() - sent_at)
            if error is None:
                return
            self.ledger.fail(error, outgoing.name, now=loop.time())
            if not outgoing.is_repeatable or loop.time() > end:
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _send(self, outgoing: Outgoing) -> str | None:
        """Send a request once; return what was wrong with its answer."""
        request_id = uuid4().hex
        items = outgoing.items
        if outgoing.is_audited:
            items += (Item(Kind.audit, request_id),)
        self.ledger.send(items)
        try:
            async with self._client.request(
                outgoing.method,
                self._address + outgoing.path,
                json=outgoing.body,
                headers={"traceparent": f"00-{request_id}-{'1' * 16}-01", **outgoing.headers},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            ) as answer:
                await answer.read()
                if answer.status not in outgoing.expected:
                    return str(answer.status)
        except TimeoutError:
            return f"no answer in {TIMEOUT_SECONDS:.0f} s"
        except (aiohttp.ClientError, OSError) as error:
            return type(error).__name__
        self.ledger.accept(items)
        return None
