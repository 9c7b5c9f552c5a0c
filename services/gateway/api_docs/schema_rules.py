"""Rules for the schemas of the document, so that client generators and validators read them.

Requests are closed: a field that the hub does not know is refused. Answers are open: a later
version may add fields, and a client that validates must not fail then.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

Schema = dict[str, Any]

PREFIX = "#/components/schemas/"

INPUT = "Input"
"""Suffix of the closed form of a model that requests and answers share."""

MAX_INT32 = 2**31 - 1

LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
MAPS = ("properties", "patternProperties", "$defs")
SINGLE = ("items", "additionalProperties", "propertyNames", "not", "if", "then", "else")


def operations_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and operation of a document."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def apply_schema_rules(document: dict[str, Any]) -> None:
    """Apply all rules of this module to a document."""
    for _, _, operation in operations_of(document):
        for parameter in operation.get("parameters", ()):
            _omit_null(parameter)
    for schema in schemas_of(document):
        _drop_title(schema)
        _state_format(schema)
        _unify_tuple(schema)
        _drop_type_of_const(schema)
    _name_generics(document)
    _require_discriminators(document)
    _widen_unions(document)
    _open_answers(document)


def schemas_of(document: Mapping[str, Any]) -> Iterator[Schema]:
    """Yield every schema of a document: of components, parameters, bodies and answers."""
    components: Mapping[str, Any] = document["components"]
    for schema in components.get("schemas", {}).values():
        yield from parts_of(schema)
    for _, _, operation in operations_of(document):
        for parameter in operation.get("parameters", ()):
            yield from parts_of(parameter["schema"])
        for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
            for content in holder.get("content", {}).values():
                yield from parts_of(content.get("schema", {}))


def parts_of(schema: Schema) -> Iterator[Schema]:
    """Yield a schema and all schemas inside it; references are not followed."""
    yield schema
    for word in LISTS:
        for part in schema.get(word, ()):
            yield from parts_of(part)
    for word in MAPS:
        for part in schema.get(word, {}).values():
            yield from parts_of(part)
    for word in SINGLE:
        if isinstance(schema.get(word), dict):
            yield from parts_of(schema[word])


def references_of(schemas: Iterable[Schema]) -> set[str]:
    """Return the names of the components to which schemas refer directly."""
    found: set[str] = set()
    for schema in schemas:
        for part in parts_of(schema):
            mapping: Mapping[str, str] = part.get("discriminator", {}).get("mapping", {})
            for address in (part.get("$ref"), *mapping.values()):
                if address is not None:
                    found.add(address.removeprefix(PREFIX))
    return found


def reachable(components: Mapping[str, Schema], names: Iterable[str]) -> set[str]:
    """Return these components and all to which they refer, directly or indirectly."""
    seen: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending += references_of([components[name]])
    return seen


def _omit_null(parameter: dict[str, Any]) -> None:
    """Remove null from a parameter: what is optional is left out, and no URL can state null."""
    schema: Schema = parameter["schema"]
    kinds: list[Schema] = schema.get("anyOf", [])
    given = [kind for kind in kinds if kind.get("type") != "null"]
    if len(given) == len(kinds):
        return
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    parameter["schema"] = rest | (given[0] if len(given) == 1 else {"anyOf": given})
    if parameter["schema"].get("default", "") is None:
        del parameter["schema"]["default"]


def _drop_title(schema: Schema) -> None:
    """Remove a title, which only repeats a name: generators call types after it, several alike."""
    schema.pop("title", None)


def _state_format(schema: Schema) -> None:
    """State the width of numbers: statically typed clients choose their type by it."""
    kind = schema.get("type")
    if kind == "number":
        schema.setdefault("format", "double")
    if kind != "integer":
        return
    for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if word in schema:
            schema[word] = int(schema[word])
    highest = schema.get("maximum", schema.get("exclusiveMaximum", MAX_INT32 + 1))
    schema.setdefault("format", "int32" if highest <= MAX_INT32 else "int64")


def _unify_tuple(schema: Schema) -> None:
    """Describe a tuple of equal items as a list, which every generator knows."""
    items: list[Schema] = schema.get("prefixItems", [])
    if items and "items" not in schema and all(item == items[0] for item in items):
        del schema["prefixItems"]
        schema["items"] = items[0]


def _drop_type_of_const(schema: Schema) -> None:
    """Remove the type of a constant, which says no more than the constant.

    Generators that merge the members of a union into one class (OpenAPI Generator for PHP) would
    take `const` with a type for an enumeration, of which only the last member's value is valid.
    """
    if "const" in schema:
        schema.pop("type", None)


def _widen_unions(document: dict[str, Any]) -> None:
    """Allow any value of properties that the members of a union define differently.

    It adds nothing to what the members allow, but a class into which a generator merges them takes
    the properties of the union before those of its last member.
    """
    components: dict[str, Schema] = document["components"].get("schemas", {})
    for schema in list(schemas_of(document)):
        if "discriminator" not in schema:
            continue
        seen: dict[str, Schema] = {}
        for member in sorted(references_of([{"oneOf": schema["oneOf"]}])):
            for name, inner in components[member]["properties"].items():
                kind = {key: value for key, value in inner.items() if key != "description"}
                if (
                    name != schema["discriminator"]["propertyName"]
                    and seen.setdefault(name, kind) != kind
                ):
                    schema.setdefault("properties", {})[name] = {}


def _require_discriminators(document: dict[str, Any]) -> None:
    """Require the property by which a union is discriminated, as OpenAPI asks."""
    components: dict[str, Schema] = document["components"].get("schemas", {})
    for schema in list(schemas_of(document)):
        if "discriminator" not in schema:
            continue
        name = schema["discriminator"]["propertyName"]
        for member in references_of([{"oneOf": schema["oneOf"]}]):
            required: list[str] = components[member].setdefault("required", [])
            if name not in required:
                required.insert(0, name)
            components[member]["properties"][name].pop("default", None)


def _open_answers(document: dict[str, Any]) -> None:
    """Allow further fields in answers; what requests share with them gets a closed form."""
    components: dict[str, Schema] = document["components"].get("schemas", {})
    sent: list[Schema] = []
    answered: list[Schema] = []
    for response in document["components"].get("responses", {}).values():
        answered += _contents(response)
    for _, _, operation in operations_of(document):
        sent += _contents(operation.get("requestBody", {}))
        sent += [parameter["schema"] for parameter in operation.get("parameters", ())]
        for response in operation["responses"].values():
            answered += _contents(response)
    in_requests = reachable(components, references_of(sent))
    in_answers = reachable(components, references_of(answered))
    closed = {name for name in components if any(map(_is_closed, parts_of(components[name])))}
    shared = {
        name
        for name in in_requests & in_answers
        if reachable(components, [name]) & closed & in_answers
    }
    for name in sorted(shared):
        if name + INPUT in components:
            raise ValueError(f"{name + INPUT} exists, and is the form of {name} in requests")
        components[name + INPUT] = copy.deepcopy(components[name])
    requests = [components[name + INPUT] for name in shared]
    requests += [components[name] for name in in_requests - in_answers]
    for schema in (*sent, *requests):
        _refer_to_inputs(schema, shared)
    for schema in (*answered, *(components[name] for name in in_answers)):
        for part in parts_of(schema):
            if _is_closed(part):
                del part["additionalProperties"]


def _contents(holder: Mapping[str, Any]) -> list[Schema]:
    return [
        content["schema"] for content in holder.get("content", {}).values() if "schema" in content
    ]


def _is_closed(schema: Schema) -> bool:
    return schema.get("additionalProperties") is False


def _refer_to_inputs(schema: Schema, shared: set[str]) -> None:
    _rename(schema, {name: name + INPUT for name in shared})


def _name_generics(document: dict[str, Any]) -> None:
    """Name the models of generic classes as words: `Page_Agency_` becomes `PageOfAgency`."""
    components: dict[str, Schema] = document["components"].get("schemas", {})
    names = {name: name.rstrip("_").replace("_", "Of") for name in components if "_" in name}
    for schema in schemas_of(document):
        _rename(schema, names)
    document["components"]["schemas"] = {
        names.get(name, name): schema for name, schema in components.items()
    }


def _rename(schema: Schema, names: Mapping[str, str]) -> None:
    """Replace the names of components in the references of a schema."""
    for part in parts_of(schema):
        if (name := part.get("$ref", "").removeprefix(PREFIX)) in names:
            part["$ref"] = PREFIX + names[name]
        mapping = cast("dict[str, str]", part.get("discriminator", {}).get("mapping", {}))
        for value, address in mapping.items():
            if (name := address.removeprefix(PREFIX)) in names:
                mapping[value] = PREFIX + names[name]
