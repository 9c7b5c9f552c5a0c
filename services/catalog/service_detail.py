"""A service with everything that it refers to, as the API and the pages show it."""

from sqlalchemy import text

from services.catalog import queries
from services.catalog.records import DocumentType, LifeEvent, Place, Service
from services.catalog.schemas import ServiceDetail, completeness
from services.platform.database import ReadSession, WriteSession
from services.platform.packs import Source
from services.platform.problems import Gone, NotFound, ProblemError
from services.platform.service import API
from services.platform.stored import parse_stored


async def find_service(
    session: ReadSession | WriteSession, region: str, slug: str
) -> ServiceDetail | None:
    """Return a service; None if there is none."""
    row = (
        await session.execute(text(queries.DETAIL), {"region": region, "slug": slug})
    ).one_or_none()
    if row is None:
        return None
    return ServiceDetail(
        service=parse_stored(Service, row.content),
        agency=row.agency,
        life_events=[parse_stored(LifeEvent, event) for event in row.life_events],
        places=[parse_stored(Place, place) for place in row.places],
        document_types=[parse_stored(DocumentType, one) for one in row.document_types],
        services=row.services,
        sources=[parse_stored(Source, source) for source in row.sources],
        amendments=[parse_stored(Source, source) for source in row.amendments],
        completeness=completeness(row.content),
        version=row.version,
        modified_at=row.modified_at,
        href=f"{API}/services/{slug}",
    )


async def get_service_detail(
    session: ReadSession | WriteSession, region: str, slug: str
) -> ServiceDetail:
    """Return a service; raise `NotFound`, or `Gone` with the last version if it was withdrawn."""
    detail = await find_service(session, region, slug)
    if detail is None:
        raise await _missing(session, region, slug)
    return detail


async def _missing(session: ReadSession | WriteSession, region: str, slug: str) -> ProblemError:
    last = (
        await session.execute(text(queries.LAST_PUBLISHED), {"region": region, "slug": slug})
    ).one_or_none()
    if last is None:
        return no_service(slug)
    address = f"{API}/services/{slug}/versions/{last.number}"
    return Gone(
        f"The service {slug} was withdrawn; its last version is at {address}.",
        extra={"last_version": address},
    )


def no_service(slug: str) -> NotFound:
    """Return the problem that there was never such a service."""
    return NotFound(f"There is no service {slug!r}; {API}/services lists all of them.")
