"""Fixtures of the tests of the gateway."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from services.gateway.link_monitoring.clicks import outbox as click_outbox
from tests.conftest import Hub
from tests.gateway.people import execute


@pytest.fixture(scope="module", autouse=True)
def _frequent_deliveries() -> Iterator[None]:
    """Let hubs try a delivery of visits that failed again after half a second, not after five."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(click_outbox, "DELIVERY_INTERVAL", timedelta(seconds=0.5))
        yield


@pytest.fixture
def signed_out(toba_hub: Hub) -> Iterator[None]:
    """Leave no session in the shared client, and no attempt to sign in that counts."""
    yield
    toba_hub.client.cookies.clear()
    execute(toba_hub, "DELETE FROM gateway.sign_in_attempt")
