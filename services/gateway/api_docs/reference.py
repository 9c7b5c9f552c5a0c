"""The API reference as an HTML page without scripts, from the OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from services.gateway.api_docs.openapi import needs_key
from services.gateway.api_docs.responses import resolve_response

Document = Mapping[str, Any]

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Parameter:
    """A parameter in the address of an operation."""

    name: str
    place: str
    required: bool
    kind: str
    description: str


@dataclass(frozen=True)
class Answer:
    """A response, with the name of what it carries."""

    status: str
    description: str
    model: str | None
    example: str | None


@dataclass(frozen=True)
class Operation:
    """An operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    needs_key: bool
    parameters: list[Parameter]
    body: str | None
    answers: list[Answer]
    curl: str


@dataclass(frozen=True)
class Group:
    """The operations of one tag."""

    name: str
    description: str
    operations: list[Operation]


@dataclass(frozen=True)
class Field:
    """A member of a model."""

    name: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True)
class Model:
    """A schema of the document: its fields, or the values it may take."""

    name: str
    description: str
    fields: list[Field]


def groups_of(document: Document, *, host: str) -> list[Group]:
    """Return the operations by tag, in the order of the document's tags."""
    operations = list(_operations(document, host))
    return [
        Group(
            tag["name"],
            tag["description"],
            [operation for name, operation in operations if name == tag["name"]],
        )
        for tag in document["tags"]
    ]


def models_of(document: Document) -> list[Model]:
    """Return the models of the document, sorted by name."""
    schemas: Mapping[str, Document] = document["components"]["schemas"]
    return [
        Model(
            name=name,
            description=schema.get("description", ""),
            fields=[
                Field(
                    name=field,
                    kind=kind_of(inner),
                    required=field in schema.get("required", ()),
                    description=inner.get("description", ""),
                )
                for field, inner in schema.get("properties", {}).items()
            ],
        )
        for name, schema in sorted(schemas.items())
    ]


def _operations(document: Document, host: str) -> Iterator[tuple[str, Operation]]:
    paths: Mapping[str, Mapping[str, Document]] = document["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield (
                operation["tags"][0],
                Operation(
                    id=operation["operationId"],
                    method=method.upper(),
                    path=path,
                    summary=operation.get("summary", ""),
                    description=operation.get("description", ""),
                    needs_key=needs_key(operation),
                    parameters=[_parameter(given) for given in operation.get("parameters", ())],
                    body=_model(operation.get("requestBody", {})),
                    answers=[
                        Answer(status, answer["description"], _model(answer), _shown(answer))
                        for status, given in sorted(operation["responses"].items())
                        for answer in [resolve_response(document, given)]
                    ],
                    curl=_curl(method, path, operation, host=host),
                ),
            )


def _parameter(given: Document) -> Parameter:
    return Parameter(
        name=given["name"],
        place=given["in"],
        required=given.get("required", False),
        kind=kind_of(given["schema"]),
        description=given.get("description", ""),
    )


def kind_of(schema: Document) -> str:
    """Describe a schema: `string`, `integer 1-100`, `list of Item`, `Item or null`."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(kind_of(part) for part in schema[union]))
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    return _simple_kind(schema)


def _simple_kind(schema: Document) -> str:
    kind = str(schema.get("format", schema.get("type", "any")))
    low, high = schema.get("minimum"), schema.get("maximum")
    return kind if low is None or high is None else f"{kind} {low}-{high}"


def _content(holder: Document) -> tuple[str, Document] | None:
    content: Mapping[str, Document] = holder.get("content", {})
    return next(iter(content.items()), None)


def _model(holder: Document) -> str | None:
    content = _content(holder)
    return None if content is None else kind_of(content[1].get("schema", {}))


def _shown(holder: Document) -> str | None:
    """Return the example of a response as indented JSON."""
    content = _content(holder)
    if content is None or "example" not in content[1]:
        return None
    return json.dumps(content[1]["example"], ensure_ascii=False, indent=2)


def _curl(method: str, path: str, operation: Document, *, host: str) -> str:
    query = "&".join(
        f"{given['name']}={_example(given['schema'])}"
        for given in operation.get("parameters", ())
        if given["in"] == "query" and given.get("required")
    )
    lines = [f"curl '{host}{path}{'?' + query if query else ''}'"]
    if method != "get":
        lines.insert(1, f"-X {method.upper()}")
    if needs_key(operation):
        lines.append("-H 'Authorization: Bearer emk_...'")
    content = _content(operation.get("requestBody", {}))
    if content is not None:
        kind, holder = content
        lines.append(f"-H 'Content-Type: {kind}'")
        body = _sent(kind, holder["example"]) if "example" in holder else "{...}"
        lines.append(f"-d '{body}'")
    return " \\\n  ".join(lines)


def _sent(kind: str, example: Any) -> str:
    """Return an example as an encoded request body."""
    return urlencode(example) if kind == FORM else json.dumps(example, ensure_ascii=False)


def _example(schema: Document) -> object:
    parts: list[Document] = [schema, *cast("list[Document]", schema.get("anyOf", []))]
    for part in parts:
        if part.get("examples"):
            return part["examples"][0]
    return "..."
