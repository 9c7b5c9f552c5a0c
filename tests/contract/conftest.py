"""A running hub whose document the contract tests read."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from schemathesis.transport.requests import ManagedCookiesSession

from services.gateway.app import create_app
from tests.conftest import Server, new_key
from tests.servers import serving


@dataclass(frozen=True)
class RunningHub:
    """A hub on a socket, an administrator's key, and a session that keeps its connection."""

    address: str
    key: str
    session: ManagedCookiesSession

    @property
    def admin(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture(scope="session")
def running(server: Server, toba: str) -> Iterator[RunningHub]:
    """Provide a hub in this process, on a database that the tests of this folder share."""
    with server.database_from(toba) as name:
        settings = server.settings(name)
        with serving(create_app(settings)) as address, ManagedCookiesSession() as session:
            session.trust_env = False
            yield RunningHub(address, new_key(settings, "diskominfo", "admin"), session)
