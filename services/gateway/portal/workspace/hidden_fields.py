"""Hidden fields of forms: the entity tag that a form was made from, and an id of its own."""

import re
from collections.abc import Mapping
from uuid import UUID

from services.platform.ids import new_id

TAG = re.compile(r'"[!#-~]{1,100}"')


VERSION = "versi"
"""The field with the entity tag."""


def tag_of(fields: Mapping[str, str], name: str = VERSION) -> str:
    """Return the entity tag in a form; one that fits nothing if it is none."""
    return given_tag(fields, name) or '"-"'


def given_tag(fields: Mapping[str, str], name: str = VERSION) -> str | None:
    """Return the entity tag in a form; None if the form was made from nothing."""
    typed = fields.get(name, "")
    if not typed:
        return None
    return typed if TAG.fullmatch(typed) else '"-"'


def form_id_of(fields: Mapping[str, str]) -> UUID:
    """Return the id of a form, by which one that is sent twice makes one thing; else a new one."""
    try:
        return UUID(fields.get("id", ""))
    except ValueError:
        return new_id()
