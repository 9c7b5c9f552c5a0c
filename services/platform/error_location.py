"""Where in a document a validation error stands."""

from collections.abc import Mapping, Sequence
from typing import cast

Location = tuple[str | int, ...]


def field_location(document: object, location: Sequence[str | int], *, missing: bool) -> Location:
    """The part of pydantic's location that names a field of this document.

    Pydantic adds the branches of a union and a mark for keys, which nobody wrote. `missing` tells
    that the last part is a field that should be there.
    """
    place: list[str | int] = []
    here = document
    for depth, part in enumerate(location, start=1):
        if isinstance(here, Mapping) and part in here:
            here = cast("Mapping[str | int, object]", here)[part]
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = cast("list[object]", here)[part]
        else:
            if missing and isinstance(here, Mapping) and depth == len(location):
                place.append(part)
            continue
        place.append(part)
    return tuple(place)
