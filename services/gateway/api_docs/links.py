"""Links of the document: which operations take what an answer contains."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.gateway.api_docs.schema_rules import PREFIX, operations_of

JSON = "application/json"
IF_MATCH = "If-Match"


def add_links(document: dict[str, Any]) -> None:
    """Link what creates or lists a resource, or reads it, to the operations below its address.

    A created resource links to what reads and deletes it (`/meetings/{id}` of `POST /meetings`), a
    list to the reads of its first item, and a read to the changes that need its `ETag`.
    """
    for path, method, operation in operations_of(document):
        for status, response in operation["responses"].items():
            if not status.startswith("2"):
                continue
            links = dict(_links(document, path, method, response))
            links.pop(operation["operationId"], None)
            if links:
                response["links"] = links


def _links(
    document: Mapping[str, Any], path: str, method: str, response: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    schema = _resolved(document, response.get("content", {}).get(JSON, {}).get("schema", {}))
    if method == "get":
        yield from _links_to_changes(document, path, response)
    items = schema.get("properties", {}).get("items", {}).get("items")
    if method == "get" and items is not None:
        methods, body, item = ("get",), "$response.body#/items/0", _resolved(document, items)
    elif method == "post":
        methods, body, item = ("get", "put", "delete"), "$response.body#", schema
    else:
        return
    member = re.compile(re.escape(path) + r"/\{([a-z_]+)\}(/[a-z-]+)?")
    for address, operations in document["paths"].items():
        found = member.fullmatch(address)
        name = None if found is None else _field_of(found[1], item)
        if found is None or name is None:
            continue
        own = {each: f"$request.path.{each}" for each in _names(path)}
        for each in methods if found[2] is None else ("get",):
            if each in operations and IF_MATCH not in _parameters(operations[each]):
                yield _link(operations[each], own | {found[1]: f"{body}/{name}"})


def _links_to_changes(
    document: Mapping[str, Any], path: str, response: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield links from a read to the changes that need its `ETag`."""
    for operation in document["paths"][path].values():
        if IF_MATCH in _parameters(operation) and "ETag" in response.get("headers", {}):
            own = {each: f"$request.path.{each}" for each in _names(path)}
            yield _link(operation, own | {IF_MATCH: "$response.header.ETag"})


def _link(
    operation: Mapping[str, Any], parameters: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    operation_id: str = operation["operationId"]
    return operation_id, {"operationId": operation_id, "parameters": dict(parameters)}


def _field_of(parameter: str, item: Mapping[str, Any]) -> str | None:
    """Return the property of an item that is the value of a path parameter."""
    properties = item.get("properties", {})
    return next((name for name in (parameter, "id", "slug", "code") if name in properties), None)


def _parameters(operation: Mapping[str, Any]) -> set[str]:
    return {each["name"] for each in operation.get("parameters", ())}


def _names(path: str) -> list[str]:
    return re.findall(r"\{([a-z_]+)\}", path)


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    address = schema.get("$ref")
    if address is None:
        return schema
    return document["components"]["schemas"][address.removeprefix(PREFIX)]
