"""PNG of charts, drawn in a process of its own with bounded resources, and kept while asked for."""

import hashlib

from services.gateway.portal.charts.drawing import WIDTH
from services.platform.bounded_process import Limits, call_bounded
from services.platform.pdf import svg_to_png
from services.platform.recent_results import RecentResults

LIMITS = Limits(memory_bytes=256 * 1024 * 1024, cpu_seconds=5, imports=("typst",))
MAX_KNOWN = 16
"""Pictures that are kept; one takes some 50 to 150 KB."""
PIXELS = 3
"""Per unit of a drawing: sharp in print and on large screens."""


class RasterImages:
    """The last charts as PNG, each by the hash of its SVG."""

    def __init__(self) -> None:
        self._known = RecentResults[bytes, bytes](MAX_KNOWN)

    async def png(self, svg: str) -> bytes:
        """Return a chart as PNG.

        Raises:
            Unavailable: Too many pictures are being drawn.
        """
        source = svg.encode()

        async def draw() -> bytes:
            return await call_bounded(LIMITS, svg_to_png, source, width=WIDTH, pixels=PIXELS)

        return await self._known.get(hashlib.blake2b(source).digest(), draw)
