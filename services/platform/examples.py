"""Examples of what operations take and answer, kept as data beside the code of a service."""

import json
from pathlib import Path
from typing import Any


def add_examples(document: dict[str, Any], file: Path) -> None:
    """Puts the examples of a file into an OpenAPI document; `KeyError` where one has no place.

    The file holds, by id of the operation, `request` by media type and `answers` by status.
    """
    operations: dict[str, dict[str, Any]] = {
        operation["operationId"]: operation
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    for operation_id, given in json.loads(file.read_text(encoding="utf-8")).items():
        operation = operations[operation_id]
        for media_type, example in given.get("request", {}).items():
            operation["requestBody"]["content"][media_type]["example"] = example
        for status, example in given.get("answers", {}).items():
            operation["responses"][status]["content"]["application/json"]["example"] = example
