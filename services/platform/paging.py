"""Cursor pagination."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    model_config = ConfigDict(
        extra="forbid",
        defer_build=True,
        json_schema_extra={"description": "A page of a list, and where the next is."},
    )

    items: list[Item] = Field(description="The items of this page.")
    next: str | None = Field(
        description="Address of the next page (path and query), or null on the last one.",
        json_schema_extra={"format": "uri-reference"},
    )


class CountedPage(Page[Item], Generic[Item]):
    """One page of a list whose items are counted."""

    total: int = Field(ge=0, description="Items on all pages.")


def next_page_url(request: Request, cursor: str | None) -> str | None:
    """Return this request's path and query with another cursor; None without one."""
    if cursor is None:
        return None
    query = [(key, value) for key, value in request.query_params.multi_items() if key != "cursor"]
    path = quote(request.scope["path"], safe="/:@")  # `request.url` would parse the host, too
    return f"{path}?{urlencode([*query, ('cursor', cursor)])}"


def paginate(
    request: Request, items: Sequence[Item], *, limit: int, cursor_of: Callable[[Item], str]
) -> Page[Item]:
    """Return a page of at most `limit` items; `items` holds one more if there is a next page."""
    cursor = cursor_of(items[limit - 1]) if len(items) > limit else None
    return Page(items=list(items[:limit]), next=next_page_url(request, cursor))


def build_url(path: str, query: Mapping[str, str]) -> str:
    """Return a path with an escaped query string."""
    return f"{path}?{urlencode(query)}" if query else path
