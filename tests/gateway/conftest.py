"""Fixtures of the tests of the gateway."""

from collections.abc import Iterator

import pytest

from tests.conftest import Hub
from tests.gateway.people import execute


@pytest.fixture
def signed_out(toba_hub: Hub) -> Iterator[None]:
    """Leave no session in the shared client, and no attempt to sign in that counts."""
    yield
    toba_hub.client.cookies.clear()
    execute(toba_hub, "DELETE FROM gateway.sign_in_attempt")
