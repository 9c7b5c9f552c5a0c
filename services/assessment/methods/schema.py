"""JSON Schema of methods, for editors and other validators.

`python -m services.assessment.methods.schema` writes it to `methods/schema.json`.
"""

import json
from typing import Any

from services.assessment.methods.definition import METHOD
from services.assessment.methods.library import METHODS

FILE = METHODS / "schema.json"


def method_schema() -> dict[str, Any]:
    """Return the schema of a file in `methods/`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A method of emall",
        **METHOD.json_schema(mode="validation"),
    }


def schema_text() -> str:
    """Return the content of `methods/schema.json`."""
    return json.dumps(method_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(schema_text(), encoding="utf-8")
