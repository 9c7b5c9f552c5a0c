"""Pages are compiled before the first request, which would hold all others up."""

from collections.abc import Generator
from typing import Any

import pytest
from jinja2 import Environment

from services.gateway.app import create_app
from services.gateway.portal.templating import environment
from services.platform.settings import Settings
from tests.servers import LOOPBACK, serving

PAGES = ("/", "/layanan", "/layanan/ktp-el", "/status", "/aduan", "/survei", "/dasbor", "/kelola")


@pytest.fixture
def fresh_environments() -> Generator[None]:
    """Use none of the templates that other tests have read."""
    environment.cache_clear()
    yield
    environment.cache_clear()


@pytest.mark.usefixtures("fresh_environments")
def test_a_hub_that_is_ready_compiles_no_page(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []
    compile_one: Any = Environment.compile

    def compile_noting(self: Environment, source: Any, name: Any, *more: Any) -> Any:
        compiled.append(name)
        return compile_one(self, source, name, *more)

    with serving(create_app(settings)) as address:
        environment.cache_clear()
        monkeypatch.setattr(Environment, "compile", compile_noting)
        for language in ("id", "en"):
            for page in PAGES:
                answer = LOOPBACK.get(
                    f"{address}{page}?lang={language}", timeout=60, follow_redirects=True
                )
                assert answer.status_code == 200, page
        for name in environment("bbc").list_templates():
            environment("bbc").get_template(name)
    assert not compiled
