"""One OpenAPI document of all services."""

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
The hub of a regency's e-Mall Pelayanan Publik: public services and portals, their use, what
citizens say, and what it all says about collaboration.

Reading needs no key. An agency's system writes with a key, `Authorization: Bearer emk_...`.
Errors are RFC 9457 problem documents that name each field and what would be right.
"""

STATUS = "/api/v1/status"
"""Each regency runs its own hub: here it says which one."""

HEADERS: dict[str, Any] = {
    "RateLimit": {
        "description": "What is left of the limit: `r` requests at once now, all of it in `t` "
        "seconds (draft-ietf-httpapi-ratelimit-headers-10). Not sent where no limit is set.",
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
        "description": "Where what was made can be read.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference", "maxLength": 2000},
    },
    "ETag": {
        "description": "The state that was answered: as `If-None-Match` of the next read, or as "
        "`If-Match` of a change.",
        "required": True,
        "schema": {"type": "string", "maxLength": 200},
        "example": '"6dcd4ce23d88e2ee9568ba54"',
    },
}

UNLOCATED = frozenset({"post_rating_tokens", "post_comment_attachment"})
"""Tokens are made by the dozen, and an attachment is read with the secret of its ticket: their
answers name no address."""

TAGS = [
    {"name": "catalog", "description": "Public services, agencies, life events."},
    {"name": "links", "description": "The portals, and the counted way to them."},
    {"name": "connectors", "description": "Systems of others: OSS, SIMBG, websites."},
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
    documents = {service.value: seen[service] for service in clients}
    return merge({"gateway": app.openapi()} | documents, address=public_address(app.state.settings))


def public_address(settings: Settings) -> str | None:
    """Where the hub is to be reached from everywhere, if that is set."""
    return str(settings.public_url).rstrip("/") if settings.public_url else None


def merge(documents: Mapping[str, dict[str, Any]], *, address: str | None = None) -> dict[str, Any]:
    """The documents of the services as one; `ValueError` where two mean different things by the
    same name. `address` is that of the hub, for those who read the document elsewhere."""
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
            _tell_of_errors(operation)
            is_located = (
                method == "post"
                and operation.get("operationId") not in UNLOCATED
                and _has_members(merged["paths"], path)
            )
            _tell_of_headers(operation, method, is_located=is_located)
    return merged


def _tell_of_errors(operation: dict[str, Any]) -> None:
    """The door limits every operation and every body; any part of the hub may fail or be away."""
    responses = operation["responses"]
    statuses = [TooManyRequests.status, HTTPStatus.INTERNAL_SERVER_ERROR.value, Unavailable.status]
    if "requestBody" in operation:
        statuses.append(TooLarge.status)
    for status, response in problem_responses(*statuses).items():
        responses.setdefault(str(status), response)


def _tell_of_headers(operation: dict[str, Any], method: str, *, is_located: bool) -> None:
    """What each answer carries beside its body."""
    parameters = {parameter.get("name") for parameter in operation.get("parameters", ())}
    told = {
        "401": ["WWW-Authenticate"],
        "429": ["RateLimit", "RateLimit-Policy", "Retry-After"],
        "503": ["Retry-After"],
        # Every read is tagged (`EntityTags`), and what was changed by its tag has another one.
        "200": ["ETag"] if method == "get" or "If-Match" in parameters else [],
        "201": ["Location"] if is_located else [],
    }
    responses = operation["responses"]
    for status, response in responses.items():
        limits = ["RateLimit", "RateLimit-Policy"] if status < "400" else []
        if names := told.get(status, []) + limits:
            headers = _header_references(*names) | response.get("headers", {})
            responses[status] = response | {"headers": headers}


def _has_members(paths: Mapping[str, Any], path: str) -> bool:
    """Whether what is made at a path is read at an address of its own below it."""
    member = re.compile(re.escape(path) + r"/\{[a-z_]+\}")
    return any("get" in operations and member.fullmatch(each) for each, operations in paths.items())


def _header_references(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _add(target: dict[str, Any], members: Mapping[str, Any], *, where: str) -> None:
    for name, value in members.items():
        if target.setdefault(name, value) != value:
            raise ValueError(f"{where} {name} is defined twice, differently")


SPLP_WRITES = frozenset({"post_usage_statistics"})
"""What a system of another agency may write through the exchange, with a key of this hub."""


def for_splp(document: dict[str, Any], *, address: str | None) -> dict[str, Any]:
    """The part of the document that is published on SPLP, the government's exchange of interfaces.

    What anybody may read, and the statistics that agencies report; nothing that administers the
    hub, and no component that is not used.
    """
    paths: dict[str, Any] = {}
    for path, operations in document["paths"].items():
        kept = {
            method: operation
            for method, operation in operations.items()
            if (method == "get" and not operation.get("security"))
            or operation.get("operationId") in SPLP_WRITES
        }
        if kept:
            paths[path] = kept
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
    """The components to which the paths lead, by any number of steps."""
    used: dict[str, dict[str, Any]] = {}
    waiting: list[Any] = [paths]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += cast("list[Any]", part)
        elif isinstance(part, dict):
            members = cast("dict[str, Any]", part)
            waiting += members.values()
            names = [members.get("$ref")]
            # A tagged union names its models a second time, without `$ref`.
            names += [*members["mapping"].values()] if _is_mapping(members) else []
            for name in names:
                if isinstance(name, str) and name.startswith("#/components/"):
                    _, _, kind, member = name.split("/")
                    if member not in used.setdefault(kind, {}):
                        used[kind][member] = components[kind][member]
                        waiting.append(used[kind][member])
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
