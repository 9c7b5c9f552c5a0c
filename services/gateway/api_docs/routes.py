"""The OpenAPI document of the hub."""

import asyncio
from typing import Literal

from fastapi import Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from services.gateway.api_docs.openapi import HubDocuments, for_splp
from services.platform.router import Router

router = Router()


@router.get("/openapi.json", include_in_schema=False)
async def openapi_document(request: Request, audience: Literal["splp"] | None = None) -> Response:
    """Return the OpenAPI document of the hub; for `audience=splp` the part published on SPLP.

    Any other query leads to the same document, which is written and compressed only once.
    """
    query = "" if audience is None else f"audience={audience}"
    if request.scope["query_string"].decode("latin-1") != query:
        return RedirectResponse(f"{request.url.path}{'?' if query else ''}{query}")
    documents: HubDocuments = request.app.state.documents
    document = (await documents.read()).content
    address: str | None = request.app.state.settings.public_address

    def write() -> Response:
        return JSONResponse(for_splp(document, address=address) if audience else document)

    return await asyncio.to_thread(write)
