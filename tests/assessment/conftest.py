"""The assessment service by itself, with the Toba pack."""

from collections.abc import Iterator

import pytest

from services.assessment.app import create_app as create_assessment
from services.platform.settings import Settings
from tests.conftest import Room, Server, room


@pytest.fixture
def regency(settings: Settings) -> Iterator[Room]:
    """Provide the assessment service by itself, with the evidence of the Toba pack."""
    with room(create_assessment, settings) as started:
        yield started


@pytest.fixture(scope="module")
def shared_regency(server: Server, toba: str) -> Iterator[Room]:
    """Start the assessment service of `regency` once for the tests whose writes are refused."""
    with (
        server.database_from(toba) as name,
        room(create_assessment, server.settings(name)) as started,
    ):
        yield started
