"""Routes for bundles of other regencies: verified import, list, download and deletion."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import TypeAdapter
from sqlalchemy import text

from services.assessment.bundles.publishers import find_publisher
from services.assessment.bundles.routes import ZIP, ZIP_RESPONSE
from services.assessment.bundles.schemas import ImportedBundle
from services.assessment.bundles.verify import BundleError, VerifiedBundle, verify
from services.platform.bounded_process import Limits, call_bounded
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.file_upload import file_body, read_file
from services.platform.identity import Administrator, MetricsDrafter
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit
from services.platform.problems import Conflict, FieldError, Invalid, NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import RegionCode

COMPUTING = ("numpy", "scipy.special")
"""Libraries with which a bundle is recomputed."""

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

INSERT_BUNDLE = """
-- A verified bundle; one stored before is not changed.
INSERT INTO assessment.bundle
    (region, id, assessed_region, period, method, method_hash, fingerprint, recorded_at,
     imported_at, imported_by, archive)
VALUES
    (:region, :id, :assessed_region, :period, :method, :method_hash, :fingerprint, :recorded_at,
     :now, :imported_by, :archive)
ON CONFLICT (region, id) DO NOTHING
"""

FIND = """
-- The metadata of a bundle, and whether it is the same archive.
SELECT id, assessed_region, period, method, method_hash, fingerprint, recorded_at, imported_at,
       imported_by, archive = CAST(:archive AS bytea) AS same, true AS is_listed
FROM assessment.bundle WHERE region = :region AND id = :id
"""

PAGE = """
-- A page of bundles, those of the newest assessments first (their ids are ordered by time).
SELECT id, assessed_region, period, method, method_hash, fingerprint, recorded_at, imported_at,
       imported_by, EXISTS (
           SELECT 1 FROM assessment.publisher p
           WHERE p.region = b.region AND p.published_region = b.assessed_region
               AND b.fingerprint = ANY(p.fingerprints)
       ) AS is_listed
FROM assessment.bundle b
WHERE region = :region AND (CAST(:cursor AS uuid) IS NULL OR id < :cursor)
ORDER BY id DESC
LIMIT :limit
"""

ARCHIVE = """
-- A bundle's archive.
SELECT archive FROM assessment.bundle WHERE region = :region AND id = :id
"""

DELETE = """
-- Delete a bundle.
DELETE FROM assessment.bundle WHERE region = :region AND id = :id RETURNING 1
"""

REGION: TypeAdapter[str] = TypeAdapter(RegionCode)

BundlePath = Annotated[UUID, Path(description="Id of the assessment in it.")]


@router.post(
    "/bundles",
    operation_id="import_bundle",
    status_code=201,
    responses=problem_responses(400, 403, 409, 413, 415, 503),
    openapi_extra=file_body(ZIP),
)
async def import_bundle(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    caller: MetricsDrafter,
) -> ImportedBundle:
    """Store a bundle of another regency after verifying its figures and its signature.

    It must be signed by a key that an administrator listed for its region (`publishers`). Requests
    are idempotent: the same bundle is stored once.
    """
    region = get_region(request)
    archive = await read_file(
        request, media_type_to_send=ZIP, max_bytes=request.app.state.settings.max_body_bytes
    )
    found = await _verify(archive, region)
    head = found.parameters
    publisher = await find_publisher(session, region, head.region)
    if publisher is None or found.fingerprint not in publisher.fingerprints:
        raise Conflict(
            f"The key that signed this bundle is not listed for {head.region}.",
            errors=[
                FieldError(
                    pointer="#",
                    parameter=None,
                    detail=f"it is signed by {found.fingerprint}; an administrator who knows this "
                    f"key as that of {head.region} lists it at {API}/publishers/{head.region}",
                )
            ],
        )
    await session.execute(
        text(INSERT_BUNDLE),
        {
            "region": region,
            "id": head.id,
            "assessed_region": head.region,
            "period": head.period,
            "method": head.method,
            "method_hash": head.method_hash,
            "fingerprint": found.fingerprint,
            "recorded_at": head.recorded_at,
            "now": datetime.now(UTC),
            "imported_by": caller.agency or caller.subject,
            "archive": archive,
        },
    )
    names = {"region": region, "id": head.id, "archive": archive}
    row = (await session.execute(text(FIND), names)).one()
    if not row.same:
        raise Conflict(f"Another bundle of the assessment {head.id} is stored already.")
    kept = _item(row)
    response.headers["Location"] = kept.href
    return kept


@router.get("/bundles", operation_id="list_bundles")
async def list_bundles(
    request: Request,
    session: ReadSessionDep,
    cursor: Annotated[UUID | None, Query(description="From `next` of the previous page.")] = None,
    limit: Limit = 20,
) -> Page[ImportedBundle]:
    """List the stored bundles of other regencies."""
    names = {"region": get_region(request), "cursor": cursor, "limit": limit + 1}
    rows = (await session.execute(text(PAGE), names)).all()
    items = [_item(row) for row in rows]
    return paginate(request, items, limit=limit, cursor_of=lambda item: str(item.id))


@router.get(
    "/bundles/{id}",
    operation_id="get_bundle",
    response_class=Response,
    responses=ZIP_RESPONSE | problem_responses(404),
)
async def get_bundle(
    request: Request,
    session: ReadSessionDep,
    id: BundlePath,
) -> Response:
    """Return a bundle of another regency unchanged, to be verified by the caller."""
    names = {"region": get_region(request), "id": id}
    archive = await session.scalar(text(ARCHIVE), names)
    if archive is None:
        raise _not_found(id)
    headers = {"Content-Disposition": f'attachment; filename="{id}.zip"'}
    return Response(archive, media_type=ZIP, headers=headers)


@router.delete(
    "/bundles/{id}",
    operation_id="delete_bundle",
    status_code=204,
    responses=problem_responses(403, 404),
)
async def delete_bundle(
    request: Request, session: WriteSessionDep, caller: Administrator, id: BundlePath
) -> None:
    """Delete a bundle of another regency."""
    names = {"region": get_region(request), "id": id}
    if await session.scalar(text(DELETE), names) is None:
        raise _not_found(id)


def _not_found(id_: UUID) -> NotFound:
    return NotFound(f"There is no bundle of an assessment {id_}; {API}/bundles lists them.")


async def _verify(archive: bytes, own_region: str) -> VerifiedBundle:
    try:
        found = await call_bounded(Limits(imports=COMPUTING), verify, archive)
    except BundleError as error:
        raise _rejected("The bundle fails verification.", *error.faults) from None
    head = found.parameters
    if head.region == own_region:
        raise _rejected(
            "The bundle is of this hub's own region, whose assessments are here.", "own region"
        )
    try:
        REGION.validate_python(head.region)
    except ValueError:
        raise _rejected(
            "The bundle has no valid region code.", "a region is written as 12 or 12.12"
        ) from None
    return found


def _rejected(detail: str, *faults: str) -> Invalid:
    errors = [FieldError(pointer="#", parameter=None, detail=fault) for fault in faults]
    return Invalid(detail, errors=errors)


def _item(row: Any) -> ImportedBundle:
    return ImportedBundle(
        id=row.id,
        region=row.assessed_region,
        period=row.period,
        method=row.method,
        method_hash=row.method_hash,
        fingerprint=row.fingerprint,
        recorded_at=row.recorded_at,
        imported_at=row.imported_at,
        imported_by=row.imported_by,
        is_listed=row.is_listed,
        href=f"{API}/bundles/{row.id}",
    )
