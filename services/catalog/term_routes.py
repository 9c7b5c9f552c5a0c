"""The search as a table of words, for devices: `/api/v1/catalog/search-terms`."""

import asyncio

from fastapi import Request

from services.catalog.schemas import SearchTerms
from services.catalog.search.store import CatalogIndex
from services.catalog.search.terms import index_terms
from services.platform.problems import Conflict, problem_responses
from services.platform.router import Router
from services.platform.service import API

router = Router(prefix=API, tags=["catalog"], responses=problem_responses(401))

MOST_SERVICES = 600
"""Services of a catalogue that a device stores; the table grows with each."""


@router.get(
    "/catalog/search-terms", operation_id="get_search_terms", responses=problem_responses(409, 503)
)
async def get_search_terms(request: Request) -> SearchTerms:
    """Return what each word and phrase scores, so that a device can search without the hub.

    A service scores the sum of the terms of a question, the longest phrases in place of their
    words, and more for the best of its names that the question contains. Other spellings are
    replaced first (`spellings`); `affixes` lead from a form of a word to one among the terms. A
    catalogue with more services than a device stores is answered 409.
    """
    search: CatalogIndex = request.app.state.search
    indexed = await search.current()
    if indexed.services.size > MOST_SERVICES:
        detail = f"The catalogue has more than {MOST_SERVICES} services; use GET services?query="
        raise Conflict(detail)
    terms = await asyncio.to_thread(index_terms, indexed.services)
    return SearchTerms(
        services=terms.slugs,
        terms=terms.terms,
        scores=terms.scores,
        roots=terms.roots,
        words=[word for word, *_ in terms.words],
        word_values=[list(values) for _, *values in terms.words],
        names=terms.names,
        spellings=terms.spellings,
        affixes=[list(affix) for affix in terms.affixes],
        unknown=terms.unknown,
    )
