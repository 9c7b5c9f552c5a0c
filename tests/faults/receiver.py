"""A receiver of webhooks: counts the messages about each incident."""

from typing import Any, Self

from aiohttp import web

TYPES = frozenset({"incident.opened"})


class Receiver:
    """An HTTP server on loopback; a message that is delivered again has the same id."""

    def __init__(self) -> None:
        self.messages: dict[str, set[str]] = {}
        """Ids of the messages about each incident, by the second word of its title."""
        self.repeated = 0
        """Messages that arrived again, as `at least once` allows."""
        self.port = 0
        application = web.Application()
        application.router.add_post("/", self._receive)
        self._runner = web.AppRunner(application)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        message: dict[str, Any] = await request.json()
        if message["type"] in TYPES:
            key = str(message["data"]["title"]).split(" ")[1]
            ids = self.messages.setdefault(key, set())
            self.repeated += request.headers["webhook-id"] in ids
            ids.add(request.headers["webhook-id"])
        return web.Response(status=204)
