"""Routes that read their parameters and models when the first request asks for them.

FastAPI reads them when a route is declared, a millisecond or two of a core for each; a hub has 700,
and a process answers requests to few of them in its first minutes.
"""

import threading
from collections.abc import Callable
from functools import partial
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
        self._read = partial(APIRoute, path, endpoint, **declared)
        self.path = path
        self.endpoint = endpoint
        self.name = declared.get("name") or get_name(endpoint)
        self.methods = {method.upper() for method in declared.get("methods") or ("GET",)}
        self.include_in_schema = declared.get("include_in_schema", True)
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute that is read from the declaration, with all the others."""
        with _reading:
            if (read := self.__dict__.get("_read")) is not None:
                # FastAPI asks of each type whether it is a model of pydantic 1, which takes 2 MiB.
                with without_module("pydantic.v1"):
                    route = read()
                limit_body_errors(route)
                refuse_unknown_names(route)
                # At once: another thread sees none of them, or all.
                self.__dict__.update(route.__dict__, _read=None)
        return object.__getattribute__(self, name)


class Router(APIRouter):
    """A router of FastAPI whose routes are `DeferredRoute`s."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=DeferredRoute, **options)
