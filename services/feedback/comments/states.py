"""The states of a comment, and which may follow which."""

from collections.abc import Mapping
from typing import Literal

State = Literal["received", "in_progress", "answered", "closed", "reopened", "merged", "forwarded"]

FOLLOWS: Mapping[State, frozenset[State]] = {
    "received": frozenset({"in_progress", "answered", "closed", "merged", "forwarded"}),
    "in_progress": frozenset({"answered", "closed", "merged", "forwarded"}),
    "answered": frozenset({"in_progress", "closed", "reopened", "merged", "forwarded"}),
    "closed": frozenset({"reopened"}),
    "reopened": frozenset({"in_progress", "answered", "closed", "merged", "forwarded"}),
    "merged": frozenset({"reopened"}),
    "forwarded": frozenset({"in_progress", "answered", "closed", "reopened"}),
}
ENDED: frozenset[State] = frozenset({"closed"})
"""With these the case is over, and contact details go."""


def may_follow(state: State, wanted: State) -> bool:
    return wanted in FOLLOWS[state]
