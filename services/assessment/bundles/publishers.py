"""Publishers over HTTP: `/api/v1/publishers`, the keys that sign the bundles of other regencies.

A signature proves who signed only to somebody who knows the key already. An administrator takes the
fingerprint from the other hub, over a channel that he trusts, and lists it here; nobody else names
keys.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Query, Request, Response
from pydantic import AwareDatetime, Field
from sqlalchemy import text

from services.platform.api_model import ApiModel
from services.platform.concurrency_control import IfMatch, check_if_match, resource_tag
from services.platform.database import ReadSession, ReadSessionDep, WriteSession, WriteSessionDep
from services.platform.identity import Administrator
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit
from services.platform.problems import (
    FieldError,
    Invalid,
    NotFound,
    PreconditionFailed,
    problem_responses,
)
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import RegionCode, Sha256

router = Router(prefix=f"{API}/publishers", tags=["metrics"], responses=problem_responses(401, 422))

MAX_FINGERPRINTS = 20

PAGE = """
-- A page of publishers, by the code of their region.
SELECT published_region, fingerprints, changed_at, changed_by FROM assessment.publisher
WHERE region = :region AND (CAST(:cursor AS text) IS NULL OR published_region > :cursor)
ORDER BY published_region LIMIT :limit
"""

FIND = """
-- One publisher.
SELECT published_region, fingerprints, changed_at, changed_by FROM assessment.publisher
WHERE region = :region AND published_region = :published_region
"""

LOCK = """
-- Serialise changes of a publisher, also of one that is not there yet.
SELECT pg_advisory_xact_lock(
    hashtextextended('emall publisher ' || :region || ' ' || :published_region, 0))
"""

STORE = """
-- Set the fingerprints of a publisher.
INSERT INTO assessment.publisher (region, published_region, fingerprints, changed_at, changed_by)
VALUES (:region, :published_region, CAST(:fingerprints AS text[]), :now, :changed_by)
ON CONFLICT (region, published_region) DO UPDATE SET fingerprints = excluded.fingerprints,
    changed_at = excluded.changed_at, changed_by = excluded.changed_by
"""

DELETE = """
-- Delete a publisher.
DELETE FROM assessment.publisher
WHERE region = :region AND published_region = :published_region RETURNING 1
"""

RegionPath = Annotated[
    RegionCode, Path(description="Region code of the regency or province.", examples=["12.02"])
]


class PublisherKeys(ApiModel):
    """The keys with which a regency signs its bundles."""

    fingerprints: list[Sha256] = Field(
        min_length=1,
        max_length=MAX_FINGERPRINTS,
        description="Fingerprints of its current key and of former ones, as its hub shows them at "
        "`metrics/publishing-key`.",
    )


class Publisher(PublisherKeys):
    """A regency whose bundles this hub accepts, and the keys that sign them."""

    region: str
    changed_at: AwareDatetime = Field(description="When its keys were last changed.")
    changed_by: str = Field(description="Agency that last changed its keys.")


@router.get("", operation_id="list_publishers")
async def list_publishers(
    request: Request,
    session: ReadSessionDep,
    cursor: Annotated[RegionCode | None, Query(description="From `next`.")] = None,
    limit: Limit = 50,
) -> Page[Publisher]:
    """List the regencies whose bundles this hub accepts."""
    names = {"region": get_region(request), "cursor": cursor, "limit": limit + 1}
    found = [_publisher(row) for row in await session.execute(text(PAGE), names)]
    return paginate(request, found, limit=limit, cursor_of=lambda item: item.region)


@router.get("/{region}", operation_id="get_publisher", responses=problem_responses(404))
async def get_publisher(
    request: Request, response: Response, session: ReadSessionDep, region: RegionPath
) -> Publisher:
    """Return the keys with which a regency signs its bundles."""
    found = await find_publisher(session, get_region(request), region)
    if found is None:
        raise _not_found(region)
    response.headers["ETag"] = resource_tag(found)
    return found


@router.put("/{region}", operation_id="put_publisher", responses=problem_responses(403, 412, 428))
async def put_publisher(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    response: Response,
    session: WriteSessionDep,
    caller: Administrator,
    region: RegionPath,
    publisher: PublisherKeys,
    if_match: IfMatch = None,
) -> Publisher:
    """Set the keys with which a regency signs its bundles.

    A key that is no longer listed takes the bundles that it signed out of the ranking. A listed
    regency is changed with `If-Match`; a new one needs none.
    """
    own = get_region(request)
    if region == own:
        raise Invalid(
            "The bundles of this hub's own region are its assessments.",
            errors=[FieldError(pointer=None, parameter="region", detail="must be another region")],
        )
    names = {"region": own, "published_region": region}
    await session.execute(text(LOCK), names)
    before = await find_publisher(session, own, region)
    if before is not None:
        check_if_match(if_match, before)
    elif if_match is not None:
        raise PreconditionFailed(f"{region} is not listed; send no If-Match to list it.")
    changed = {
        "fingerprints": list(dict.fromkeys(publisher.fingerprints)),
        "now": datetime.now(UTC),
        "changed_by": caller.agency or caller.subject,
    }
    await session.execute(text(STORE), names | changed)
    stored = await find_publisher(session, own, region)
    if stored is None:
        raise _not_found(region)
    response.headers["ETag"] = resource_tag(stored)
    return stored


@router.delete(
    "/{region}",
    operation_id="delete_publisher",
    status_code=204,
    responses=problem_responses(403, 404),
)
async def delete_publisher(
    request: Request, session: WriteSessionDep, caller: Administrator, region: RegionPath
) -> None:
    """Accept no more bundles of a regency, and take those imported out of the ranking."""
    names = {"region": get_region(request), "published_region": region}
    await session.execute(text(LOCK), names)
    if await session.scalar(text(DELETE), names) is None:
        raise _not_found(region)


async def find_publisher(
    session: ReadSession | WriteSession, own_region: str, region: str
) -> Publisher | None:
    """Return the listed keys of another regency, or None if it is not listed."""
    names = {"region": own_region, "published_region": region}
    row = (await session.execute(text(FIND), names)).one_or_none()
    return None if row is None else _publisher(row)


def _publisher(row: Any) -> Publisher:
    return Publisher(
        region=row.published_region,
        fingerprints=row.fingerprints,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )


def _not_found(region: str) -> NotFound:
    return NotFound(f"{region} is not listed; {API}/publishers lists the regencies that are.")
