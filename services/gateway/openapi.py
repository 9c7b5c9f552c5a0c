"""One OpenAPI document of all services."""

from collections.abc import Mapping
from typing import Any

import httpx
from fastapi import FastAPI

from services.platform.problems import Unavailable
from services.platform.service import VERSION
from services.platform.settings import Service

DESCRIPTION = """
The hub of a regency's e-Mall Pelayanan Publik: public services and portals, their use, what
citizens say, and what it all says about collaboration.

Reading needs no key. An agency's system writes with a key, `Authorization: Bearer emk_...`.
Errors are RFC 9457 problem documents that name each field and what would be right.
"""

TAGS = [
    {"name": "catalog", "description": "Public services, agencies, life events."},
    {"name": "links", "description": "The portals, and the counted way to them."},
    {"name": "connectors", "description": "Systems of others, behind a breaker: OSS."},
    {"name": "usage", "description": "Events and monthly statistics of use."},
    {"name": "surveys", "description": "Awareness and satisfaction."},
    {"name": "comments", "description": "Comments and complaints, and how agencies answer."},
    {"name": "open311", "description": "The same in the form of Open311 GeoReport v2."},
    {"name": "evidence", "description": "What is known about collaboration, with its sources."},
    {"name": "metrics", "description": "Methods, assessments, collaboration dynamics, indices."},
    {
        "name": "access",
        "description": "Keys of agencies, what they took, and the log of what was written.",
    },
    {"name": "hub", "description": "The hub itself."},
]


async def unified_document(app: FastAPI) -> dict[str, Any]:
    """The document of the whole hub. Of a service that is down, the one that was seen last."""
    clients: Mapping[Service, httpx.AsyncClient] = app.state.clients
    seen: dict[Service, dict[str, Any]] = app.state.documents
    for service, client in clients.items():
        try:
            answer = await client.get("/openapi.json")
            seen[service] = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            if service not in seen:
                raise Unavailable(f"The {service} service does not answer.") from None
    return merge({"gateway": app.openapi()} | {service.value: seen[service] for service in clients})


def merge(documents: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The documents of the services as one; `ValueError` where two mean different things by the
    same name."""
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "emall",
            "version": VERSION,
            "summary": "Digital public-service mall of a regency",
            "description": DESCRIPTION.strip(),
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": "/"}],
        "tags": TAGS,
        "paths": {},
        "components": {},
    }
    for service, document in documents.items():
        _add(merged["paths"], document.get("paths", {}), where=f"{service}: path")
        for kind, members in document.get("components", {}).items():
            target = merged["components"].setdefault(kind, {})
            _add(target, members, where=f"{service}: {kind}")
    return merged


def _add(target: dict[str, Any], members: Mapping[str, Any], *, where: str) -> None:
    for name, value in members.items():
        if target.setdefault(name, value) != value:
            raise ValueError(f"{where} {name} is defined twice, differently")
