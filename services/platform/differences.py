"""Differences between two versions of a record, field by field."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from pydantic import Field, JsonValue

from services.platform.api_model import ApiModel
from services.platform.packs import FieldPath
from services.platform.problems import json_pointer


class Difference(ApiModel):
    """A field that differs between two versions."""

    pointer: str = Field(description="JSON pointer (RFC 6901, as a fragment) into the record.")
    before: JsonValue = Field(None, description="Null if the earlier version has no such field.")
    after: JsonValue = Field(None, description="Null if the later version has no such field.")


def differences(before: JsonValue, after: JsonValue) -> list[Difference]:
    """Return the fields that differ, by name.

    Entries of a list are compared by their position, so that one inserted at the beginning changes
    those behind it.
    """
    return [
        Difference(pointer=json_pointer(path), before=old, after=new)
        for path, old, new in _walk((), before, after)
    ]


def _walk(
    path: FieldPath, before: JsonValue, after: JsonValue
) -> Iterator[tuple[FieldPath, JsonValue, JsonValue]]:
    if before == after and type(before) is type(after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        old, new = cast("Mapping[str, JsonValue]", before), cast("Mapping[str, JsonValue]", after)
        for key in sorted(old.keys() | new.keys()):
            yield from _walk((*path, key), old.get(key), new.get(key))
    elif isinstance(before, list) and isinstance(after, list):
        entries, later = cast("Sequence[JsonValue]", before), cast("Sequence[JsonValue]", after)
        for n in range(max(len(entries), len(later))):
            old_entry = entries[n] if n < len(entries) else None
            yield from _walk((*path, n), old_entry, later[n] if n < len(later) else None)
    else:
        yield path, before, after
