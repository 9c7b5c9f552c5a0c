"""Methods over HTTP: `/api/v1/methods`, the definitions behind every figure, and their versions."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Path, Query, Request, Response
from pydantic import AwareDatetime, Field

from services.assessment.method_store import (
    Origin,
    PublicationError,
    PublishedMethod,
    find_method,
    list_methods,
    list_versions,
    publish_method,
)
from services.assessment.methods.definition import MAX_VERSION, Method
from services.assessment.methods.schema import method_schema
from services.assessment.methods.size import size_faults
from services.platform.api_model import ApiModel
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import MetricsDrafter
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit, SlugPath
from services.platform.problems import Conflict, FieldError, Invalid, NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import Href, Sha256, ShortText, Slug

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

VersionPath = Annotated[int, Path(ge=1, le=MAX_VERSION, description="Version of the method.")]


class MethodItem(ApiModel):
    """A version of a method as a list item."""

    id: Slug = Field(description="Name of the method in addresses, such as `cgr-2015`.")
    version: int
    kind: str = Field(description="Kind of method, by which its definition is read.")
    name: ShortText
    name_en: ShortText
    provisional: bool
    valid_from: date | None = Field(description="First day; null if unlimited.")
    valid_to: date | None = Field(description="Last day; null if no end is known.")
    hash: Sha256 = Field(description="SHA-256 of the definition.")
    origin: Origin = Field(
        description="Part of emall (`distribution`), of the regency's `pack`, or published over "
        "the `api`."
    )
    published_at: AwareDatetime | None = Field(description="Null for a method of emall itself.")
    published_by: str | None = Field(
        description="The agency that published it, `pack`, or the id of a key without an agency."
    )
    href: Href = Field(description="Its newest version.")
    version_href: Href = Field(description="This version, which never changes.")


class MethodDetail(MethodItem):
    """A version of a method in full."""

    definition: Method


class MethodPublication(MethodDetail):
    """A method as it was or would be published."""

    dry_run: bool
    is_new: bool = Field(description="False if this version was published before, as it is.")


@router.get("/methods", operation_id="list_methods")
async def get_methods(
    request: Request,
    session: ReadSessionDep,
    cursor: Annotated[Slug | None, Query(description="From `next`.")] = None,
    limit: Limit = 50,
) -> Page[MethodItem]:
    """List the methods of this hub in their newest versions, with the hash that figures carry."""
    found = await list_methods(session, get_region(request), cursor=cursor, limit=limit + 1)
    items = [MethodItem(**_item_fields(one)) for one in found]
    return paginate(request, items, limit=limit, cursor_of=lambda item: item.id)


@router.get("/methods/schema.json", operation_id="get_method_schema")
async def get_method_schema() -> dict[str, Any]:
    """Return the JSON Schema of methods, for validation in editors."""
    return method_schema()


@router.post(
    "/methods",
    operation_id="post_method",
    status_code=201,
    responses={
        200: {
            "model": MethodPublication,
            "description": "Checked only, or published before; nothing changed.",
        }
    }
    | problem_responses(403, 409, 413),
)
async def post_method(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    caller: MetricsDrafter,
    method: Method,
    dry_run: Annotated[
        bool, Query(description="Check the method and store nothing; the answer is 200.")
    ] = False,
) -> MethodPublication:
    """Publish a version of a method.

    A published version never changes: the same content again is answered by 200, other content is
    a conflict (409). A change has a higher `version`, and comes from the agency that published the
    first one, or from an administrator.
    """
    faults = list(size_faults(method))
    if faults:
        raise Invalid(
            "The method is larger than this hub computes.",
            errors=[
                FieldError(pointer=f"#/{field}", parameter=None, detail=detail)
                for field, detail in faults
            ],
        )
    try:
        published, is_new = await publish_method(
            session,
            get_region(request),
            method,
            origin="api",
            published_by=caller.actor,
            may_take_over=caller.has_scope("admin"),
            now=datetime.now(UTC),
            dry_run=dry_run,
        )
    except PublicationError as error:
        fault = FieldError(pointer=f"#/{error.field}", parameter=None, detail=error.detail)
        raise Conflict(f"The method was not published: {error}.", errors=[fault]) from None
    if dry_run or not is_new:
        response.status_code = 200
    else:
        response.headers["Location"] = _version_href(published)
    return MethodPublication(**_detail_fields(published), dry_run=dry_run, is_new=is_new)


@router.get("/methods/{id}", operation_id="get_method", responses=problem_responses(404))
async def get_method(request: Request, session: ReadSessionDep, id: SlugPath) -> MethodDetail:
    """Return a method in its newest version: its indicators, their measures and goalposts."""
    found = await find_method(session, get_region(request), id)
    if found is None:
        raise _not_found(id)
    return MethodDetail(**_detail_fields(found))


@router.get(
    "/methods/{id}/versions", operation_id="list_method_versions", responses=problem_responses(404)
)
async def list_method_versions(
    request: Request,
    session: ReadSessionDep,
    id: SlugPath,
    cursor: Annotated[int | None, Query(ge=1, le=MAX_VERSION, description="From `next`.")] = None,
    limit: Limit = 50,
) -> Page[MethodItem]:
    """List the published versions of a method, the newest first: who published them and when."""
    found = await list_versions(session, get_region(request), id)
    if not found:
        raise _not_found(id)
    earlier = [one for one in found if cursor is None or one.method.version < cursor]
    items = [MethodItem(**_item_fields(one)) for one in earlier[: limit + 1]]
    return paginate(request, items, limit=limit, cursor_of=lambda item: str(item.version))


@router.get(
    "/methods/{id}/versions/{version}",
    operation_id="get_method_version",
    responses=problem_responses(404),
)
async def get_method_version(
    request: Request, session: ReadSessionDep, id: SlugPath, version: VersionPath
) -> MethodDetail:
    """Return a version of a method; it never changes."""
    found = await find_method(session, get_region(request), id, version)
    if found is None:
        raise NotFound(
            f"There is no version {version} of a method {id!r}; {API}/methods/{id}/versions lists "
            "those that there are."
        )
    return MethodDetail(**_detail_fields(found))


def _not_found(method_id: str) -> NotFound:
    return NotFound(f"There is no method {method_id!r}; {API}/methods lists all of them.")


def _version_href(published: PublishedMethod) -> str:
    return f"{API}/methods/{published.method.id}/versions/{published.method.version}"


def _detail_fields(published: PublishedMethod) -> dict[str, Any]:
    return {**_item_fields(published), "definition": published.method}


def _item_fields(published: PublishedMethod) -> dict[str, Any]:
    method = published.method
    return {
        "id": method.id,
        "version": method.version,
        "kind": method.kind,
        "name": method.name,
        "name_en": method.name_en,
        "provisional": method.provisional,
        "valid_from": method.valid_from,
        "valid_to": method.valid_to,
        "hash": method.hash(),
        "origin": published.origin,
        "published_at": published.published_at,
        "published_by": published.published_by,
        "href": f"{API}/methods/{method.id}",
        "version_href": _version_href(published),
    }
