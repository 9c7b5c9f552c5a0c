"""Surrogate keys for event dimensions: each distinct combination is stored once and referenced by
its id."""

from collections.abc import Sequence

from services.feedback.events import queries
from services.feedback.events.batch import Dimensions
from services.platform.database import Connection

MAX_CACHED = 200_000

DimensionsRow = tuple[str, ...]
"""Kind, source, agency, service, link, channel, district; empty for a dimension not named."""


class DimensionIds:
    """In-process cache of the ids of event dimensions, as PostgreSQL writes them.

    Ids never change, so entries stay valid.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._cache: dict[str | None, dict[Dimensions, str]] = {}
        """By the default agency, which applies to dimensions that name none."""

    async def get(
        self,
        connection: Connection,
        groups: Sequence[tuple[Sequence[Dimensions], str | None]],
    ) -> list[str]:
        """Return the ids of all dimensions, in order.

        Each group comes with its default agency.
        """
        while True:
            ids: list[str] = []
            try:
                for dimensions, agency in groups:
                    cached = self._cache[agency]
                    ids += [cached[each] for each in dimensions]
            except KeyError:
                await self._load(connection, groups)
            else:
                return ids

    async def _load(
        self,
        connection: Connection,
        groups: Sequence[tuple[Sequence[Dimensions], str | None]],
    ) -> None:
        """Add the missing ids to the cache; clear the cache first if it is full."""
        if sum(map(len, self._cache.values())) >= MAX_CACHED:
            self._cache = {}
        missing = {
            (agency, each): _row(each, agency)
            for dimensions, agency in groups
            for each in set(dimensions)
            if each not in self._cache.get(agency, {})
        }
        ids = await self._get_or_create(connection, sorted(set(missing.values())))
        for (agency, each), row in missing.items():
            self._cache.setdefault(agency, {})[each] = ids[row]

    async def _get_or_create(
        self, connection: Connection, rows: Sequence[DimensionsRow]
    ) -> dict[DimensionsRow, str]:
        columns = [list(column) for column in zip(*rows, strict=True)]
        found = await connection.fetch(queries.FIND_DIMENSIONS, self._region, *columns)
        if len(found) < len(rows):
            await connection.execute(queries.ADD_DIMENSIONS, self._region, *columns)
            found = await connection.fetch(queries.FIND_DIMENSIONS, self._region, *columns)
        return {rows[record["position"] - 1]: str(record["id"]) for record in found}


def _row(dimensions: Dimensions, default_agency: str | None) -> DimensionsRow:
    kind, source, agency, *more = dimensions
    return tuple(part or "" for part in (kind, source, agency or default_agency, *more))
