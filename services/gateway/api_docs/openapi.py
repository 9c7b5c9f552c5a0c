"""The OpenAPI document of the hub, merged from those of the services."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import httpx
from fastapi import FastAPI

from services.platform.problems import TooLarge, TooManyRequests, Unavailable, problem_responses
from services.platform.settings import Service, Settings
from services.platform.version import VERSION

DESCRIPTION = """
The hub of a regency's e-Mall Pelayanan Publik: public services and portals, their use,
surveys and comments of citizens, and metrics of collaboration.

Reading needs no key. An agency's system writes with a key, `Authorization: Bearer emk_...`.
Errors are RFC 9457 problem documents that name each field and what would be right.
"""

STATUS = "/api/v1/status"
"""Reports which regency's hub this is."""

HEADERS: dict[str, Any] = {
    "RateLimit": {
        "description": "Remaining limit: `r` requests available now, fully restored in `t` "
        "seconds (draft-ietf-httpapi-ratelimit-headers-10). Not sent without a limit.",
        "schema": {"type": "string", "maxLength": 200},
        "example": '"reads";r=271;t=3',
    },
    "RateLimit-Policy": {
        "description": "The limit: `q` requests in any `w` seconds, a quarter of them at once.",
        "schema": {"type": "string", "maxLength": 200},
        "example": '"reads";q=1200;w=60',
    },
    "Retry-After": {
        "description": "Seconds to wait before the next request.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 3,
    },
    "WWW-Authenticate": {
        "description": "How a key is sent (RFC 9110, 11.6.1).",
        "required": True,
        "schema": {"type": "string", "maxLength": 200},
        "example": 'Bearer realm="emall"',
    },
    "Location": {
        "description": "URL of the created resource.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference", "maxLength": 2000},
    },
    "ETag": {
        "description": "Version of the resource: for `If-None-Match` of the next read or "
        "`If-Match` of a change.",
        "required": True,
        "schema": {"type": "string", "maxLength": 200},
        "example": '"6dcd4ce23d88e2ee9568ba54"',
    },
}

WITHOUT_LOCATION = frozenset({"post_rating_tokens", "post_comment_attachment"})
"""Operations without `Location`: tokens are created in batches, and an attachment is read with the
secret of its ticket."""

TAGS = [
    {"name": "catalog", "description": "Public services, agencies, life events."},
    {"name": "links", "description": "Portals, their monitoring, and counted redirects to them."},
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
    {"name": "hub", "description": "The hub itself."},
]


async def unified_document(app: FastAPI) -> dict[str, Any]:
    """Return the document of the hub, with the last known one of a service that is down."""
    clients: Mapping[Service, httpx.AsyncClient] = app.state.clients
    known: dict[Service, dict[str, Any]] = app.state.documents
    for service, client in clients.items():
        try:
            answer = await client.get("/openapi.json")
            known[service] = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            if service not in known:
                raise Unavailable(f"The {service} service is unavailable.") from None
    documents = {service.value: known[service] for service in clients}
    return merge({"gateway": app.openapi()} | documents, address=public_address(app.state.settings))


def public_address(settings: Settings) -> str | None:
    """Return the public URL of the hub, if one is set."""
    return str(settings.public_url).rstrip("/") if settings.public_url else None


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
    for service, document in documents.items():
        _add(merged["paths"], document.get("paths", {}), where=f"{service}: path")
        for kind, members in document.get("components", {}).items():
            target = merged["components"].setdefault(kind, {})
            _add(target, members, where=f"{service}: {kind}")
    merged["components"]["headers"] = HEADERS
    for path, operations in merged["paths"].items():
        for method, operation in operations.items():
            _add_errors(operation)
            is_located = (
                method == "post"
                and operation.get("operationId") not in WITHOUT_LOCATION
                and _has_member_path(merged["paths"], path)
            )
            _add_headers(operation, method, is_located=is_located)
    return merged


def _add_errors(operation: dict[str, Any]) -> None:
    """Add the errors that any operation may return: 413, 429, 500 and 503."""
    responses = operation["responses"]
    statuses = [TooManyRequests.status, HTTPStatus.INTERNAL_SERVER_ERROR.value, Unavailable.status]
    if "requestBody" in operation:
        statuses.append(TooLarge.status)
    for status, response in problem_responses(*statuses).items():
        responses.setdefault(str(status), response)


def _add_headers(operation: dict[str, Any], method: str, *, is_located: bool) -> None:
    """Add the response headers of an operation."""
    parameters = {parameter.get("name") for parameter in operation.get("parameters", ())}
    by_status = {
        "401": ["WWW-Authenticate"],
        "429": ["RateLimit", "RateLimit-Policy", "Retry-After"],
        "503": ["Retry-After"],
        # Every read has an ETag (`EntityTagMiddleware`), and so has every conditional change.
        "200": ["ETag"] if method == "get" or "If-Match" in parameters else [],
        "201": ["Location"] if is_located else [],
    }
    responses = operation["responses"]
    for status, response in responses.items():
        limits = ["RateLimit", "RateLimit-Policy"] if status < "400" else []
        if names := by_status.get(status, []) + limits:
            headers = _header_references(*names) | response.get("headers", {})
            responses[status] = response | {"headers": headers}


def _has_member_path(paths: Mapping[str, Any], path: str) -> bool:
    """Return whether resources created at a path can be read at a URL below it."""
    member = re.compile(re.escape(path) + r"/\{[a-z_]+\}")
    return any("get" in operations and member.fullmatch(each) for each, operations in paths.items())


def _header_references(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


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
            if (method == "get" and not operation.get("security"))
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
