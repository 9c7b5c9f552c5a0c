"""Numbers for what events say: all that say the same share one number, which counts refer to."""

from collections.abc import Sequence

from services.feedback.events import queries
from services.feedback.events.parsing import Saying
from services.platform.database import Connection

MAX_KNOWN = 200_000

Facet = tuple[str, ...]
"""Kind, source, agency, service, link, channel, district; empty where nothing is named."""


class Facets:
    """The numbers that this process has seen; numbers are for ever, so they can be kept."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._known: dict[str | None, dict[Saying, int]] = {}
        """By the agency that is meant where a saying names none."""

    async def numbers(
        self, connection: Connection, said: Sequence[tuple[Sequence[Saying], str | None]]
    ) -> list[int]:
        """The number of every saying; beside sayings stands the agency that is meant by none."""
        while True:
            numbers: list[int] = []
            try:
                for sayings, agency in said:
                    known = self._known[agency]
                    numbers += [known[saying] for saying in sayings]
            except KeyError:
                await self._learn(connection, said)
            else:
                return numbers

    async def _learn(
        self, connection: Connection, said: Sequence[tuple[Sequence[Saying], str | None]]
    ) -> None:
        """Finds what is not known of this; where much is known, it is forgotten before."""
        if sum(map(len, self._known.values())) >= MAX_KNOWN:
            self._known = {}
        unknown = {
            (agency, saying): _facet(saying, agency)
            for sayings, agency in said
            for saying in set(sayings)
            if saying not in self._known.get(agency, {})
        }
        found = await self._find(connection, sorted(set(unknown.values())))
        for (agency, saying), facet in unknown.items():
            self._known.setdefault(agency, {})[saying] = found[facet]

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
