"""Route templates of services in other processes, for the labels of metrics and spans."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpx

from services.platform.jobs import BackgroundJob

AddRoutes = Callable[[Iterable[str]], None]

RETRY_SECONDS = 5.0
READ_AGAIN_SECONDS = 600.0
"""A service that is replaced by another version has other routes."""


class RemoteRoutes(BackgroundJob):
    """Reads the route templates of services in other processes, whose code is not imported here.

    Until a service has answered once, requests to it are labelled `other`.
    """

    name = "read-remote-routes"

    def __init__(self, learners: Sequence[AddRoutes], clients: Sequence[httpx.AsyncClient]) -> None:
        self._learners = learners
        self._clients = clients

    async def run(self) -> None:
        while True:
            answered = [await self._read(client) for client in self._clients]
            await asyncio.sleep(READ_AGAIN_SECONDS if all(answered) else RETRY_SECONDS)

    async def _read(self, client: httpx.AsyncClient) -> bool:
        try:
            answer = await client.get("/openapi.json")
            document: dict[str, Any] = answer.raise_for_status().json()
            paths: list[str] = list(document["paths"])
        except (httpx.HTTPError, ValueError, KeyError):
            return False
        for learn in self._learners:
            learn(paths)
        return True
