"""Pages are compiled before the first request, which would hold all others up."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from services.gateway.app import create_app
from services.gateway.portal import templating
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


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the templates that are compiled from now on."""
    names: list[str] = []
    compile_one: Any = Environment.compile

    def compile_noting(self: Environment, source: Any, name: Any, *more: Any) -> Any:
        names.append(name)
        return compile_one(self, source, name, *more)

    monkeypatch.setattr(Environment, "compile", compile_noting)
    return names


@pytest.mark.usefixtures("fresh_environments")
def test_a_hub_that_is_ready_compiles_no_page(settings: Settings, compiled: list[str]) -> None:
    with serving(create_app(settings)) as address:
        environment.cache_clear()
        compiled.clear()
        for language in ("id", "en"):
            for page in PAGES:
                answer = LOOPBACK.get(
                    f"{address}{page}?lang={language}", timeout=60, follow_redirects=True
                )
                assert answer.status_code == 200, page
        for name in environment("bbc").list_templates():
            environment("bbc").get_template(name)
    assert not compiled


@pytest.mark.usefixtures("fresh_environments")
def test_the_next_start_compiles_what_changed_also_to_an_older_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: list[str]
) -> None:
    templates = tmp_path / "templates"
    templates.mkdir()
    texts = {"same.html": "{{ 1 }}", "newer.html": "{{ 2 }}", "older.html": "{{ 3 }}"}
    for name, text in texts.items():
        (templates / name).write_text(text)
    monkeypatch.setattr(templating, "TEMPLATES", templates)
    monkeypatch.setattr(templating, "COMPILED", tmp_path / "code")
    templating.compile_templates()
    assert sorted(compiled) == sorted(texts)
    compiled.clear()
    templating.compile_templates()
    assert not compiled
    for name, seconds in (("newer.html", 60), ("older.html", -60)):
        file = templates / name
        changed = file.stat().st_mtime + seconds
        file.write_text("{{ 4 }}")
        os.utime(file, (changed, changed))
    templating.compile_templates()
    assert sorted(compiled) == ["newer.html", "older.html"]
