"""Parts of an application in this process that no interface reaches, for tests of one part."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from fastapi import FastAPI
from starlette.testclient import TestClient

from services.gateway.connectors.base import Connectors
from services.gateway.connectors.oss.connector import OssConnector
from services.gateway.http_cache.store import CacheStore
from services.gateway.outbound.circuit_breaker import CircuitBreaker
from tests.conftest import Hub

Result = TypeVar("Result")


def app_of(client: TestClient) -> FastAPI:
    assert isinstance(client.app, FastAPI)
    return client.app


def run(client: TestClient, work: Callable[[], Awaitable[Result]]) -> Result:
    """Run a coroutine in the event loop of the application."""
    assert client.portal is not None
    return client.portal.call(work)


def cache_store(client: TestClient) -> CacheStore:
    return app_of(client).state.cache.store


def deliver_due_webhooks(hub: Hub, *, times: int = 1) -> None:
    """Deliver what is due, so many times at once, as replicas do."""
    dispatcher = app_of(hub.client).state.webhook_dispatcher

    async def deliver() -> None:
        await asyncio.gather(*(dispatcher.deliver_due() for _ in range(times)))

    run(hub.client, deliver)


def send_due_reminders(hub: Hub, *, now: datetime) -> int:
    """Send the reminders that are due at this time and return their number."""
    reminders = app_of(hub.client).state.reporting_reminders
    return run(hub.client, lambda: reminders.send_due(now=now))


def store_metered_requests(hub: Hub) -> None:
    """Store the requests that the hub has counted since it did so last."""
    run(hub.client, app_of(hub.client).state.proxy_dependencies.meter.flush)


def set_oss_breaker(hub: Hub, breaker: CircuitBreaker) -> None:
    """Give the client of OSS this circuit breaker."""
    connectors: Connectors = app_of(hub.client).state.connectors
    client = connectors.get(OssConnector).client
    assert client is not None
    client.connector.breaker = breaker


async def close_parts(app: FastAPI) -> None:
    """Close the connections of an application that was never started."""
    await app.state.connectors.close()
    await app.state.database.close()
