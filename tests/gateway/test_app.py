"""The gateway's application as an object: made, used, and given back."""

import gc
import weakref

from fastapi.testclient import TestClient

from services.gateway.app import create_app
from services.platform.settings import Settings


def test_an_unreferenced_application_is_freed(empty: Settings) -> None:
    """FastAPI remembers every function that it calls, and so all that such a function holds."""
    app = create_app(empty)
    with TestClient(app) as client:
        assert client.get("/openapi.json").status_code == 200
        assert client.get("/api/v1/links").status_code == 200
    given_back = weakref.ref(app)
    del app, client
    gc.collect()
    assert given_back() is None
