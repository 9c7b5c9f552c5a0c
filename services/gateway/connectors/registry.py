"""The connectors of the hub: one line each."""

from collections.abc import Iterator

from services.gateway.connectors.announcements.connector import WebsiteConnector
from services.gateway.connectors.announcements.routes import router as announcements
from services.gateway.connectors.base import Registration, SourceConnector, SystemConnector
from services.gateway.connectors.json_statistics.connector import JsonStatisticsConnector
from services.gateway.connectors.oss.connector import OssConnector
from services.gateway.connectors.oss.inbound_routes import router as oss_inbound
from services.gateway.connectors.oss.routes import router as oss
from services.gateway.connectors.simbg.connector import SimbgConnector
from services.gateway.connectors.simbg.routes import router as simbg

REGISTRY: tuple[Registration, ...] = (
    Registration(OssConnector, (oss, oss_inbound)),
    Registration(SimbgConnector, (simbg,)),
    Registration(WebsiteConnector, (announcements,)),
    Registration(JsonStatisticsConnector),
)


def system_connectors() -> Iterator[type[SystemConnector]]:
    """Return the registered connectors to single systems."""
    for registration in REGISTRY:
        if issubclass(registration.connector, SystemConnector):
            yield registration.connector


def source_connectors() -> Iterator[type[SourceConnector]]:
    """Return the registered connectors to sources that packs list."""
    for registration in REGISTRY:
        if issubclass(registration.connector, SourceConnector):
            yield registration.connector
