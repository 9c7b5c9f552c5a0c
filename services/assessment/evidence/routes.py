"""Routes that read evidence: `/api/v1/stakeholders`, `meetings`, ..., now or as of a moment."""

from typing import Annotated

from fastapi import Query, Request, Response
from sqlalchemy import text

from services.assessment.evidence import store
from services.assessment.evidence.api_models import (
    KINDS,
    Content,
    EvidenceKind,
    Record,
    RecordId,
    RecordVersion,
)
from services.assessment.evidence.states import EvidenceState
from services.platform.concurrency_control import resource_tag
from services.platform.database import ReadSessionDep
from services.platform.paging import Page, next_page_url
from services.platform.parameters import Limit
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import SLUG_PATTERN, UtcDatetime

router = Router(prefix=API, tags=["evidence"], responses=problem_responses(401, 422))

UUID_PATTERN = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
AsOf = Annotated[
    UtcDatetime | None,
    Query(description="As recorded at this moment; default: now."),
]


StateFilter = Annotated[
    EvidenceState | None,
    Query(
        description="`confirmed`: the version of each record that scores read; `proposed`, "
        "`disputed`: those whose newest version is in that state, without content if it is to "
        "withdraw the record; `withdrawn`: those that were withdrawn. Default: the newest content "
        "of all that are not withdrawn.",
    ),
]
RecordCursor = Annotated[
    str | None,
    Query(
        pattern=f"{SLUG_PATTERN[:-1]}:{UUID_PATTERN}$",
        max_length=120,
        description="Start of the page; taken from `next` of the previous page.",
    ),
]


def add_read_routes(kind: EvidenceKind[Content]) -> None:
    """Add the routes that read a kind of evidence."""
    page, record = Page[Record[kind.model]], Record[kind.model]
    plural = kind.name.replace("-", " ")

    async def list_records(
        request: Request,
        session: ReadSessionDep,
        *,
        state: StateFilter = None,
        cursor: RecordCursor = None,
        limit: Limit = 50,
        as_of: AsOf = None,
    ) -> Page[Record[Content]]:
        key, _, after = (cursor or "").partition(":")
        parameters = {
            "region": get_region(request),
            "kind": kind.name,
            "state": state,
            "cursor": key or None,
            "after": after or None,
            "limit": limit + 1,
            "as_of": as_of,
        }
        rows = (await session.execute(text(store.PAGE), parameters)).all()
        last = rows[limit - 1] if len(rows) > limit else None
        more = None if last is None else f"{last.key}:{last.id}"
        return page(
            items=[kind.record(row) for row in rows[:limit]], next=next_page_url(request, more)
        )

    async def get_record(
        request: Request,
        response: Response,
        session: ReadSessionDep,
        *,
        id: RecordId,
        version: Annotated[
            int | None, Query(ge=1, le=1_000_000, description="Default: the newest.")
        ] = None,
    ) -> Record[Content]:
        _, found = await kind.find(session, get_region(request), id, version=version)
        response.headers["ETag"] = resource_tag(found)
        return found

    async def list_versions(
        request: Request, session: ReadSessionDep, id: RecordId
    ) -> Page[RecordVersion]:
        parameters = {"region": get_region(request), "kind": kind.name, "id": id, "as_of": None}
        rows = (await session.execute(text(store.VERSIONS), parameters)).mappings().all()
        if not rows:
            raise kind.not_found(id)
        items = [
            RecordVersion(
                **row,
                state=row["states"][-1]["state"],
                href=f"{API}/{kind.name}/{id}?version={row['version']}",
            )
            for row in rows
        ]
        return Page(items=items, next=None)

    router.add_api_route(
        f"/{kind.name}",
        list_records,
        operation_id=f"list_{kind.name.replace('-', '_')}",
        summary=f"List the {plural}",
        description=(
            f"Lists the {plural} by key, each in its newest version with its sources in full. "
            f"{kind.meaning} Withdrawn ones are excluded, unless `state` asks for them.\n\n"
            "With `as_of`, the versions recorded by then, which an assessment of that time read."
        ),
        response_model=page,
    )
    router.add_api_route(
        f"/{kind.name}/{{id}}",
        get_record,
        operation_id=f"get_{kind.operation}",
        summary=f"Get one {kind.singular}",
        description=(
            f"Returns one {kind.singular} by the id of its record, in its newest or an earlier "
            "version, with its sources in full.\n\n"
            "`content` is null in the version that withdrew it. A change "
            "needs the `ETag` as `If-Match`."
        ),
        response_model=record,
        responses=problem_responses(404),
    )
    router.add_api_route(
        f"/{kind.name}/{{id}}/versions",
        list_versions,
        operation_id=f"list_{kind.operation}_versions",
        summary=f"List the versions of one {kind.singular}",
        description=(
            f"Lists the versions of one {kind.singular}, newest first: when and by whom each was "
            "recorded, and its address. No version is overwritten or erased."
        ),
        response_model=Page[RecordVersion],
        responses=problem_responses(404),
    )


for one in KINDS:
    add_read_routes(one)
