"""docs/api.md lists the operations of each scope as the code requires them."""

import re
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from itertools import product

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from services.platform.identity import RequireScope
from services.platform.scopes import SCOPES, Scope
from services.platform.service import API
from services.platform.settings import ROOT, Service, Settings


def operations(app: FastAPI) -> Iterator[tuple[Scope, str, str]]:
    """Scope, path and method of every operation that requires a scope, or one of several."""
    for route in iter_route_contexts(app.routes):
        dependant: Dependant | None = getattr(route, "dependant", None)
        waiting = [] if dependant is None else [dependant]
        while waiting:
            each = waiting.pop()
            waiting += each.dependencies
            if isinstance(each.call, RequireScope):
                for scope, method in product(each.call.scopes, route.methods or ()):
                    yield scope, str(route.path).removeprefix(API), method


def required(settings: Settings) -> dict[Scope, str]:
    """Return the table's cell for each scope that operations require: their methods and paths."""
    methods: dict[Scope, dict[str, set[str]]] = {scope: defaultdict(set) for scope in SCOPES}
    for service in Service:
        app = import_module(f"services.{service.value}.app").create_app(settings)
        for scope, path, method in operations(app):
            methods[scope][path].add(method)
    return {
        scope: ", ".join(f"`{' '.join(sorted(paths[path]))} {path}`" for path in sorted(paths))
        for scope, paths in methods.items()
        if paths
    }


def test_the_documented_operations_of_each_scope_are_those_of_the_code(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    settings = Settings(data_dir=tmp_path_factory.mktemp("keys"))  # pyright: ignore[reportCallIssue]
    text = (ROOT / "docs" / "api.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z:]+)` \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE))
    assert rows.keys() >= set(SCOPES)
    wanted = required(settings)
    assert {scope: cell for scope, cell in rows.items() if scope in wanted} == wanted
