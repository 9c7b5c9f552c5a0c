"""Services that are perhaps the same as another: of one agency, with nearly the same name."""

from collections.abc import Sequence

from services.catalog.search.index import Choice
from services.catalog.search.store import CatalogIndex

CANDIDATES = 10
"""Best hits of a search for the name that are compared with it."""


async def find_candidates(search: CatalogIndex, name: str, *, agency: str) -> Sequence[str]:
    """Return the slugs of the agency's services that a search for the name finds, best first.

    Raise `Unavailable` while the first index is computed.
    """
    indexed = await search.current()
    return indexed.services.search(name, Choice(agency=agency), limit=CANDIDATES).slugs
