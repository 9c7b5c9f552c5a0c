"""Which paths are cached, and which area a write invalidates."""

from collections.abc import Callable

Areas = tuple[str, ...]

CATALOG = (
    "/api/v1/services",
    "/api/v1/agencies",
    "/api/v1/life-events",
    "/api/v1/places",
    "/api/v1/document-types",
    "/api/v1/sources",
    "/api/v1/catalog",
    "/api/v1/exports",
    "/hsds",
)
PAGES = ("/layanan", "/peristiwa", "/instansi", "/tempat", "/cari")
COMPOSED = ("/api/v1/offline-catalog", "/lambang")
"""What the gateway composes of the catalogue and its own tables, or reads from the pack."""
DOCUMENTS = ("/openapi.json", "/docs")
HUB = ("catalog", "gateway")


def cache_areas(path: str) -> Areas | None:
    """Return the areas that a cached path depends on: a change in one invalidates it.

    None for a path that is never cached: it counts clicks, is personal, or must be current.
    """
    if _is_under(path, CATALOG):
        return ("catalog",)
    if path == "/" or _is_under(path, (*PAGES, *COMPOSED)):
        return HUB
    if path in DOCUMENTS or path.startswith("/static/"):
        return ("documents",)
    return None


def invalidated_area(path: str, owner: Callable[[str], str | None]) -> str | None:
    """Return the area that a write to this path may have changed, or None."""
    area = owner(path)
    if area is not None:
        return area
    return "gateway" if path.startswith("/api/v1/") else None


def _is_under(path: str, roots: tuple[str, ...]) -> bool:
    return path.startswith(roots) and any(
        path == root or path.startswith(f"{root}/") for root in roots
    )
