"""Addresses of pages that show further results."""

from collections.abc import Mapping

import httpx

from services.gateway.portal.page import Page


def next_page(
    page: Page, address: str | None, query: Mapping[str, str], *, path: str
) -> str | None:
    """Return the address of the page that shows the next page of the list at `address`."""
    if address is None:
        return None
    cursor = httpx.URL(address).params["cursor"]
    return page_address(page, path, {**query, "cursor": cursor})


def page_address(page: Page, path: str, query: Mapping[str, str]) -> str:
    """Return the address of a page in the same language."""
    return str(httpx.URL(path, params={**query, **page.language_query}))
