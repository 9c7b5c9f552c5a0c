"""When the facts of a service were last compared with practice, and by whom."""

from dataclasses import dataclass
from datetime import date

from services.catalog.client import Service


@dataclass(frozen=True)
class ServiceCheck:
    """The check of the parts of a service by agencies."""

    on: date
    """The oldest check if every part was checked, otherwise the newest."""
    by: frozenset[str]
    """Slugs of the agencies that checked."""
    is_of_all_parts: bool


def last_check(service: Service) -> ServiceCheck | None:
    """Return when the components and cases of a service were checked; None if none ever was."""
    parts = [*service.components.values(), *service.cases]
    days = [part.checked_on for part in parts if part.checked_on is not None]
    if not days:
        return None
    is_of_all = len(days) == len(parts)
    return ServiceCheck(
        on=min(days) if is_of_all else max(days),
        by=frozenset(part.checked_by for part in parts if part.checked_by is not None),
        is_of_all_parts=is_of_all,
    )
