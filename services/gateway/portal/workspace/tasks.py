"""Lines of the desk: what waits for a person, and where it is done."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.gateway.people.roles import Role
from services.gateway.portal.workspace.access import Workspace
from services.platform.translation import Message


@dataclass(frozen=True)
class Task:
    """A line of the desk: what waits, where it is done, and whether it is late."""

    text: str
    href: str
    is_urgent: bool = False
    is_count: bool = False
    """Whether the text is a count and names no record, so that a mail may repeat it."""


FindTasks = Callable[[Workspace], Awaitable[list[Task]]]


@dataclass(frozen=True)
class TaskSource:
    """Where lines of the desk come from, and whose desk they are on."""

    name: Message
    roles: tuple[Role, ...]
    find: FindTasks
    href: str
    """The list that has what the lines name."""
    needs_agency: bool = True
    """Whether the lines are about the agency for which the person acts."""
