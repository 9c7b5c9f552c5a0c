"""Sources that evidence cites: kept by the catalogue, copied here when evidence first cites them.

The copy is what a record shows and an assessment stores; loading a pack renews those of the pack.
"""

from collections.abc import Iterable

import httpx
from fastapi import Request
from sqlalchemy import text

from services.assessment.evidence import store
from services.platform.database import WriteSession
from services.platform.packs import Source
from services.platform.problems import Unavailable
from services.platform.service import API
from services.platform.service_client import ServiceClient


class SourceRegister(ServiceClient):
    """Requests to the register of sources, with the identity of the caller."""

    def __init__(self, request: Request) -> None:
        """Create a client; a service called without a token has answered 401 before this."""
        super().__init__(request.app.state.report_client.catalogue)
        self._headers = {"Authorization": request.headers["Authorization"]}

    async def find_source(self, id: str) -> Source | None:
        """Return a source; None if the register does not have it."""
        return await self._find(Source, f"{API}/sources/{id}", headers=self._headers)


async def copy_cited_sources(
    session: WriteSession, region: str, register: SourceRegister, cited: Iterable[str]
) -> None:
    """Copy the cited sources that evidence cites for the first time.

    What the register does not have is left to the check of references. Raise `Unavailable` if the
    catalogue does not answer, since it is not known then whether the source exists.
    """
    keys = sorted(set(cited))
    parameters = {"region": region, "keys": keys}
    known = set(await session.scalars(text(store.EXISTING_SOURCES), parameters))
    for key in keys:
        if key in known:
            continue
        try:
            source = await register.find_source(key)
        except httpx.HTTPError:
            raise Unavailable(
                "The catalogue, which keeps the sources, does not answer; nothing was stored."
            ) from None
        if source is not None:
            await session.execute(
                text(store.COPY_SOURCE),
                {"region": region, "id": key, "content": source.model_dump_json()},
            )
