"""The assessment service with the Toba pack, behind a door, for the tests of a module."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from tests.conftest import Hub, Server


@pytest.fixture(scope="module")
def toba_hub(server: Server, toba: str) -> Iterator[Hub]:
    """A hub with the Toba pack, started once for a module: its tests read, or add what is apart."""
    with server.database_from(toba) as name:
        settings = server.settings(name)
        with TestClient(create_app(settings), follow_redirects=False) as client:
            yield Hub(client, settings)
