"""Asks another system: within a deadline, behind a breaker, again only where it is harmless."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from services.gateway.outbound.circuit_breaker import Breaker, Switch
from services.gateway.outbound.failures import failure_of, reason_of, trusted_roots
from services.gateway.outbound.ssrf_guard import Guard, PrivateAddressError, to_address

MOST_BYTES = 4 * 1024 * 1024
MOST_REDIRECTS = 5

Reason = Literal[
    "breaker_open",
    "dns",
    "tls",
    "timeout",
    "refused",
    "cut",
    "too_large",
    "status",
    "nonsense",
    "private_address",
    "redirect_loop",
    "bad_redirect",
]


class ConnectorError(Exception):
    """The other system gave no answer that can be used."""

    def __init__(self, connector: str, reason: Reason, detail: str) -> None:
        super().__init__(f"{connector}: {detail}")
        self.connector = connector
        self.reason: Reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Answer:
    """An answer, read whole."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """By their names in small letters."""
    url: str = ""
    """Where it came from, after redirects."""


@dataclass(frozen=True)
class Patience:
    """How long and how often a system is asked, in seconds."""

    whole: float = 10
    connect: float = 3
    attempts: int = 3
    pause: float = 0.2
    """Upper end of the first random pause; it doubles with each attempt."""


Judge = Callable[[Answer], bool]
"""Whether an answer tells that the other system is failing."""


def server_failed(answer: Answer) -> bool:
    return answer.status >= 500


class Connector:
    """The way to one system.

    With a guard it asks no private network, and follows a few redirects, as a reader of pages does.
    """

    def __init__(
        self,
        name: str,
        url: str,
        breaker: Breaker,
        *,
        patience: Patience | None = None,
        judge: Judge = server_failed,
        switched: Callable[[], Awaitable[Switch]] | None = None,
        guard: Guard | None = None,
        most_bytes: int = MOST_BYTES,
        rng: random.Random | None = None,
    ) -> None:
        self.name = name
        self.breaker = breaker
        self._patience = patience or Patience()
        self._judge = judge
        self._switched = switched
        self._guard = guard
        self._most_bytes = most_bytes
        self._rng = rng or random.Random()  # noqa: S311 - jitter
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(self._patience.whole, connect=self._patience.connect),
            verify=trusted_roots(),
            trust_env=False,
            follow_redirects=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        idempotent: bool,
        headers: dict[str, str] | None = None,
        json: Any = None,
    ) -> Answer:
        """The answer, whatever its status below 500; `ConnectorError` where there is none."""
        if self._switched is not None:
            self.breaker.switch = await self._switched()
        request = self._client.build_request(method, path, headers=headers, json=json)
        attempts = self._patience.attempts if idempotent else 1
        try:
            async with asyncio.timeout(self._patience.whole):
                for attempt in range(attempts):
                    if attempt:
                        longest = self._patience.pause * 2 ** (attempt - 1)
                        await asyncio.sleep(self._rng.uniform(0, longest))
                    try:
                        return await self._once(request)
                    except ConnectorError as error:
                        if attempt == attempts - 1 or error.reason == "breaker_open":
                            raise
        except TimeoutError:
            detail = f"no whole answer within {self._patience.whole:g} s"
            raise ConnectorError(self.name, "timeout", detail) from None
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, request: httpx.Request) -> Answer:
        admission = self.breaker.admit()
        if admission is None:
            raise ConnectorError(self.name, "breaker_open", "it failed too often and is let rest")
        # Cut off from outside by the deadline, a call has failed as well.
        failed = True
        try:
            answer = await self._exchange(request)
            failed = self._judge(answer)
        except PrivateAddressError as error:
            raise ConnectorError(self.name, "private_address", str(error)) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            failure = failure_of(error)
            reason: Reason = "tls" if failure == "tls_chain" else failure  # pyright: ignore[reportAssignmentType]
            raise ConnectorError(self.name, reason, reason_of(error)) from None
        finally:
            self.breaker.settle(admission, failed=failed)
        if answer.status >= 500:
            raise ConnectorError(self.name, "status", f"status {answer.status}")
        return answer

    async def _exchange(self, request: httpx.Request) -> Answer:
        if self._guard is None:
            return await self._read(request, request.url)
        seen: set[httpx.URL] = set()
        while True:
            url = request.url
            if url in seen or len(seen) > MOST_REDIRECTS:
                detail = f"it redirects in a circle or more than {MOST_REDIRECTS} times"
                raise ConnectorError(self.name, "redirect_loop", detail)
            seen.add(url)
            [address, *_] = await self._guard.addresses_of(url) or [""]
            if not address:
                raise OSError("the host has no address")
            answer = await self._read(to_address(request, address), url)
            location = answer.headers.get("location")
            if answer.status not in {301, 302, 303, 307, 308} or location is None:
                return answer
            request = self._redirected(request, url.join(location).copy_with(fragment=None))

    def _redirected(self, request: httpx.Request, url: httpx.URL) -> httpx.Request:
        """The same question elsewhere; what opens the first host is not shown to another."""
        same = (url.scheme, url.host, url.port) == (
            request.url.scheme,
            request.url.host,
            request.url.port,
        )
        kept = {"accept", "user-agent", "accept-encoding"}
        headers = {
            name: value
            for name, value in request.headers.items()
            if name != "host" and (same or name in kept)
        }
        return self._client.build_request(request.method, url, headers=headers)

    async def _read(self, request: httpx.Request, url: httpx.URL) -> Answer:
        answer = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > self._most_bytes:
                    detail = f"the answer is over {self._most_bytes} bytes"
                    raise ConnectorError(self.name, "too_large", detail)
        finally:
            await answer.aclose()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, bytes(body), headers, str(url))
