"""Versions of links over HTTP: `/api/v1/links/{slug}/versions`."""

from typing import Annotated

from fastapi import Path, Request
from pydantic import AwareDatetime, Field
from sqlalchemy import text

from services.gateway.link_monitoring.link_versions import VERSION_WITH_BEFORE, VERSIONS
from services.gateway.link_monitoring.records import Link
from services.platform.api_model import ApiModel
from services.platform.conditional_writes import normalised
from services.platform.database import ReadSessionDep
from services.platform.differences import Difference, differences
from services.platform.parameters import SlugPath
from services.platform.problems import NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import Href

router = Router(
    prefix=f"{API}/links/{{slug}}/versions",
    tags=["links"],
    responses=problem_responses(401, 404, 422),
)

RECORDED_BY = "The agency that published it, or `pack`."


class LinkVersion(ApiModel):
    """A version of a link."""

    number: int
    recorded_at: AwareDatetime
    recorded_by: str = Field(description=RECORDED_BY)
    withdrawn: bool = Field(description="Whether this version withdrew the link.")
    href: Href


class LinkVersions(ApiModel):
    """All versions of a link, the newest first."""

    items: list[LinkVersion]
    next: str | None = None


class LinkAtVersion(ApiModel):
    """A link as published in one version; null if that version withdrew it."""

    number: int
    recorded_at: AwareDatetime
    recorded_by: str = Field(description=RECORDED_BY)
    differences: list[Difference] = Field(
        description="What it changed of the version before; empty of the first one."
    )
    link: Link | None = Field(description="The link; null if it was withdrawn.")


@router.get("", operation_id="list_link_versions")
async def list_link_versions(
    request: Request, session: ReadSessionDep, slug: SlugPath
) -> LinkVersions:
    """List the versions of a link, the newest first."""
    parameters = {"region": get_region(request), "slug": slug}
    rows = (await session.execute(text(VERSIONS), parameters)).all()
    if not rows:
        raise NotFound(f"There is no link {slug!r}; {API}/links lists all of them.")
    return LinkVersions(
        items=[
            LinkVersion(
                number=row.number,
                recorded_at=row.recorded_at,
                recorded_by=row.recorded_by,
                withdrawn=row.withdrawn,
                href=f"{API}/links/{slug}/versions/{row.number}",
            )
            for row in rows
        ]
    )


@router.get("/{number}", operation_id="get_link_version")
async def get_link_version(
    request: Request,
    session: ReadSessionDep,
    slug: SlugPath,
    number: Annotated[int, Path(ge=1, le=1_000_000, description="Number of the version.")],
) -> LinkAtVersion:
    """Return a link as it was published in one version, with what that changed."""
    parameters = {"region": get_region(request), "slug": slug, "number": number}
    row = (await session.execute(text(VERSION_WITH_BEFORE), parameters)).one_or_none()
    if row is None:
        raise NotFound(f"The link {slug} has no version {number}.")
    before, after = normalised(Link, row.before), normalised(Link, row.content)
    return LinkAtVersion(
        number=row.number,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        differences=differences(before, after) if row.has_before else [],
        link=None if after is None else Link.model_validate(after),
    )
