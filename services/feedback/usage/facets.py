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
        self, connection: Connection, said: Sequence[tuple[Sequence[Saying], str | None]]
    ) -> list[int]:
        """The number of every saying; beside sayings stands the agency that is meant by none."""
        facets = [
            {saying: _facet(saying, agency) for saying in set(sayings)} for sayings, agency in said
        ]
        wanted = {facet for some in facets for facet in some.values()}
        unknown = wanted - self._known.keys()
        if unknown:
            found = await self._find(connection, sorted(unknown))
            kept = self._known if len(self._known) < MAX_KNOWN else {}
            known = self._known | found
            self._known = kept | found
        else:
            known = self._known
        numbers: list[int] = []
        for (sayings, _), some in zip(said, facets, strict=True):
            of = {saying: known[facet] for saying, facet in some.items()}
            numbers += [of[saying] for saying in sayings]
        return numbers

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
