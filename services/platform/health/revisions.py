"""The revisions that this program knows, read from its migrations without importing Alembic."""

import re
from ast import literal_eval
from functools import cache

from services.platform.health.rules import Revisions
from services.platform.settings import ROOT, Service

_ASSIGNMENT = re.compile(r"^(revision|down_revision)(?:: [^=]+)? = (.+)$", re.MULTILINE)


@cache
def program_revisions(service: Service) -> Revisions:
    """Return the revisions of a service's branch; reads its files once."""
    known: set[str] = set()
    replaced: set[str] = set()
    for file in (ROOT / "migrations" / "versions" / service.value).glob("*.py"):
        values = {
            name: literal_eval(value)
            for name, value in _ASSIGNMENT.findall(file.read_text(encoding="utf-8"))
        }
        known.add(values["revision"])
        below = values["down_revision"]
        replaced.update({below} if isinstance(below, str) else below or ())
    [head] = known - replaced
    return Revisions(head, frozenset(known))
