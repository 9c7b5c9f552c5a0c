"""Numbers for what events say: all that say the same share one number, which counts refer to."""

from collections.abc import Sequence

from services.feedback.usage import queries
from services.feedback.usage.decoding import Saying
from services.platform.database import Connection

MAX_KNOWN = 200_000

Facet = tuple[str, ...]
"""Kind, source, agency, service, link, channel, district; empty where nothing is named."""


class Facets:
    """The numbers that this process has seen; numbers are for ever, so they can be kept."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._known: dict[Facet, int] = {}

    async def numbers(
        self, connection: Connection, sayings: Sequence[Saying], *, agency: str | None
    ) -> list[int]:
        """The number of each; `agency` is meant where an event names none."""
        facets = {saying: _facet(saying, agency) for saying in set(sayings)}
        unknown = {facet for facet in facets.values() if facet not in self._known}
        if unknown:
            if len(self._known) > MAX_KNOWN:
                self._known = {}
                unknown = set(facets.values())
            found = await self._find(connection, sorted(unknown))
            self._known = known = self._known | found
        else:
            known = self._known
        numbers = {saying: known[facet] for saying, facet in facets.items()}
        return [numbers[saying] for saying in sayings]

    async def _find(self, connection: Connection, facets: Sequence[Facet]) -> dict[Facet, int]:
        """Their numbers, new ones where they had none."""
        columns = [list(column) for column in zip(*facets, strict=True)]
        rows = await connection.fetch(queries.FIND_FACETS, self._region, *columns)
        if len(rows) < len(facets):
            await connection.execute(queries.ADD_FACETS, self._region, *columns)
            rows = await connection.fetch(queries.FIND_FACETS, self._region, *columns)
        return {facets[row["position"] - 1]: row["id"] for row in rows}


def _facet(saying: Saying, own_agency: str | None) -> Facet:
    kind, source, agency, *more = saying
    return tuple(part or "" for part in (kind, source, agency or own_agency, *more))
