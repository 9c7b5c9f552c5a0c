"""The operations of a hub in use, as requests: what citizens, agencies and evaluators send.

Every request is another one: each person has an address of their own, each response and event an
id of its own.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from itertools import count
from random import Random
from urllib.request import urlopen
from uuid import uuid4

SERVICES = ("ktp-el", "kartu-keluarga", "akta-kelahiran", "akta-kematian", "pindah-datang")
SEARCHES = (
    "ktp hilang",
    "izin bangunan",
    "akta lahir",
    "bayar pbb",
    "usaha kecil",
    "pindah alamat",
)
MONTHS = [f"{year}-{month:02}" for year in (2023, 2024, 2025) for month in range(1, 13)]
CHANNELS = ("online", "counter", "phone", "visit", "email")
BATCH = 100
"""Events, and entries of monthly statistics, in one request."""


@dataclass(frozen=True)
class Sent:
    """A request, and the statuses that answer it."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    expected: frozenset[int] = frozenset({200})


@dataclass(frozen=True)
class Operation:
    """A kind of request; `items` is how many things one request holds."""

    name: str
    request: Callable[[], Sent]
    items: int = 1


class Requests:
    """Makes the requests of people and of an agency of Toba's pack."""

    def __init__(self, *, key: str, form_token: str, seed: int = 1) -> None:
        """`key` is an API key of the agency `dukcapil` with the scope `usage:write`.

        `form_token` is that of a form for comments, as a person has it who reads the form first.
        """
        self._random = Random(seed)
        self._people = count(1)
        self._form_token = form_token
        self._bearer = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def operations(self) -> list[Operation]:
        return [
            Operation("page, cached", lambda: self._page(f"/layanan/{self._service()}")),
            Operation("page, search", lambda: self._page(f"/cari?q={self._search()}")),
            Operation("page, dashboard", lambda: self._page("/dasbor")),
            Operation("list over the API, cached", lambda: self._page("/api/v1/services?limit=20")),
            Operation("click-out", self._click_out),
            Operation("usage event, single", self._single_event),
            Operation("usage events, batch", self._events, BATCH),
            Operation("monthly statistics, batch", self._statistics, BATCH),
            Operation("survey response", self._response),
            Operation("complaint", self._complaint),
        ]

    def _service(self) -> str:
        return self._random.choice(SERVICES)

    def _search(self) -> str:
        return self._random.choice(SEARCHES).replace(" ", "+")

    def _person(self) -> dict[str, str]:
        number = next(self._people)
        return {"X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}

    def _page(self, path: str) -> Sent:
        return Sent("GET", path, self._person())

    def _click_out(self) -> Sent:
        path = f"/go/website?service={self._service()}"
        return Sent("GET", path, self._person(), expected=frozenset({302}))

    def _event(self) -> dict[str, str]:
        return {
            "id": str(uuid4()),
            "kind": "form_end",
            "source": "agency",
            "occurred_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "service": self._service(),
            "channel": "counter",
            "district": f"12.12.{self._random.randrange(1, 10):02}",
        }

    def _single_event(self) -> Sent:
        return self._write("/api/v1/usage/events", {"events": [self._event()]})

    def _events(self) -> Sent:
        events = [self._event() for _ in range(BATCH)]
        return self._write("/api/v1/usage/events", {"events": events})

    def _statistics(self) -> Sent:
        cells = [
            (service, channel, period)
            for service in SERVICES
            for channel in CHANNELS
            for period in MONTHS
        ]
        entries = [
            {
                "agency": "dukcapil",
                "service": service,
                "channel": channel,
                "period": period,
                "counters": {"submitted": self._random.randrange(1, 900)},
            }
            for service, channel, period in self._random.sample(cells, BATCH)
        ]
        return self._write("/api/v1/usage/statistics", {"statistics": entries})

    def _response(self) -> Sent:
        answers = {f"U{number}": self._random.randrange(2, 5) for number in range(1, 10)}
        body = {"id": str(uuid4()), "service": self._service(), "answers": answers}
        return self._public("/api/v1/surveys/skm/responses", body)

    def _complaint(self) -> Sent:
        body = {
            "kind": "complaint",
            "category": "time",
            "agency": "dukcapil",
            "text": f"Antrean terlalu lama, nomor {next(self._people)}",
            "form_token": self._form_token,
        }
        return self._public("/api/v1/comments", body)

    def _write(self, path: str, body: object) -> Sent:
        return Sent("POST", path, self._bearer, json.dumps(body).encode())

    def _public(self, path: str, body: object) -> Sent:
        headers = self._person() | {"Content-Type": "application/json"}
        taken = frozenset({200, 201, 202})
        return Sent("POST", path, headers, json.dumps(body).encode(), taken)


def form_token(port: int) -> str:
    """Return the token of a new form for comments."""
    with urlopen(f"http://127.0.0.1:{port}/api/v1/comments/form", timeout=30) as answer:
        return json.load(answer)["form_token"]


@dataclass
class Outcome:
    """What some requests led to."""

    seconds: list[float] = field(default_factory=list[float])
    failures: Counter[str] = field(default_factory=Counter[str])


class Client:
    """Connections that stay open, one for each thread."""

    def __init__(self, port: int, *, timeout: float = 30) -> None:
        self._port = port
        self._timeout = timeout
        self._own = threading.local()

    def send(self, sent: Sent, outcome: Outcome) -> None:
        """Send a request and note how long it took, or how it failed."""
        began = time.perf_counter()
        try:
            connection = self._connection()
            connection.request(sent.method, sent.path, sent.body, dict(sent.headers))
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            outcome.failures[type(error).__name__] += 1
            self._own.connection = None
            return
        if answer.status in sent.expected:
            outcome.seconds.append(time.perf_counter() - began)
        else:
            outcome.failures[f"{answer.status} {content[:200].decode(errors='replace')}"] += 1

    def send_all(self, requests: Iterable[Sent], *, connections: int) -> Outcome:
        """Send requests over some connections, each when another was answered."""
        outcome = Outcome()
        waiting = iter(requests)
        taking = threading.Lock()

        def work() -> None:
            while True:
                with taking:
                    sent = next(waiting, None)
                if sent is None:
                    return
                self.send(sent, outcome)

        with ThreadPoolExecutor(connections) as pool:
            for done in [pool.submit(work) for _ in range(connections)]:
                done.result()
        return outcome

    def _connection(self) -> HTTPConnection:
        connection: HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = HTTPConnection("127.0.0.1", self._port, timeout=self._timeout)
            self._own.connection = connection
        return connection
