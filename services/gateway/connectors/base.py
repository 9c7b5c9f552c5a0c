"""Base classes of connectors. A new connector is one class and one line in `registry.py`.

Two kinds exist. A `SystemConnector` connects the hub to one system and is configured by settings
(OSS, SIMBG). A `SourceConnector` reads any number of sources that a pack lists; `SourcePoller`
polls them on a schedule.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypeVar, cast

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field

from services.gateway.connectors.source_leases import SourceLease
from services.gateway.connectors.statistics_client import AuthFactory, StatisticsClient
from services.gateway.outbound.source_clients import SourceClient, SourceClients
from services.platform.database import Database, WriteSession
from services.platform.jobs import RefusedItems
from services.platform.local_time import LocalTime
from services.platform.packs import FieldPath, PackModel
from services.platform.router import Router
from services.platform.settings import Settings
from services.platform.types import ShortText, Slug


@dataclass(frozen=True)
class ServiceReference:
    """A service that a pack names for an agency, with the place in its entry."""

    path: FieldPath
    agency: str
    service: str


class ConnectorConfig(PackModel):
    """Configuration of a connector in `connectors.yaml`."""

    sources: list[Slug] = Field(
        min_length=1, description="Sources that document the address, the format or the rules."
    )

    def service_references(self) -> Iterable[ServiceReference]:
        """Return the services that this entry names; the pack must give each to its agency."""
        return ()


class SourceConfig(ConnectorConfig):
    """A source that a pack lists; `slug` is its name in `/api/v1/connectors`."""

    slug: Slug
    title: ShortText
    title_en: ShortText


@dataclass(frozen=True)
class ConnectorContext:
    """What connectors are created from."""

    settings: Settings
    database: Database
    local_time: LocalTime
    secrets_key: Ed25519PrivateKey
    source_clients: SourceClients
    catalog: httpx.AsyncClient
    feedback: httpx.AsyncClient
    auth_for: AuthFactory

    @property
    def statistics(self) -> StatisticsClient:
        """Return a client that submits monthly statistics to feedback."""
        return StatisticsClient(self.feedback, self.auth_for)


class SystemConnector(ABC):
    """A connector to one external system, created once per gateway."""

    name: ClassVar[str]
    """Name in `/api/v1/connectors` and key of its section in `connectors.yaml`."""
    config: ClassVar[type[ConnectorConfig] | None] = None
    """Model of its section in `connectors.yaml`, stored in `gateway.connector_config`."""
    backlog: ClassVar[str | None] = None
    """SQL that counts what waits for the periodic work, as in `BackgroundJob`."""
    refused: ClassVar[RefusedItems | None] = None
    """What the periodic work set aside because it was refused."""

    @abstractmethod
    def __init__(self, context: ConnectorContext) -> None:
        """Create the connector; `client` stays None if settings do not configure it."""

    @property
    def client(self) -> SourceClient | None:
        """Return the client with its circuit breaker; None if the system is not connected."""
        return None

    async def poll(self) -> None:
        """Do the periodic work, if there is any; called about every ten seconds."""
        return

    async def close(self) -> None:
        """Close connections."""
        if self.client is not None:
            await self.client.connector.close()


@dataclass(frozen=True)
class FetchResult:
    """What one poll of a source gave."""

    detail: str
    """Summary for administrators."""
    validators: Mapping[str, str]
    """`ETag` and `Last-Modified` to send with the next request."""
    store: Callable[[WriteSession, datetime], Awaitable[None]] | None = None
    """Store the content; runs in the transaction that records the success."""


class SourceConnector(ABC):
    """A connector that reads sources of one kind."""

    kind: ClassVar[str]
    """Value of `kind` in `/api/v1/connectors` and in `gateway.connected_source`."""
    section: ClassVar[str]
    """Key of the list of these sources in `connectors.yaml`."""
    config: ClassVar[type[SourceConfig]]
    """Model of an entry of that list."""

    @abstractmethod
    def __init__(self, context: ConnectorContext) -> None:
        """Create the connector."""

    @abstractmethod
    async def fetch(self, lease: SourceLease) -> FetchResult:
        """Fetch a source.

        Raises:
            ConnectorError: The source gave no usable response.
            MappingError: The response does not match the configured mapping.
            StatisticsRejectedError: Feedback rejected the figures.
        """

    @classmethod
    async def delete_content(cls, session: WriteSession, region: str, slug: str) -> None:
        """Delete what the gateway stores of a source that left the pack."""
        del session, region, slug


ConnectorT = TypeVar("ConnectorT", bound=SystemConnector | SourceConnector)


@dataclass(frozen=True)
class Registration:
    """A connector class with its HTTP routes."""

    connector: type[SystemConnector] | type[SourceConnector]
    routers: tuple[Router, ...] = ()


class Connectors:
    """The connectors of a running gateway."""

    def __init__(self, registry: Iterable[Registration], context: ConnectorContext) -> None:
        self.source_clients = context.source_clients
        created = [registration.connector(context) for registration in registry]
        self._created = {type(connector): connector for connector in created}
        self.systems = {each.name: each for each in created if isinstance(each, SystemConnector)}
        self.sources = {each.kind: each for each in created if isinstance(each, SourceConnector)}

    def get(self, connector: type[ConnectorT]) -> ConnectorT:
        """Return the connector of this class."""
        return cast("ConnectorT", self._created[connector])

    def clients(self) -> dict[str, SourceClient]:
        """Return the clients that exist: of connected systems, and of sources once polled."""
        systems = {name: system.client for name, system in self.systems.items()}
        connected = {name: client for name, client in systems.items() if client is not None}
        return connected | self.source_clients.clients()

    async def close(self) -> None:
        """Close the connections of all connectors."""
        for system in self.systems.values():
            await system.close()
        await self.source_clients.close()
