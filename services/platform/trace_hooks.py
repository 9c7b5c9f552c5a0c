"""Where traces attach to the hub; without them nothing is wrapped.

`services.platform.tracing` sets `active` before a process creates its application.
"""

from collections.abc import Iterable
from typing import Protocol

import httpx
from starlette.types import ASGIApp


class Tracing(Protocol):
    """What makes spans."""

    def server(self, app: ASGIApp, service: str) -> ASGIApp:
        """Return an application with a span for each request that it answers."""
        ...

    def client(self, app: ASGIApp, service: str) -> ASGIApp:
        """Return an application that forwards to a service, with a span for each request."""
        ...

    def transport(
        self, transport: httpx.AsyncBaseTransport, service: str
    ) -> httpx.AsyncBaseTransport:
        """Return a transport to a service with a span for each request."""
        ...

    def add_routes(self, service: str, templates: Iterable[str]) -> None:
        """Add route templates, by which spans of a service are named."""
        ...

    def traceparent(self) -> bytes | None:
        """Return the field value that hands the current span on; None outside a span."""
        ...


active: Tracing | None = None
"""None: the process makes no traces."""
