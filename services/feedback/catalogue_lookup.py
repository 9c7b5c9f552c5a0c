"""Checks of services and agencies against those that the catalogue knows."""

from dataclasses import dataclass

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession
from services.platform.problems import FieldError
from services.platform.service import API

OFFERED_BY = """
-- Which agencies offer a service, and whether any service is known at all.
SELECT array_agg(DISTINCT agency) FILTER (WHERE service = :service) AS agencies,
       coalesce(bool_or(agency = :agency), false) AS agency_known,
       count(*) > 0 AS any_known
FROM feedback.reporting_obligation WHERE region = :region
"""


@dataclass(frozen=True)
class CatalogueEntry:
    """What the catalogue knows of a service and of an agency."""

    has_catalogue: bool
    """Whether any service is known; a hub without a catalogue accepts every name."""
    agency_known: bool
    offered_by: tuple[str, ...]
    """The agencies that offer the service."""


async def look_up(
    session: ReadSession | WriteSession, region: str, *, service: str, agency: str
) -> CatalogueEntry:
    """Return what the catalogue knows of a service and of an agency."""
    parameters = {"region": region, "service": service, "agency": agency}
    row = (await session.execute(text(OFFERED_BY), parameters)).one()
    return CatalogueEntry(row.any_known, row.agency_known, tuple(row.agencies or ()))


async def find_agency(
    session: ReadSession | WriteSession, region: str, *, service: str, agency: str
) -> tuple[str, FieldError | None]:
    """Return the agency in charge, and the error if the catalogue does not have the names.

    Without an agency it is the one that offers the service; empty if there are several or none.
    """
    if not service and not agency:
        return "", None
    entry = await look_up(session, region, service=service, agency=agency)
    if not entry.has_catalogue:
        return agency, None
    offered_by = entry.offered_by
    error = None
    if service and not offered_by:
        error = _error("service", f"is not a service of the catalogue; see {API}/services")
    elif service and agency and agency not in offered_by:
        error = _error("agency", f"does not offer {service}; {', '.join(offered_by)} does")
    elif agency and not service and not entry.agency_known:
        error = _error("agency", f"offers no service; see {API}/agencies")
    return agency or (offered_by[0] if len(offered_by) == 1 else ""), error


def _error(field: str, detail: str) -> FieldError:
    return FieldError(pointer=f"#/{field}", parameter=None, detail=detail)
