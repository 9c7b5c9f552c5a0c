"""The feedback service for the tests of a module, which keep apart by the agencies they use."""

from collections.abc import Iterator
from itertools import count

import pytest

from services.feedback.app import create_app
from tests.conftest import Room, Server, room
from tests.feedback.feedback_rows import store_obligation

NUMBERS = count(1)


@pytest.fixture(scope="module")
def office(server: Server, migrated: str) -> Iterator[Room]:
    """Start the feedback service once for a module, whose tests share its rows."""
    with (
        server.database_from(migrated) as name,
        room(create_app, server.settings(name)) as started,
    ):
        yield started


@pytest.fixture
def agency() -> str:
    """Provide an agency that no other test uses."""
    return new_agency()


def new_agency() -> str:
    return f"opd-{next(NUMBERS)}"


def offering_agency(office: Room, *services: str) -> str:
    """Return an agency that no other test uses and that offers these services."""
    agency = new_agency()
    for service in services:
        store_obligation(office.settings, agency, service)
    return agency
