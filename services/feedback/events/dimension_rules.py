"""Which dimensions a caller may report: names that exist, of services that are its own.

The hub itself checks the names of its click-outs and visits when it records them, and is trusted.
"""

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from services.feedback.events.batch import Dimensions
from services.feedback.reference_data import ReferenceData
from services.platform.identity import Caller
from services.platform.service import API

HUB_SOURCES = frozenset({"gateway", "poster"})
"""Sources whose events only the hub itself reports."""
MAX_SUGGESTIONS = 10
"""Wrong names of one request for which similar ones are looked up, which takes long."""

Field = Literal["source", "agency", "service", "link", "district"]


@dataclass(frozen=True)
class DimensionFault:
    """Why a caller may not report a dimension of an event."""

    field: Field
    is_forbidden: bool
    """Whether the value exists but belongs to somebody else."""
    detail: str


class DimensionRules:
    """Checks dimensions of one caller's events."""

    def __init__(self, caller: Caller, references: ReferenceData) -> None:
        self._caller = caller
        self._references = references
        self._suggestions: dict[tuple[Field, str], str] = {}

    def allow(self, dimensions: Dimensions) -> bool:
        """Return whether there is no fault."""
        _, source, agency, service, link, _, district = dimensions
        if self._caller.is_gateway:
            return True
        known, own = self._references, self._caller.agency
        by = agency or own
        return (
            source not in HUB_SOURCES
            and (agency is None or agency == own or self._is_administered(agency))
            and (service is None or self._offers(by, service))
            and (link is None or link in known.links)
            and (district is None or district in known.districts)
        )

    def faults(self, dimensions: Dimensions) -> list[DimensionFault]:
        """Return the faults of dimensions that are not allowed."""
        _, source, agency, service, link, _, district = dimensions
        known, own = self._references, self._caller.agency
        found: list[DimensionFault] = []
        if source in HUB_SOURCES:
            detail = "is reported by the hub itself; write 'agency' or 'kiosk'"
            found.append(DimensionFault("source", True, detail))
        if agency is not None and agency != own and not self._caller.can_write_for(agency):
            found.append(DimensionFault("agency", True, f"omit it or write {own!r}"))
        elif agency is not None and agency != own and agency not in known.agencies:
            found.append(self._unknown("agency", agency, known.agencies))
        elif service is not None and not self._offers(agency or own, service):
            found.append(self._not_offered(agency or own, service))
        if link is not None and link not in known.links:
            found.append(self._unknown("link", link, known.links))
        if district is not None and district not in known.districts:
            found.append(self._unknown("district", district, known.districts))
        return found

    def _is_administered(self, agency: str) -> bool:
        return self._caller.can_write_for(agency) and agency in self._references.agencies

    def _offers(self, agency: str | None, service: str) -> bool:
        offered_by = self._references.offered_by.get(service, frozenset())
        return bool(offered_by) if agency is None else agency in offered_by

    def _not_offered(self, agency: str | None, service: str) -> DimensionFault:
        offered_by = self._references.offered_by.get(service)
        if offered_by:
            detail = f"is a service of {', '.join(sorted(offered_by))}, not of {agency}"
            is_forbidden = not any(map(self._caller.can_write_for, offered_by))
            return DimensionFault("service", is_forbidden, detail)
        own = [name for name, by in self._references.offered_by.items() if agency in by]
        return self._unknown("service", service, own or self._references.offered_by)

    def _unknown(self, field: Field, value: str, names: Collection[str]) -> DimensionFault:
        key = (field, value)
        if key not in self._suggestions:
            found = len(self._suggestions) < MAX_SUGGESTIONS
            close = difflib.get_close_matches(value, names, n=1) if found else []
            self._suggestions[key] = f"; did you mean {close[0]!r}?" if close else ""
        detail = f"there is no {field} {value!r}{self._suggestions[key]}"
        return DimensionFault(field, False, f"{detail}; {WHERE[field]}")


WHERE: dict[Field, str] = {
    "agency": f"{API}/agencies lists all",
    "service": f"{API}/services lists all",
    "link": f"{API}/links lists all",
    "district": "the regency's pack lists its districts",
}
