"""The steps of a draft that its author writes, and a second person publishes or refuses.

A draft is a series of steps, of which the last is its state. A step has a revision, which counts
through all drafts of a record, so that entity tags of an earlier one never match a later one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from sqlalchemy import Row

from services.platform.identity import Caller
from services.platform.problems import NotAllowed

OpenState = Literal["draft", "in_review", "refused"]
"""States of a draft that can still be published."""
State = Literal[OpenState, "published", "discarded"]


@dataclass(frozen=True)
class Step:
    """A step of a draft: written, submitted, refused."""

    revision: int
    state: OpenState
    recorded_at: datetime
    recorded_by: str
    person: str
    reason: str | None


@dataclass(frozen=True)
class ReviewedDraft:
    """An open draft; subclasses add the record that was written."""

    reviewers: ClassVar[str]
    """Who else publishes or refuses it."""

    base_version: int | None
    """The last version when it was saved; None if there was none."""
    steps: Sequence[Step]

    @property
    def last(self) -> Step:
        return self.steps[-1]

    @property
    def author(self) -> str:
        """Who wrote it last, as versions name their author."""
        return next(step.recorded_by for step in reversed(self.steps) if step.state == "draft")

    def is_written_by(self, caller: Caller) -> bool:
        """Return whether the caller wrote any part of the draft."""
        return any(step.person == caller.person for step in self.steps if step.state == "draft")

    def check_second_person(self, caller: Caller) -> None:
        """Raise `NotAllowed` if the caller wrote any part of the draft."""
        if self.is_written_by(caller):
            raise NotAllowed(
                "The draft was written with this key or one made from it; a second person of the "
                f"{self.reviewers}."
            )


def read_steps(rows: Iterable[Row[Any]]) -> list[Step]:
    """Return steps from their rows."""
    return [
        Step(row.revision, row.state, row.recorded_at, row.recorded_by, row.person, row.reason)
        for row in rows
    ]
