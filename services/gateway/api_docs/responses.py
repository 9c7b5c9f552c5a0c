"""Responses of the document: their descriptions, their headers, and the errors that are alike."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from services.gateway.api_docs.schema_rules import PREFIX, operations_of
from services.platform.georeport import CONTENT, is_georeport
from services.platform.problems import (
    MEDIA_TYPE,
    TooLarge,
    TooManyRequests,
    Unavailable,
    UnsupportedMediaType,
)

HEADERS: dict[str, Any] = {
    "RateLimit": {
        "description": "Remaining limit: `r` requests available now, fully restored in `t` "
        "seconds (draft-ietf-httpapi-ratelimit-headers-10). Not sent without a limit, nor to a key "
        "that is not valid.",
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
        "schema": {"type": "integer", "format": "int32", "minimum": 1},
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

LIMITS = ("RateLimit", "RateLimit-Policy")

DEFAULT = "default"
"""The response of any other status: a problem document too."""

ERRORS: dict[str, tuple[str, str]] = {
    "400": ("BadRequest", "The request cannot be parsed, for example because it is not JSON."),
    "401": ("NotAuthenticated", "The operation needs a key, or the key sent is not valid."),
    "403": ("NotAllowed", "The key lacks the scope, or writes for another agency."),
    "404": ("NotFound", "Nothing exists at this URL."),
    "408": ("RequestTimeout", "The body did not arrive in time."),
    "409": ("Conflict", "The request contradicts what is stored."),
    "412": ("PreconditionFailed", "The resource has changed since it was read."),
    "413": ("TooLarge", "The body is larger than the limit, or takes too much to read."),
    "415": ("UnsupportedMediaType", "The body has a content type that is not read here."),
    "422": ("Invalid", "Some fields are invalid; `errors` names each and what would be right."),
    "428": ("PreconditionRequired", "A change needs `If-Match` with the `ETag` of what was read."),
    "429": ("TooManyRequests", "The rate limit is exceeded; wait for `Retry-After`."),
    "500": ("InternalError", "A fault of the hub; it was logged with the `request_id`."),
    "503": ("Unavailable", "A part of the hub is unavailable; send again after `Retry-After`."),
    DEFAULT: ("AnyProblem", "Any other error, as a problem document."),
}
"""Name and description of the response of each error, by status."""

HEADERS_OF_ERRORS = {
    "401": ("WWW-Authenticate", *LIMITS),
    "429": ("Retry-After", *LIMITS),
    "500": (),
    "503": ("Retry-After",),
    DEFAULT: (),
}
"""Headers of errors, where they are others than the limit."""

WITHOUT_LOCATION = frozenset({"post_rating_tokens", "post_comment_attachment"})
"""Operations without `Location`: tokens are created in batches, and an attachment is read with the
secret of its ticket."""

PLAIN = "Successful Response"
"""FastAPI's description of a response that has none."""

DONE = {"202": "Accepted, and not in effect yet.", "204": "Done; the response has no body."}


def complete_responses(document: dict[str, Any]) -> None:
    """Add errors, headers and descriptions to the responses of all operations.

    Errors are alike in all operations, so each is a component that operations refer to.
    """
    components: dict[str, Any] = document["components"]
    components["headers"] = HEADERS
    components["responses"] = {
        name: {
            "description": description,
            "headers": _header_references(*HEADERS_OF_ERRORS.get(status, LIMITS)),
            "content": {MEDIA_TYPE: {"schema": {"$ref": f"{PREFIX}Problem"}}},
        }
        for status, (name, description) in ERRORS.items()
    }
    for path, method, operation in operations_of(document):
        responses: dict[str, Any] = operation["responses"]
        for status in (*responses, *_statuses_of_any(operation), DEFAULT):
            if status in ERRORS and is_georeport(path):
                responses[status] = _georeport_error(components["responses"], responses, status)
            elif status in ERRORS:
                responses[status] = {"$ref": f"#/components/responses/{ERRORS[status][0]}"}
        is_located = (
            method == "post"
            and operation.get("operationId") not in WITHOUT_LOCATION
            and _has_member_path(document["paths"], path)
        )
        for status, response in responses.items():
            if status not in ERRORS:
                own = _own_headers(operation, method, status, is_located=is_located)
                headers = _header_references(*own, *LIMITS) | response.get("headers", {})
                responses[status] = response | {"headers": headers}


def resolve_response(document: Mapping[str, Any], response: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a response, or the component to which it refers."""
    if "$ref" not in response:
        return response
    return document["components"]["responses"][response["$ref"].rpartition("/")[2]]


def _georeport_error(
    components: Mapping[str, Any], responses: Mapping[str, Any], status: str
) -> dict[str, Any]:
    """Return an error in the form of GeoReport, with the headers of the error of that status.

    It is described as its service does: an invalid field is 400 there, and there is no `errors`.
    """
    description = "Any other error." if status == DEFAULT else ERRORS[status][1]
    own = responses.get(status, {"description": description, "content": dict(CONTENT)})
    return {"headers": components[ERRORS[status][0]]["headers"], **own}


def describe_responses(document: dict[str, Any]) -> None:
    """Describe each successful response by what it contains, where nothing else is stated."""
    schemas: Mapping[str, Any] = document["components"].get("schemas", {})
    for _, _, operation in operations_of(document):
        for status, response in operation["responses"].items():
            if response.get("description") != PLAIN:
                continue
            response["description"] = DONE.get(status, operation.get("summary", "Done"))
            content = response.get("content", {}).get("application/json", {})
            name = content.get("schema", {}).get("$ref", "").removeprefix(PREFIX)
            if description := schemas.get(name, {}).get("description"):
                response["description"] = first_sentence(description)


def first_sentence(text: str) -> str:
    """Return the first sentence of a description."""
    found = re.match(r".+?[.:](?=\s|$)", text, re.DOTALL)
    return " ".join((found[0] if found else text).split())


def _statuses_of_any(operation: Mapping[str, Any]) -> list[str]:
    """Return the errors that any operation may answer: 429, 500, 503, and with a body 413, 415."""
    statuses = [TooManyRequests.status, HTTPStatus.INTERNAL_SERVER_ERROR.value, Unavailable.status]
    if "requestBody" in operation:
        statuses += [TooLarge.status, UnsupportedMediaType.status]
    return [str(status) for status in statuses]


def _own_headers(
    operation: Mapping[str, Any], method: str, status: str, *, is_located: bool
) -> list[str]:
    """Return the headers of a successful response beside the limit."""
    parameters = {parameter.get("name") for parameter in operation.get("parameters", ())}
    # Every read has an ETag (`EntityTagMiddleware`), and so has every conditional change.
    if status == "200" and (method == "get" or "If-Match" in parameters):
        return ["ETag"]
    return ["Location"] if status == "201" and is_located else []


def _has_member_path(paths: Mapping[str, Any], path: str) -> bool:
    """Return whether resources created at a path can be read at a URL below it."""
    member = re.compile(re.escape(path) + r"/\{[a-z_]+\}")
    return any("get" in operations and member.fullmatch(each) for each, operations in paths.items())


def _header_references(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
