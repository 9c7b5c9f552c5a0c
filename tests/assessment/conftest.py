"""The assessment service with the Toba pack, behind a door, for the tests of a module."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from services.assessment.app import create_app as create_assessment
from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.conftest import Hub, Room, Server, room


@pytest.fixture
def regency(settings: Settings) -> Iterator[Room]:
    """Provide the assessment service by itself, with the evidence of the Toba pack."""
    with room(create_assessment, settings) as started:
        yield started


@pytest.fixture(scope="module")
def toba_hub(server: Server, toba: str) -> Iterator[Hub]:
    """Start a hub with the Toba pack once for a module; its tests read or add separate records."""
    with server.database_from(toba) as name:
        settings = server.settings(name)
        with TestClient(create_app(settings), follow_redirects=False) as client:
            yield Hub(client, settings)
