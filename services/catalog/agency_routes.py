"""Agencies over HTTP: `/api/v1/agencies`."""

from fastapi import Request, Response
from sqlalchemy import text

from services.catalog import reference_queries as queries
from services.catalog.conditional_writes import Representation, delete_record, put_record
from services.catalog.records import Agency
from services.catalog.reference_records import AGENCIES, get_record
from services.catalog.references import references_of_agency
from services.catalog.schemas import AgencyDetail, AgencyItem
from services.platform.conditional_writes import CatalogPut, CatalogWrite, version_tag
from services.platform.database import ReadSession, ReadSessionDep, WriteSession
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit, SlugCursor, SlugPath
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(prefix=API, tags=["catalog"], responses=problem_responses(401, 422))


@router.get("/agencies", operation_id="list_agencies")
async def list_agencies(
    request: Request, session: ReadSessionDep, cursor: SlugCursor = None, limit: Limit = 50
) -> Page[AgencyItem]:
    """List the agencies (OPD), each with its number of services."""
    parameters = {"region": get_region(request), "cursor": cursor, "limit": limit + 1}
    rows = (await session.execute(text(queries.AGENCIES), parameters)).all()
    items = [
        AgencyItem(
            **row.content,
            services=row.services,
            href=f"{API}/services?agency={row.content['slug']}",
        )
        for row in rows
    ]
    return paginate(request, items, limit=limit, cursor_of=lambda item: item.slug)


@router.get("/agencies/{slug}", operation_id="get_agency", responses=problem_responses(404))
async def get_agency(
    request: Request, response: Response, session: ReadSessionDep, slug: SlugPath
) -> AgencyDetail:
    """Return one agency with its services."""
    shown = await _show(session, get_region(request), slug)
    response.headers["ETag"] = shown.tag
    return shown.detail


@router.put(
    "/agencies/{slug}",
    operation_id="put_agency",
    responses={201: {"model": AgencyDetail}} | problem_responses(403, 409, 412, 413, 428),
)
async def put_agency(write: CatalogPut, slug: SlugPath, agency: Agency) -> AgencyDetail:
    """Create an agency, or publish a change of one; earlier versions remain.

    Only for keys of the lead agency that the pack names, and of an administrator.
    """
    return await put_record(
        write,
        AGENCIES,
        agency,
        slug,
        agency=None,
        references=references_of_agency(agency),
        show=lambda: _show(write.session, write.region, slug),
    )


@router.delete(
    "/agencies/{slug}",
    operation_id="delete_agency",
    status_code=204,
    responses=problem_responses(403, 404, 409, 412, 428),
)
async def delete_agency(write: CatalogWrite, slug: SlugPath) -> None:
    """Withdraw an agency that gives no service and runs no place any more; its versions remain.

    Its keys are revoked separately (`DELETE /api/v1/keys/{id}`).
    """
    await delete_record(
        write, AGENCIES, slug, show=lambda: _show(write.session, write.region, slug)
    )


async def _show(
    session: ReadSession | WriteSession, region: str, slug: str
) -> Representation[AgencyDetail]:
    stored = await get_record(session, region, AGENCIES, slug)
    parameters = {"region": region, "slug": slug}
    row = (await session.execute(text(queries.AGENCY_DETAIL), parameters)).one()
    detail = AgencyDetail(
        agency=stored.record,
        services=row.services,
        sources=row.sources,
        version=stored.version,
        modified_at=stored.modified_at,
        href=f"{API}/agencies/{slug}",
    )
    return Representation(detail, version_tag(stored.version, detail))
