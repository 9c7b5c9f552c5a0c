"""Asks another system: within a deadline, behind a breaker, again only where it is harmless."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from services.gateway.connectors.breaker import Breaker, Switch
from services.gateway.links.probing import failure_of, reason_of

MOST_BYTES = 4 * 1024 * 1024

Reason = Literal[
    "breaker_open", "dns", "tls", "timeout", "refused", "cut", "too_large", "status", "nonsense"
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
    """The way to one system."""

    def __init__(
        self,
        name: str,
        url: str,
        breaker: Breaker,
        *,
        patience: Patience | None = None,
        judge: Judge = server_failed,
        switched: Callable[[], Awaitable[Switch]] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.name = name
        self.breaker = breaker
        self._patience = patience or Patience()
        self._judge = judge
        self._switched = switched
        self._rng = rng or random.Random()  # noqa: S311 - jitter
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(self._patience.whole, connect=self._patience.connect),
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
        except (httpx.HTTPError, OSError) as error:
            failure = failure_of(error)
            reason: Reason = "tls" if failure == "tls_chain" else failure  # pyright: ignore[reportAssignmentType]
            raise ConnectorError(self.name, reason, reason_of(error)) from None
        finally:
            self.breaker.settle(admission, failed=failed)
        if answer.status >= 500:
            raise ConnectorError(self.name, "status", f"status {answer.status}")
        return answer

    async def _exchange(self, request: httpx.Request) -> Answer:
        answer = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise ConnectorError(
                        self.name, "too_large", f"the answer is over {MOST_BYTES} bytes"
                    )
        finally:
            await answer.aclose()
        return Answer(answer.status_code, bytes(body))
