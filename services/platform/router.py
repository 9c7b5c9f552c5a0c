"""Routes that read their parameters and models when the first request asks for them.

FastAPI reads them when a route is declared, a millisecond or two of a core for each; a hub has 700,
and a process answers requests to few of them in its first minutes.
"""

import threading
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import compile_path, get_name

from services.platform.body_errors import limit_body_errors
from services.platform.lazy_module import without_module
from services.platform.query_names import refuse_unknown_names

_reading = threading.Lock()


class DeferredRoute(APIRoute):
    """A route of FastAPI that knows at first only what a request is matched by.

    Whatever else is asked of it, such as its application or its part of the OpenAPI document, makes
    it read the rest, which replaces what was set since. A declaration that FastAPI refuses is found
    then; a test reads all routes.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **declared: Any) -> None:
        self._declared = declared
        self.path = path
        self.endpoint = endpoint
        self.name = declared.get("name") or get_name(endpoint)
        self.methods = {method.upper() for method in declared.get("methods") or ("GET",)}
        self.include_in_schema = declared.get("include_in_schema", True)
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute that is read from the declaration, with all the others."""
        with _reading:
            if (declared := self.__dict__.get("_declared")) is not None:
                route = _read(self.path, self.endpoint, declared)
                # At once: another thread sees none of them, or all.
                self.__dict__.update(route.__dict__, _declared=None)
        return object.__getattribute__(self, name)


def _read(path: str, endpoint: Callable[..., Any], declared: dict[str, Any]) -> APIRoute:
    # FastAPI asks of each type in a route whether it is a model of pydantic 1, which takes 2 MiB.
    with without_module("pydantic.v1"):
        route = APIRoute(path, endpoint, **declared)
    limit_body_errors(route)
    refuse_unknown_names(route)
    return route


class Router(APIRouter):
    """A router of FastAPI whose routes are `DeferredRoute`s."""

    def __init__(self, *, prefix: str = "", include_in_schema: bool = True, **options: Any) -> None:
        super().__init__(
            prefix=prefix,
            include_in_schema=include_in_schema,
            route_class=DeferredRoute,
            **options,
        )
