"""Descriptions of properties that mean the same wherever they occur, and of models of pydantic."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("properties.json")
"""Descriptions by the name of the property or model."""


def describe(document: dict[str, Any]) -> None:
    """Describe each model and property that is left undescribed by what its name means."""
    known: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8"))
    for model, schema in document["components"].get("schemas", {}).items():
        if "description" not in schema and model in known:
            schema["description"] = known[model]
        for name, property_ in schema.get("properties", {}).items():
            if "description" not in property_ and name in known:
                property_["description"] = known[name]
