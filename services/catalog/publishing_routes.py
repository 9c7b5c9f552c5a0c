"""Publishing of services over HTTP: create, change, withdraw; and their versions."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Request
from pydantic import JsonValue
from sqlalchemy import text

from services.catalog import queries
from services.catalog.editing import lock_publishing, publish_edit
from services.catalog.records import Service
from services.catalog.schemas import (
    CatalogVersions,
    ServiceAtVersion,
    ServiceDetail,
    ServicePublished,
    catalog_versions,
)
from services.catalog.service_detail import find_service, get_service_detail, no_service
from services.catalog.similar_services import similar_candidates, similar_services
from services.platform.conditional_writes import (
    CatalogPut,
    CatalogWrite,
    ConditionalWrite,
    check_version,
    normalised,
    version_tag,
)
from services.platform.database import ReadSessionDep
from services.platform.differences import differences
from services.platform.parameters import SlugPath
from services.platform.problems import (
    Conflict,
    NotAllowed,
    NotFound,
    problem_responses,
)
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(prefix=API, tags=["catalog"], responses=problem_responses(401, 422))


@router.put(
    "/services/{slug}",
    operation_id="put_service",
    responses={201: {"model": ServicePublished}} | problem_responses(403, 409, 412, 413, 428),
)
async def put_service(
    request: Request, write: CatalogPut, slug: SlugPath, service: Service
) -> ServicePublished:
    """Publish a new service of the key's agency, or a new version of one; earlier ones remain.

    `similar` names services of the agency that are perhaps the same.
    """
    session, region = write.session, write.region
    candidates = await similar_candidates(request, service)
    now = await lock_publishing(session, region, datetime.now(UTC))
    before = await find_service(session, region, slug)
    if before is None:
        write.check_creation(f"service {slug!r}")
        await check_creator(write, slug, service)
    else:
        await _check_change(write, slug, before)
    if before is None or service != before.service:
        await publish_edit(
            session,
            region,
            slug,
            None if before is None else before.service,
            service,
            by=write.caller.actor,
            now=now,
        )
    detail = await get_service_detail(session, region, slug)
    write.response.status_code = 201 if before is None else 200
    write.response.headers["ETag"] = version_tag(detail.version, detail)
    similar = await similar_services(session, region, service, candidates)
    return ServicePublished(**dict(detail), similar=similar)


@router.delete(
    "/services/{slug}",
    operation_id="delete_service",
    status_code=204,
    responses=problem_responses(403, 404, 409, 410, 412, 428),
)
async def delete_service(write: CatalogWrite, slug: SlugPath) -> None:
    """Withdraw a service of the key's agency; its versions remain.

    Loading the pack again does not bring it back.
    """
    session, region = write.session, write.region
    now = await lock_publishing(session, region, datetime.now(UTC))
    await _check_change(write, slug, await get_service_detail(session, region, slug))
    key = {"region": region, "slug": slug}
    if others := (await session.scalars(text(queries.LEADING_HERE), key)).all():
        raise Conflict(f"Others lead to {slug}: {', '.join(others)}. Change them first.")
    by = {"by": write.caller.actor, "now": now}
    await session.execute(text(queries.WITHDRAW_SERVICE), key | by)
    await session.execute(text(queries.REMOVE_SERVICE), key)


async def check_creator(write: ConditionalWrite, slug: str, service: Service) -> None:
    """Check that the caller may create a service, also in place of one that was withdrawn."""
    parameters = {"region": write.region, "slug": slug}
    last = (await write.session.execute(text(queries.LAST_PUBLISHED), parameters)).one_or_none()
    for agency in {service.agency} if last is None else {service.agency, last.agency}:
        if not write.caller.can_write_for(agency):
            raise NotAllowed(f"{slug} is a service of {agency}, not of this key.")


async def _check_change(write: ConditionalWrite, slug: str, before: ServiceDetail) -> None:
    """Check that the caller may change a service, and has read its present version."""
    if not write.caller.can_write_for(before.service.agency):
        raise NotAllowed(f"{slug} is a service of {before.service.agency}, not of this key.")

    async def content_of(number: int) -> JsonValue:
        parameters = {"region": write.region, "slug": slug, "number": number}
        row = (await write.session.execute(text(queries.VERSION), parameters)).one_or_none()
        return None if row is None else normalised(Service, row.content)

    await check_version(
        write,
        version=before.version,
        tag=version_tag(before.version, before),
        current=before.service.model_dump(mode="json"),
        content_of=content_of,
    )


@router.get(
    "/services/{slug}/versions",
    operation_id="list_service_versions",
    responses=problem_responses(404),
)
async def list_service_versions(
    request: Request, session: ReadSessionDep, slug: SlugPath
) -> CatalogVersions:
    """List the versions of a service, the newest first."""
    parameters = {"region": get_region(request), "slug": slug}
    rows = (await session.execute(text(queries.VERSIONS), parameters)).all()
    if not rows:
        raise no_service(slug)
    return catalog_versions(rows, f"{API}/services/{slug}")


@router.get(
    "/services/{slug}/versions/{number}",
    operation_id="get_service_version",
    responses=problem_responses(404),
)
async def get_service_version(
    request: Request,
    session: ReadSessionDep,
    slug: SlugPath,
    number: Annotated[int, Path(ge=1, le=1_000_000, description="Number of the version.")],
) -> ServiceAtVersion:
    """Return a service as it was published in one version."""
    parameters = {"region": get_region(request), "slug": slug, "number": number}
    row = (await session.execute(text(queries.VERSION), parameters)).one_or_none()
    if row is None:
        raise NotFound(f"The service {slug} has no version {number}.")
    before, after = normalised(Service, row.before), normalised(Service, row.content)
    return ServiceAtVersion(
        number=row.number,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        approved_by=row.approved_by,
        differences=differences(before, after) if row.has_before else [],
        service=None if after is None else Service.model_validate(after),
    )
