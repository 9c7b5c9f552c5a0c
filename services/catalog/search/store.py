"""The index of a regency's services in this process, read again when the catalogue changes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import text

from services.catalog.records import Place
from services.catalog.search.documents import (
    Document,
    Lexicon,
    ServiceTexts,
    name_texts,
    names_in,
    read_document,
    service_texts,
)
from services.catalog.search.index import SearchIndex
from services.platform.database import Database, ReadSession
from services.platform.problems import Unavailable
from services.platform.stored import parse_stored

REVISION = """
-- How often the catalogue of a region changed; null before its first change.
SELECT number FROM catalog.revision WHERE region = :region
"""

AGENCIES_AND_EVENTS = """
-- What services are found by besides their own texts.
SELECT 'agency' AS kind, slug, content FROM catalog.agency WHERE region = :region
UNION ALL
SELECT 'life event', slug, content FROM catalog.life_event WHERE region = :region
"""

PLACES = """
-- Where services are given, with the hours.
SELECT content FROM catalog.place WHERE region = :region ORDER BY slug
"""

VERSIONS = """
-- Versions of services, in pages by slug.
SELECT slug, version, modified_at FROM catalog.service
WHERE region = :region AND slug > :after
ORDER BY slug
LIMIT :limit
"""

CONTENTS = """
-- Services with their texts, as text: a thread decodes them.
SELECT slug, version, modified_at, agency, life_events, CAST(content AS text) AS content
FROM catalog.service
WHERE region = :region AND slug = ANY (:slugs)
"""

Key = tuple[str, str]
"""Kind (`agency`, `life event`) and slug."""

VERSIONS_AT_ONCE = 2000
CONTENTS_AT_ONCE = 250

READY_WITHIN = 20.0
"""Seconds for which a search waits for the first index."""
FRESH_WITHIN = 1.5
"""Seconds for which a search waits for the index of the newest catalogue."""


NOTIFY = """
-- Says that the answers of the catalogue changed.
SELECT pg_notify('emall_published', CAST(:region AS text) || ' catalog')
"""


@dataclass(frozen=True)
class Indexed:
    """A state of the catalogue as search knows it."""

    revision: int
    """How often the catalogue had changed at least."""
    services: SearchIndex
    agencies: SearchIndex
    """The agencies, found by their names."""
    places: SearchIndex
    """The places, found by their names."""
    known_places: Mapping[str, Place]
    names: Mapping[Key, tuple[str, str]]
    """Names of agencies and life events in Indonesian and English."""
    documents: Mapping[str, Document]
    context: Sequence[Any]
    """The agencies and life events, which are part of the documents."""


class CatalogIndex:
    """The index of a region's services.

    Each search compares the catalogue's revision with that of the index, so that it finds what was
    published before, whichever process published it. Only changed services are read again, and the
    index is computed in a thread.
    """

    def __init__(self, database: Database, region: str) -> None:
        self._database = database
        self._region = region
        self._lexicon = Lexicon()
        self._indexed: Indexed | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._was_late = False
        """Whether a search was answered with an older index than the newest."""

    async def current(self) -> Indexed:
        """Return the index of the newest catalogue, or the last one while that is computed.

        Raise `Unavailable` while the first index is computed.
        """
        async with self._database.read_session() as session:
            # Closed before waiting: the computation needs a connection of the same pool.
            revision: int = await session.scalar(text(REVISION), {"region": self._region}) or 0
        if self._indexed is not None and self._indexed.revision == revision:
            return self._indexed
        # A computation that began before may have read an earlier state.
        for _ in range(2):
            if self._refreshing is None:
                self._refreshing = asyncio.create_task(self._refresh(), name="refresh-search-index")
                self._refreshing.add_done_callback(self._refreshed)
            refreshing = self._refreshing
            wait = READY_WITHIN if self._indexed is None else FRESH_WITHIN
            await asyncio.wait([refreshing], timeout=wait)
            if refreshing.done():
                refreshing.result()
            if self._indexed is not None and self._indexed.revision >= revision:
                return self._indexed
        if self._indexed is None:
            raise Unavailable("The index of services is being computed.", retry_after=5)
        self._was_late = True
        return self._indexed

    async def close(self) -> None:
        """Stop computing."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])

    def _refreshed(self, _: object) -> None:
        self._refreshing = None

    async def _refresh(self) -> None:
        region = {"region": self._region}
        before = self._indexed
        async with self._database.read_session() as session:
            revision: int = await session.scalar(text(REVISION), region) or 0
            context = sorted(
                (row.kind, row.slug, row.content)
                for row in await session.execute(text(AGENCIES_AND_EVENTS), region)
            )
            known = before.documents if before is not None and before.context == context else {}
            names = {(kind, slug): names_in(content) for kind, slug, content in context}
            documents = await self._read_documents(session, known, names)
            places = [row.content for row in await session.execute(text(PLACES), region)]
        agencies = [content for kind, _, content in context if kind == "agency"]
        self._indexed = Indexed(
            revision=revision,
            services=await asyncio.to_thread(SearchIndex, list(documents.values()), self._lexicon),
            agencies=await asyncio.to_thread(self._index_names, agencies),
            places=await asyncio.to_thread(self._index_names, places),
            known_places=await asyncio.to_thread(_parse_places, places),
            names={
                (kind, slug): (content["name"], content["name_en"])
                for kind, slug, content in context
            },
            documents=documents,
            context=context,
        )
        if self._was_late:
            # Caches stored what was answered meanwhile.
            self._was_late = False
            async with self._database.write_session() as session:
                await session.execute(text(NOTIFY), region)

    async def _read_documents(
        self,
        session: ReadSession,
        known: Mapping[str, Document],
        names: Mapping[Key, tuple[str, ...]],
    ) -> dict[str, Document]:
        """Return the documents of all services by slug, in order; unchanged ones as known."""
        documents: dict[str, Document] = {}
        after = ""
        while True:
            page = (
                await session.execute(
                    text(VERSIONS),
                    {"region": self._region, "after": after, "limit": VERSIONS_AT_ONCE},
                )
            ).all()
            changed = [
                row.slug
                for row in page
                if (document := known.get(row.slug)) is None
                or (document.version, document.modified_at) != (row.version, row.modified_at)
            ]
            read = await self._read_changed(session, changed, names)
            for row in page:
                document = read.get(row.slug) or known.get(row.slug)
                if document is not None:
                    documents[row.slug] = document
            if len(page) < VERSIONS_AT_ONCE:
                return documents
            after = page[-1].slug

    async def _read_changed(
        self,
        session: ReadSession,
        slugs: Sequence[str],
        names: Mapping[Key, tuple[str, ...]],
    ) -> dict[str, Document]:
        read: dict[str, Document] = {}
        for start in range(0, len(slugs), CONTENTS_AT_ONCE):
            chosen = slugs[start : start + CONTENTS_AT_ONCE]
            rows = (
                await session.execute(
                    text(CONTENTS), {"region": self._region, "slugs": list(chosen)}
                )
            ).all()
            for document in await asyncio.to_thread(self._read_rows, rows, names):
                read[document.slug] = document
        return read

    def _index_names(self, contents: Sequence[Mapping[str, Any]]) -> SearchIndex:
        now = datetime.now(UTC)
        documents = [
            read_document(name_texts(one, modified_at=now), self._lexicon) for one in contents
        ]
        return SearchIndex(documents, self._lexicon)

    def _read_rows(
        self, rows: Sequence[Any], names: Mapping[Key, tuple[str, ...]]
    ) -> list[Document]:
        return [read_document(_texts_of(row, names), self._lexicon) for row in rows]


def _parse_places(contents: Sequence[Mapping[str, Any]]) -> dict[str, Place]:
    return {one["slug"]: parse_stored(Place, one) for one in contents}


def _texts_of(row: Any, names: Mapping[Key, tuple[str, ...]]) -> ServiceTexts:
    about = [("agency", row.agency), *(("life event", event) for event in row.life_events)]
    return service_texts(
        msgspec.json.decode(row.content),
        version=row.version,
        modified_at=row.modified_at,
        context=[name for key in about for name in names.get(key, ())],
    )
