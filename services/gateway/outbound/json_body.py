"""Parses JSON of other systems; parsing holds the event loop, in a thread too."""

import json
from typing import Any

MAX_BYTES = 1024 * 1024
MAX_COMMAS = 150_000
"""About the number of values, on which the time of parsing depends."""


class JsonTooLargeError(ValueError):
    """The document would hold the event loop for more than 50 ms."""


def parse_json(body: bytes) -> Any:
    """Return a JSON document.

    Raises:
        JsonTooLargeError: It has too many bytes or values.
        ValueError: It is not JSON.
    """
    if len(body) > MAX_BYTES:
        raise JsonTooLargeError(f"the response is over {MAX_BYTES} bytes")
    if body.count(b",") > MAX_COMMAS:
        raise JsonTooLargeError(f"the response has more than {MAX_COMMAS} values")
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
