"""Which addresses the cache keeps, and what changes when one is written to."""

from collections.abc import Callable

Areas = tuple[str, ...]

CATALOG = ("/api/v1/services", "/api/v1/agencies", "/api/v1/life-events", "/api/v1/catalog")
PAGES = ("/layanan", "/cari")
DOCUMENTS = ("/openapi.json", "/docs")
HUB = ("catalog", "gateway")


def areas_of(path: str) -> Areas | None:
    """What an address tells of: a change there makes what was kept of it invalid.

    None for what is never kept: it counts visits, belongs to somebody, or must be of this moment.
    """
    if _is_under(path, CATALOG):
        return ("catalog",)
    if path == "/" or _is_under(path, PAGES):
        return HUB
    if path in DOCUMENTS or path.startswith("/static/"):
        return ("documents",)
    return None


def changed_by(path: str, owner: Callable[[str], str | None]) -> str | None:
    """The area that a write to this address may have changed."""
    found = owner(path)
    if found is not None:
        return found
    return "gateway" if path.startswith("/api/v1/") else None


def _is_under(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)
