"""Versions of the records that services refer to: `/api/v1/places/{slug}/versions` and so on."""

from typing import Annotated

from fastapi import Path, Request
from sqlalchemy import text

from services.catalog import reference_queries as queries
from services.catalog.reference_records import (
    AGENCIES,
    DOCUMENT_TYPES,
    LIFE_EVENTS,
    PLACES,
    SOURCES,
    RecordKind,
    RecordT,
)
from services.catalog.schemas import (
    AgencyAtVersion,
    CatalogVersions,
    DocumentTypeAtVersion,
    LifeEventAtVersion,
    PlaceAtVersion,
    RecordAtVersion,
    SourceAtVersion,
    catalog_versions,
)
from services.platform.conditional_writes import normalised
from services.platform.database import ReadSessionDep
from services.platform.differences import differences
from services.platform.problems import NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import Slug

router = Router(prefix=API, tags=["catalog"], responses=problem_responses(401, 422))

VersionPath = Annotated[int, Path(ge=1, le=1_000_000, description="Number of the version.")]


def _add_routes(kind: RecordKind[RecordT], at_version: type[RecordAtVersion[RecordT]]) -> None:
    """Add the list of a record's versions, and a version with its differences."""
    key_path = Path(alias=kind.key, description=f"Name of the {kind.label}.")
    address = f"/{kind.path}/{{{kind.key}}}/versions"

    async def list_versions(
        request: Request, session: ReadSessionDep, key: Annotated[Slug, key_path]
    ) -> CatalogVersions:
        parameters = {"region": get_region(request), "kind": kind.name, "key": key}
        rows = (await session.execute(text(queries.RECORD_VERSIONS), parameters)).all()
        if not rows:
            raise NotFound(f"There is no {kind.label} {key!r}; {API}/{kind.path} lists all.")
        return catalog_versions(rows, f"{API}/{kind.path}/{key}")

    async def get_version(
        request: Request,
        session: ReadSessionDep,
        key: Annotated[Slug, key_path],
        number: VersionPath,
    ) -> RecordAtVersion[RecordT]:
        parameters = {
            "region": get_region(request),
            "kind": kind.name,
            "key": key,
            "number": number,
        }
        row = (await session.execute(text(queries.RECORD_VERSION), parameters)).one_or_none()
        if row is None:
            raise NotFound(f"The {kind.label} {key} has no version {number}.")
        before, after = normalised(kind.model, row.before), normalised(kind.model, row.content)
        return at_version(
            number=row.number,
            recorded_at=row.recorded_at,
            recorded_by=row.recorded_by,
            differences=differences(before, after) if row.has_before else [],
            record=None if after is None else kind.model.model_validate(after),
        )

    router.add_api_route(
        address,
        list_versions,
        operation_id=f"list_{kind.name}_versions",
        description=f"List the versions of a {kind.label}, the newest first.",
        summary=f"List the versions of a {kind.label}",
        responses=problem_responses(404),
    )
    router.add_api_route(
        f"{address}/{{number}}",
        get_version,
        response_model=at_version,
        operation_id=f"get_{kind.name}_version",
        description=f"Return a {kind.label} as it was published in one version, with what that "
        "changed.",
        summary=f"Return a version of a {kind.label}",
        responses=problem_responses(404),
    )


_add_routes(SOURCES, SourceAtVersion)
_add_routes(PLACES, PlaceAtVersion)
_add_routes(DOCUMENT_TYPES, DocumentTypeAtVersion)
_add_routes(AGENCIES, AgencyAtVersion)
_add_routes(LIFE_EVENTS, LifeEventAtVersion)
