"""The line to a service in another process: ends what waits for it when it falls silent."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx

from services.platform import trace_hooks
from services.platform.request_id import current_request_id, traceparent
from services.platform.settings import Service
from services.platform.tls import ssl_context_for
from services.platform.watch import AwayError, Watch

LIVE = "/health/live"


class ServiceLine(Watch):
    """Requests of this process to one service, and their circuit breaker.

    It asks for `/health/live`, from the first request on; a service that works on a long request
    answers that meanwhile.
    """

    AWAY_ERRORS = (TimeoutError, httpx.TransportError)

    def __init__(self, service: Service, url: str, *, silence: float) -> None:
        super().__init__(f"service {service.value}", silence)
        self.service = service
        self.url = url
        self._client: httpx.AsyncClient | None = None
        self._waiting: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def request(self) -> AsyncGenerator[None]:
        """Make a request in this block; raise `AwayError` if the service is silent."""
        self.admit()
        async with self.wait():
            yield

    @asynccontextmanager
    async def wait(self) -> AsyncGenerator[None]:
        """Wait for a request's response in this block; raise `AwayError` if the service falls
        silent.

        What has come is no matter of the service any more: do nothing else in the block.
        """
        end = asyncio.timeout(None)
        try:
            async with end:
                self._waiting.add(end)
                try:
                    yield
                finally:
                    self._waiting.discard(end)
        except TimeoutError:
            if not end.expired():
                raise
            raise AwayError(f"the {self.label} does not answer") from None

    async def stop(self) -> None:
        await super().stop()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ask(self) -> None:
        if self._client is None:
            self._client = httpx.AsyncClient(
                base_url=self.url,
                timeout=self._deadline,
                verify=ssl_context_for(self.url),
                trust_env=False,
            )
        try:
            await self._client.get(LIVE)
        except httpx.TimeoutException as error:
            raise TimeoutError(str(error) or "no answer") from error

    def _end_waiting(self) -> None:
        now = asyncio.get_running_loop().time()
        for end in tuple(self._waiting):
            end.reschedule(now)


class WatchedTransport(httpx.AsyncHTTPTransport):
    """Transport of clients of a service in another process."""

    def __init__(self, line: ServiceLine) -> None:
        super().__init__(verify=ssl_context_for(line.url), trust_env=False)
        self._line = line

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request with the id of the one it serves, and read the whole response."""
        if (request_id := current_request_id()) is not None:
            request.headers["traceparent"] = traceparent(request_id).decode()
        try:
            async with self._line.request():
                response = await super().handle_async_request(request)
                await response.aread()
        except AwayError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        return response


def remote_transport(line: ServiceLine) -> httpx.AsyncBaseTransport:
    """Create the transport to a service in another process."""
    transport = WatchedTransport(line)
    if trace_hooks.active is None:
        return transport
    return trace_hooks.active.transport(transport, line.service.value)
