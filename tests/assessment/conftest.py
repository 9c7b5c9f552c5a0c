"""The assessment service by itself, with the Toba pack."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpx
import pytest

from services.assessment.app import create_app as create_assessment
from services.catalog.app import create_app as create_catalog
from services.platform.settings import Service, Settings
from tests.conftest import Room, Server, room


@contextmanager
def assessment_room(settings: Settings) -> Generator[Room]:
    """Start the assessment service with the catalogue behind it, which keeps the sources."""
    catalog = create_catalog(settings)
    transports = {Service.catalog: httpx.ASGITransport(catalog)}
    with room(lambda given: create_assessment(given, transports), settings) as started:
        yield started
        assert started.client.portal is not None
        started.client.portal.call(catalog.state.database.close)


@pytest.fixture
def regency(settings: Settings) -> Iterator[Room]:
    """Provide the assessment service by itself, with the evidence of the Toba pack."""
    with assessment_room(settings) as started:
        yield started


@pytest.fixture(scope="module")
def shared_regency(server: Server, toba: str) -> Iterator[Room]:
    """Start the assessment service of `regency` once for the tests whose writes are refused."""
    with (
        server.database_from(toba) as name,
        assessment_room(server.settings(name)) as started,
    ):
        yield started
