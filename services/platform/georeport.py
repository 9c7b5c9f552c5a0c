"""Errors as Open311 GeoReport v2 writes them, for the paths of that interface.

Its clients read a list of codes and descriptions, in XML or JSON by the ending of the path, and
know 400, 401, 403 and 404: an invalid field is 400.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

PREFIX = "/open311/v2/"
INVALID = 422
CONTENT: Mapping[str, Any] = {
    "application/json": {
        "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Open311Error"}}
    },
    "text/xml": {"schema": {"type": "string"}},
}
"""Content of an error, as the OpenAPI document states it."""
NOT_IN_XML = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])


def is_georeport(path: str) -> bool:
    """Return whether a path belongs to the interface."""
    return path.startswith(PREFIX)


def georeport_status(status: int) -> int:
    """Return the status by which a client of GeoReport knows an error."""
    return 400 if status == INVALID else status


def describe_georeport_errors(document: Mapping[str, Any]) -> None:
    """State in an OpenAPI document which form the errors of the interface have.

    Routes declare them as problems, as all others do.
    """
    for path, operations in document["paths"].items():
        if is_georeport(path):
            for operation in operations.values():
                operation["responses"] = {
                    _described_status(status): response
                    if status < "400"
                    else {**response, "content": dict(CONTENT)}
                    for status, response in operation["responses"].items()
                }


def _described_status(status: str) -> str:
    return str(georeport_status(int(status)))


def georeport_errors(path: str, status: int, descriptions: Sequence[str]) -> tuple[bytes, str]:
    """Return the body with these errors, and its media type."""
    code = georeport_status(status)
    if not path.endswith(".xml"):
        errors = [{"code": code, "description": description} for description in descriptions]
        return json.dumps(errors).encode(), "application/json"
    root = ElementTree.Element("errors")
    for description in descriptions:
        error = ElementTree.SubElement(root, "error")
        ElementTree.SubElement(error, "code").text = str(code)
        ElementTree.SubElement(error, "description").text = description.translate(NOT_IN_XML)
    xml = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml, "text/xml; charset=utf-8"
