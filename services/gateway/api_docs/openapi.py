"""The OpenAPI document of the hub, merged from those of the services."""

import asyncio
import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
from fastapi import FastAPI

from services.gateway.api_docs.descriptions import describe
from services.gateway.api_docs.links import add_links
from services.gateway.api_docs.responses import complete_responses, describe_responses
from services.gateway.api_docs.schema_rules import apply_schema_rules, operations_of
from services.platform.identity import SCHEME
from services.platform.languages import Language
from services.platform.problems import NotAuthenticated, PreconditionRequired, Unavailable
from services.platform.recent_results import RecentResults
from services.platform.settings import Service
from services.platform.version import VERSION

DESCRIPTION = """
The hub of a regency's e-Mall Pelayanan Publik: public services and portals, their use,
surveys and comments of citizens, and metrics of collaboration.

Reading needs no key. An agency's system writes with a key, `Authorization: Bearer emk_...`.
Errors are RFC 9457 problem documents that name each field and what would be right.
"""

STATUS = "/api/v1/status"
"""Reports which regency's hub this is."""

CREATES_TOO = frozenset({"put_publisher"})
"""Operations without a 201 that also create what is not there, and then take no `If-Match`."""

TAGS = [
    {"name": "catalog", "description": "Public services, places, document types, sources."},
    {"name": "links", "description": "Portals, their monitoring, and counted redirects to them."},
    {
        "name": "announcements",
        "description": "Announcements of the regency's websites and those that agencies write.",
    },
    {"name": "connectors", "description": "External systems: OSS, SIMBG, websites."},
    {"name": "usage", "description": "Events and monthly statistics of use."},
    {"name": "surveys", "description": "Awareness and satisfaction."},
    {"name": "comments", "description": "Comments and complaints, and how agencies answer."},
    {"name": "open311", "description": "Comments in the form of Open311 GeoReport v2."},
    {"name": "evidence", "description": "Evidence of collaboration, with its sources."},
    {"name": "metrics", "description": "Methods, assessments, collaboration dynamics, indices."},
    {
        "name": "access",
        "description": "API keys, their usage, and the audit log.",
    },
    {
        "name": "people",
        "description": "People who keep the hub: their roles, invitations, sessions and handovers.",
    },
    {"name": "hub", "description": "The hub itself."},
]


MAX_REFERENCES = 3
"""References in memory, one for each language: 2 MB each."""


@dataclass(frozen=True, eq=False)
class HubDocument:
    """The document of the hub, and the references made of it, which end with it."""

    content: dict[str, Any]
    references: RecentResults[Language, str] = field(
        default_factory=lambda: RecentResults(MAX_REFERENCES)
    )


class HubDocuments:
    """The document of the hub, merged again when a service's is another one than before."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._known: dict[Service, bytes] = {}
        self._merged: tuple[Mapping[Service, bytes], HubDocument] | None = None
        self._merging = asyncio.Lock()

    async def read(self) -> HubDocument:
        """Return the document, with the last known one of a service that is down.

        Raises:
            Unavailable: A service is down whose document nobody has read yet.
        """
        clients: Mapping[Service, httpx.AsyncClient] = self._app.state.clients
        await asyncio.gather(*(self._ask(*each) for each in clients.items()))
        async with self._merging:
            known = {service: self._known[service] for service in clients}
            if self._merged is None or self._merged[0] != known:
                # It takes a second, in which others are answered.
                self._merged = known, await asyncio.to_thread(self._merge, known)
            return self._merged[1]

    async def _ask(self, service: Service, client: httpx.AsyncClient) -> None:
        try:
            body = (await client.get("/openapi.json")).raise_for_status().content
            if body != self._known.get(service):
                json.loads(body)
                self._known[service] = body
        except (httpx.HTTPError, ValueError):
            if service not in self._known:
                raise Unavailable(f"The {service} service is unavailable.") from None

    def _merge(self, known: Mapping[Service, bytes]) -> HubDocument:
        documents = {service.value: json.loads(body) for service, body in known.items()}
        address = self._app.state.settings.public_address
        return HubDocument(merge({"gateway": self._app.openapi()} | documents, address=address))


def merge(documents: Mapping[str, dict[str, Any]], *, address: str | None = None) -> dict[str, Any]:
    """Merge the documents of the services; raise `ValueError` if two define a name differently.

    `address` is the public URL of the hub.
    """
    contact = {"name": "Diskominfo, the agency that runs this hub"}
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "emall",
            "version": VERSION,
            "summary": "Digital public-service mall of a regency",
            "description": DESCRIPTION.strip(),
            "contact": contact | ({"url": f"{address}{STATUS}"} if address else {}),
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": "/"}],
        "tags": TAGS,
        "paths": {},
        "components": {},
    }
    for service, document in copy.deepcopy(dict(documents)).items():
        _add(merged["paths"], document.get("paths", {}), where=f"{service}: path")
        for kind, members in document.get("components", {}).items():
            target = merged["components"].setdefault(kind, {})
            _add(target, members, where=f"{service}: {kind}")
    for _, _, operation in operations_of(merged):
        _complete(operation)
    complete_responses(merged)
    apply_schema_rules(merged)
    describe(merged)
    describe_responses(merged)
    add_links(merged)
    return merged


def needs_key(operation: Mapping[str, Any]) -> bool:
    """Return whether an operation cannot be called without a key."""
    return bool(operation.get("security")) and {} not in operation["security"]


def _complete(operation: dict[str, Any]) -> None:
    """State that an open operation takes a key too, and where a change needs `If-Match`."""
    responses = operation["responses"]
    if "security" not in operation:
        takes_key = str(NotAuthenticated.status) in responses
        operation["security"] = [{}, {SCHEME: []}] if takes_key else []
    is_change = "201" not in responses and operation["operationId"] not in CREATES_TOO
    if is_change and str(PreconditionRequired.status) in responses:
        for parameter in operation["parameters"]:
            if parameter["name"] == "If-Match":
                parameter["required"] = True


def _add(target: dict[str, Any], members: Mapping[str, Any], *, where: str) -> None:
    for name, value in members.items():
        if target.setdefault(name, value) != value:
            raise ValueError(f"{where} {name} is defined twice, differently")


SPLP_WRITES = frozenset({"post_usage_statistics"})
"""Operations that other agencies may call through SPLP, with a key of this hub."""


def for_splp(document: dict[str, Any], *, address: str | None) -> dict[str, Any]:
    """Return the part of the document for SPLP, the government's API exchange.

    Public reads and the reporting of statistics; no administration, no unused components.
    """
    paths: dict[str, Any] = {}
    for path, operations in document["paths"].items():
        included = {
            method: operation
            for method, operation in operations.items()
            if (method == "get" and not needs_key(operation))
            or operation.get("operationId") in SPLP_WRITES
        }
        if included:
            paths[path] = included
    tags = {
        tag for each in paths.values() for operation in each.values() for tag in operation["tags"]
    }
    return {
        **{name: document[name] for name in ("openapi", "info")},
        "servers": [{"url": address}] if address else document["servers"],
        "tags": [tag for tag in document["tags"] if tag["name"] in tags],
        "paths": paths,
        "components": _used(document["components"], paths),
    }


def _used(components: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    """Return the components that the paths reference, directly or indirectly."""
    used: dict[str, dict[str, Any]] = {}
    pending: list[Any] = [paths]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += cast("list[Any]", part)
        elif isinstance(part, dict):
            members = cast("dict[str, Any]", part)
            pending += members.values()
            names = [members.get("$ref")]
            # The mapping of a discriminated union references models without `$ref`.
            names += [*members["mapping"].values()] if _is_mapping(members) else []
            for name in names:
                if isinstance(name, str) and name.startswith("#/components/"):
                    _, _, kind, member = name.split("/")
                    if member not in used.setdefault(kind, {}):
                        used[kind][member] = components[kind][member]
                        pending.append(used[kind][member])
    schemes = {
        name
        for operations in paths.values()
        for operation in operations.values()
        for scheme in operation.get("security", [])
        for name in scheme
    }
    if schemes:
        known = components.get("securitySchemes", {})
        used["securitySchemes"] = {name: known[name] for name in sorted(schemes)}
    return used


def _is_mapping(members: dict[str, Any]) -> bool:
    return isinstance(members.get("mapping"), dict) and "propertyName" in members
