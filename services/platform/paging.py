"""Cursor paging: a page of items and the address of the next one."""

from collections.abc import Mapping
from typing import Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """A page of a list."""

    model_config = ConfigDict(extra="forbid")

    items: list[Item]
    next: str | None = Field(
        description="Address of the next page (path and query), or null on the last one.",
        json_schema_extra={"format": "uri-reference"},
    )


def next_page_url(request: Request, cursor: str | None) -> str | None:
    """The address of the page that starts after `cursor`: this request's, with that cursor."""
    if cursor is None:
        return None
    query = [(key, value) for key, value in request.query_params.multi_items() if key != "cursor"]
    return f"{request.url.path}?{urlencode([*query, ('cursor', cursor)])}"


def build_url(path: str, query: Mapping[str, str]) -> str:
    """A path with a query, escaped."""
    return f"{path}?{urlencode(query)}" if query else path
