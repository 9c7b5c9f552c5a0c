"""The gateway's application as an object: made, used, and given back."""

import gc
import weakref

import pydantic
import pytest
from fastapi.testclient import TestClient

from services.gateway.app import create_app
from services.platform.settings import Settings

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/", "/api/v1/links", "/api/v1/services", "/api/v1/usage", "/api/v1/assessments"],
)
def test_no_request_builds_routes(
    path: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The routes of the whole hub take 180 ms to build; a request would hold the event loop."""
    built: list[object] = []
    init = pydantic.TypeAdapter.__init__

    def count(self: pydantic.TypeAdapter[object], type: object, **more: object) -> None:
        built.append(type)
        init(self, type, **more)  # type: ignore[arg-type]

    with TestClient(create_app(settings)) as client:
        monkeypatch.setattr(pydantic.TypeAdapter, "__init__", count)
        assert client.get(path).status_code < 500
    assert built == []
