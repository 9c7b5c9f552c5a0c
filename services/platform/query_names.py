"""Refusal of query parameters that a read does not have.

A filter with a typing mistake (`modified_since` for `modified_after`) would be answered with
everything, as if it had been applied.
"""

import difflib
from collections.abc import Iterator
from urllib.parse import parse_qsl

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from services.platform.problems import MAX_ERRORS, FieldError, Invalid

PREFIXES = ("/api/v1/", "/hsds")
EVERYWHERE = ("lang",)
"""Parameters of every read: the language of its errors (`reader_language`)."""
MAX_COMPARED = 80
"""Characters of a name that are compared with those of the route."""
SIMILARITY = 0.5


def refuse_unknown_names(route: APIRoute) -> None:
    """Let a route of the API refuse query parameters that it does not have, if it is a read."""
    if "GET" in (route.methods or ()) and route.path.startswith(PREFIXES):
        route.app = KnownNames(route.app, tuple(_names_of(route.dependant)))


def _names_of(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        model = parameter.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (field.alias or name for name, field in model.model_fields.items())
        else:
            yield parameter.alias
    for inner in dependant.dependencies:
        yield from _names_of(inner)


class KnownNames:
    """Answers a request with an unknown query parameter with 422 and the nearest name."""

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self._app = app
        self._names = names
        self._known = frozenset((*names, *EVERYWHERE))
        self._known_as_sent = frozenset(name.encode() for name in self._known)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query: bytes = scope["query_string"]
        if query and not self._known_as_sent.issuperset(_names_as_sent(query)):
            given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
            errors = [self._error(name) for name in given if name not in self._known]
            if errors:
                detail = "The address has parameters that this operation does not know."
                raise Invalid(detail, errors=errors[:MAX_ERRORS])
        await self._app(scope, receive, send)

    def _error(self, name: str) -> FieldError:
        close = difflib.get_close_matches(
            name.lower()[:MAX_COMPARED], self._names, n=1, cutoff=SIMILARITY
        )
        if close:
            detail = f"is not a parameter here; did you mean {close[0]!r}?"
        elif self._names:
            detail = f"is not a parameter here; there are: {', '.join(self._names)}"
        else:
            detail = "is not a parameter here; this operation takes none"
        return FieldError(pointer=None, parameter=name[:MAX_COMPARED], detail=detail)


def _names_as_sent(query: bytes) -> Iterator[bytes]:
    """Yield the names in a query string without decoding it, which most requests do not need."""
    for part in query.split(b"&"):
        yield part.partition(b"=")[0]
