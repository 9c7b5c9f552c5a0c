"""The states of a comment and the transitions between them."""

from collections.abc import Mapping
from typing import Literal

State = Literal["received", "in_progress", "answered", "closed", "reopened", "merged", "forwarded"]

TRANSITIONS: Mapping[State, frozenset[State]] = {
    "received": frozenset({"in_progress", "answered", "closed", "merged", "forwarded"}),
    "in_progress": frozenset({"answered", "closed", "merged", "forwarded"}),
    "answered": frozenset({"in_progress", "closed", "reopened", "merged", "forwarded"}),
    "closed": frozenset({"reopened"}),
    "reopened": frozenset({"in_progress", "answered", "closed", "merged", "forwarded"}),
    "merged": frozenset({"reopened"}),
    "forwarded": frozenset({"in_progress", "answered", "closed", "reopened"}),
}
ENDED: frozenset[State] = frozenset({"closed"})
"""States in which the case is over and contact details are erased."""


def can_transition(state: State, new_state: State) -> bool:
    """Return whether a comment may go from one state to the other."""
    return new_state in TRANSITIONS[state]
