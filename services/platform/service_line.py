"""Lines to the processes of a service: each ends what waits for one that falls silent."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import httpx

from services.platform import trace_hooks
from services.platform.request_id import current_request_id, traceparent
from services.platform.settings import Service
from services.platform.tls import ssl_context_for
from services.platform.watch import AwayError, Watch

LIVE = "/health/live"

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods of requests that another process may answer if the first one did not (RFC 9110, 9.2)."""


class FellSilentError(AwayError):
    """A process fell silent while a request waited for it, which it may carry out nevertheless."""


class ServiceLine(Watch):
    """Requests of this process to one process of a service, and their circuit breaker.

    It asks for `/health/live`; a service that works on a long request answers that meanwhile.
    """

    AWAY_ERRORS = (TimeoutError, httpx.TransportError)

    def __init__(self, label: str, url: str, *, silence: float) -> None:
        super().__init__(label, silence)
        self.url = url
        self._client: httpx.AsyncClient | None = None
        self._waiting: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def request(self) -> AsyncGenerator[None]:
        """Make a request in this block; raise `AwayError` if the process is silent.

        Raises:
            FellSilentError: It fell silent after the request may have been sent.
        """
        self.admit()
        async with self.wait():
            yield

    @asynccontextmanager
    async def wait(self) -> AsyncGenerator[None]:
        """Wait for a request's response in this block; raise `FellSilentError` if the process falls
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
            raise FellSilentError(f"the {self.label} does not answer") from None
        self.heard()

    async def stop(self) -> None:
        await super().stop()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ask(self) -> None:
        if self._client is None:
            self._client = httpx.AsyncClient(
                base_url=self.url,
                timeout=httpx.Timeout(None),
                verify=ssl_context_for(self.url),
                trust_env=False,
            )
        await self._client.get(LIVE)

    def _end_waiting(self) -> None:
        # A process that refuses connections is ending: it answers what it has begun, or its end
        # closes the connection.
        if not self._is_silent:
            return
        now = asyncio.get_running_loop().time()
        for end in tuple(self._waiting):
            end.reschedule(now)


class ServiceLines:
    """The lines to the processes of one service, which take its requests in turn."""

    def __init__(self, service: Service, urls: Sequence[str], *, silence: float) -> None:
        """`silence` is in seconds, for each process."""
        self.service = service
        name = f"service {service.value}"
        self.lines = [
            ServiceLine(
                name if len(urls) == 1 else f"{name} at {httpx.URL(url).netloc.decode()}",
                url,
                silence=silence,
            )
            for url in urls
        ]
        self._turn = 0

    def in_turn(self) -> list[ServiceLine]:
        """Return the lines in the order in which a request tries them: last those that are away."""
        for line in self.lines:
            line.begin()
        self._turn = (self._turn + 1) % len(self.lines)
        lines = self.lines[self._turn :] + self.lines[: self._turn]
        return sorted(lines, key=lambda line: not line.is_up)

    async def stop(self) -> None:
        """Watch no longer."""
        for line in self.lines:
            await line.stop()


class WatchedTransport(httpx.AsyncHTTPTransport):
    """Transport of clients of a service in other processes.

    A request that one process did not get is sent to the next, and a read also if the first one did
    not answer it.
    """

    def __init__(self, lines: ServiceLines) -> None:
        super().__init__(verify=ssl_context_for(lines.lines[0].url), trust_env=False)
        self._lines = lines

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request with the id of the one it serves, and read the whole response."""
        if (request_id := current_request_id()) is not None:
            request.headers["traceparent"] = traceparent(request_id).decode()
        *others, last = self._lines.in_turn()
        for line in others:
            try:
                return await self._send(line, request)
            except httpx.TransportError as error:
                if not _may_be_repeated(request, error):
                    raise
        return await self._send(last, request)

    async def _send(self, line: ServiceLine, request: httpx.Request) -> httpx.Response:
        try:
            async with line.request():
                response = await super().handle_async_request(_addressed_to(line, request))
                await response.aread()
        except FellSilentError as error:
            raise httpx.ReadError(str(error), request=request) from error
        except AwayError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except httpx.ConnectError as error:
            line.failed(error)
            raise
        return response


def _may_be_repeated(request: httpx.Request, error: httpx.TransportError) -> bool:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return True
    is_lost = isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)
    return is_lost and request.method in SAFE_METHODS


def _addressed_to(line: ServiceLine, request: httpx.Request) -> httpx.Request:
    """Return a request as one to this process of the service."""
    url = httpx.URL(line.url)
    if url.netloc == request.url.netloc:
        return request
    return httpx.Request(
        request.method,
        request.url.copy_with(scheme=url.scheme, netloc=url.netloc),
        headers=[
            *((name, value) for name, value in request.headers.raw if name.lower() != b"host"),
            (b"Host", url.netloc),
        ],
        stream=request.stream,
        extensions=request.extensions,
    )


def remote_transport(lines: ServiceLines) -> httpx.AsyncBaseTransport:
    """Create the transport to a service in other processes."""
    transport = WatchedTransport(lines)
    if trace_hooks.active is None:
        return transport
    return trace_hooks.active.transport(transport, lines.service.value)
