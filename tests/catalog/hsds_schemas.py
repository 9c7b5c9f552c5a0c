"""JSON Schemas of HSDS 3.0, built from a table of the objects and their fields."""

from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("hsds_3_0_fields.txt")


def hsds_schema(name: str) -> dict[str, Any]:
    """Return the schema of an object, with those of the objects that it may contain."""
    definitions: dict[str, dict[str, Any]] = {}
    properties: dict[str, Any] = {}
    required: list[str] = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        if not line.startswith(" "):
            properties, required = {}, []
            definitions[line] = {"type": "object", "properties": properties, "required": required}
            continue
        described, _, allowed = line.partition(" = ")
        field, kind, *more = described.split()
        schema = _type_of(kind)
        if allowed:
            schema["enum"] = allowed.split(" | ")
        if more and more[0] != "required":
            schema["format"] = more[0]
        if "required" in more:
            required.append(field)
        properties[field] = schema
    return {"$ref": f"#/$defs/{name}", "$defs": definitions}


def _type_of(kind: str) -> dict[str, Any]:
    if kind.startswith("["):
        return {"type": "array", "items": {"$ref": f"#/$defs/{kind[1:-1]}"}}
    if kind.startswith("{"):
        return {"$ref": f"#/$defs/{kind[1:-1]}"}
    return {"type": kind}
