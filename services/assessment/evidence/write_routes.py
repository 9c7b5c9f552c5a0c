"""Routes that record, correct and withdraw evidence."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query, Request, Response
from sqlalchemy import text

from services.assessment.evidence import store
from services.assessment.evidence.api_models import KINDS, Content, EvidenceKind, Record, RecordId
from services.assessment.evidence.rules import append_version, check_owner, record_new, supersede
from services.assessment.evidence.source_register import SourceRegister, copy_cited_sources
from services.platform.concurrency_control import (
    IdempotencyKey,
    IfMatch,
    check_if_match,
    claim_idempotency_key,
    resource_tag,
)
from services.platform.database import WriteSession, WriteSessionDep
from services.platform.identity import Caller, EvidenceWriter
from services.platform.ids import new_id
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service
from services.platform.types import Text

Reason = Annotated[
    Text | None, Query(description="Why it is withdrawn; kept in the version's history.")
]

router = Router(prefix=API, tags=["evidence"], responses=problem_responses(401, 403, 422))


def add_write_routes(kind: EvidenceKind[Content]) -> None:
    """Add the routes that write a kind of evidence."""

    async def post_record(
        request: Request,
        response: Response,
        session: WriteSessionDep,
        *,
        caller: EvidenceWriter,
        record: Content,
        idempotency_key: IdempotencyKey = None,
    ) -> Record[Content]:
        region, now = get_region(request), datetime.now(UTC)
        record_id, is_new = await claim_idempotency_key(
            session,
            Service.assessment,
            region,
            caller=caller.subject,
            operation=kind.name,
            key=idempotency_key,
            body=record,
            new_id=new_id(),
            now=now,
        )
        if is_new:
            await copy_cited_sources(session, region, SourceRegister(request), record.sources)
            await record_new(
                session, region, kind.name, record, record_id=record_id, caller=caller, now=now
            )
        _, stored = await kind.find(session, region, record_id, version=1)
        return answer(response, stored)

    async def put_record(
        request: Request,
        response: Response,
        session: WriteSessionDep,
        *,
        caller: EvidenceWriter,
        id: RecordId,
        record: Content,
        if_match: IfMatch = None,
    ) -> Record[Content]:
        region = get_region(request)
        key, current = await lock_for_change(session, region, id, caller=caller, if_match=if_match)
        if current.content != record:
            await copy_cited_sources(session, region, SourceRegister(request), record.sources)
            await supersede(
                session,
                region,
                kind.name,
                record,
                record_id=id,
                key=key,
                caller=caller,
                now=datetime.now(UTC),
            )
        _, stored = await kind.find(session, region, id)
        return answer(response, stored)

    async def delete_record(
        request: Request,
        session: WriteSessionDep,
        *,
        caller: EvidenceWriter,
        id: RecordId,
        reason: Reason = None,
        if_match: IfMatch = None,
    ) -> None:
        region = get_region(request)
        key, current = await lock_for_change(session, region, id, caller=caller, if_match=if_match)
        if current.content is not None:
            await append_version(
                session,
                region,
                kind.name,
                None,
                record_id=id,
                key=key,
                caller=caller,
                now=datetime.now(UTC),
                reason=reason,
            )

    async def lock_for_change(
        session: WriteSession,
        region: str,
        record_id: RecordId,
        *,
        caller: Caller,
        if_match: str | None,
    ) -> tuple[str, Record[Content]]:
        """Lock a record until the transaction ends, and check that the caller may change it."""
        names = {"region": region, "kind": kind.name, "key": str(record_id)}
        await session.execute(text(store.LOCK), names)
        key, current = await kind.find(session, region, record_id)
        check_owner(caller, current.recorded_by)
        check_if_match(if_match, current)
        return key, current

    def answer(response: Response, record: Record[Content]) -> Record[Content]:
        response.headers["ETag"] = resource_tag(record)
        response.headers["Location"] = f"{API}/{kind.name}/{record.id}"
        return record

    for route in (post_record, put_record):
        # FastAPI reads the body's model here, which the type checker knows as `Content`.
        route.__annotations__["record"] = kind.model

    router.add_api_route(
        f"/{kind.name}",
        post_record,
        methods=["POST"],
        status_code=201,
        operation_id=f"post_{kind.operation}",
        summary=f"Record a new {kind.singular}",
        description=(
            f"Records a new {kind.singular} under the name of the key's agency. {kind.meaning}\n\n"
            "Its key must be unique within its kind. Its sources (`POST /api/v1/sources`) and all "
            "other records it refers to must exist (409 otherwise, and nothing is stored). With an "
            "`Idempotency-Key` it is recorded once, however often it is sent."
        ),
        response_model=Record[kind.model],
        responses=problem_responses(409, 413),
    )
    router.add_api_route(
        f"/{kind.name}/{{id}}",
        put_record,
        methods=["PUT"],
        operation_id=f"put_{kind.operation}",
        summary=f"Correct one {kind.singular} by adding a version",
        description=(
            f"Corrects one {kind.singular} by adding a version; the earlier ones remain. Unchanged "
            "content adds none.\n\n"
            "An agency may correct its own records, an administrator all, those of the pack "
            "included. Send the `ETag` of the read as `If-Match` (428 without it, 412 if the "
            "record has changed since). The key cannot change."
        ),
        response_model=Record[kind.model],
        responses=problem_responses(404, 409, 412, 413, 428),
    )
    router.add_api_route(
        f"/{kind.name}/{{id}}",
        delete_record,
        methods=["DELETE"],
        status_code=204,
        operation_id=f"delete_{kind.operation}",
        summary=f"Withdraw one {kind.singular}",
        description=(
            f"Withdraws one {kind.singular}: adds a version without content. Later assessments do "
            "not count it; its versions can still be read.\n\n"
            "Permission and `If-Match` are as for a correction; a later correction restores it. "
            "`reason` is kept in the history of the version."
        ),
        responses=problem_responses(404, 412, 428),
    )


for one in KINDS:
    add_write_routes(one)
