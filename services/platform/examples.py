"""Request and response examples of OpenAPI operations, from a JSON file per service."""

import json
from pathlib import Path
from typing import Any


def add_examples(document: dict[str, Any], file: Path) -> None:
    """Insert the examples of a file into an OpenAPI document.

    The file maps operation ids to `request` (by media type) and `answers` (by status). Raise
    `KeyError` if an example matches no operation, media type or status.
    """
    operations: dict[str, dict[str, Any]] = {
        operation["operationId"]: operation
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    for operation_id, examples in json.loads(file.read_text(encoding="utf-8")).items():
        operation = operations[operation_id]
        for media_type, example in examples.get("request", {}).items():
            operation["requestBody"]["content"][media_type]["example"] = example
        for status, example in examples.get("answers", {}).items():
            operation["responses"][status]["content"]["application/json"]["example"] = example
