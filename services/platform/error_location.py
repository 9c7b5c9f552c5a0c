"""Location of a validation error in a document."""

from collections.abc import Mapping, Sequence
from typing import cast

Location = tuple[str | int, ...]


def field_location(document: object, location: Sequence[str | int], *, missing: bool) -> Location:
    """Return the part of pydantic's location that exists in the document.

    Pydantic adds branches of unions and a marker for keys, which are dropped. With `missing` the
    last part is a required field that the document lacks.
    """
    path: list[str | int] = []
    current = document
    for depth, part in enumerate(location, start=1):
        if isinstance(current, Mapping) and part in current:
            current = cast("Mapping[str | int, object]", current)[part]
        elif isinstance(current, list) and isinstance(part, int) and part < len(current):
            current = cast("list[object]", current)[part]
        else:
            if missing and isinstance(current, Mapping) and depth == len(location):
                path.append(part)
            continue
        path.append(part)
    return tuple(path)
