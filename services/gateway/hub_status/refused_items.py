"""Retrying and discarding what receivers refused, each item with a line in the audit log.

`emall jobs`, the API and the page `/kelola/sistem` settle items by these functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.gateway.audit.chain import AuditEntry
from services.gateway.audit.records import insert_entries
from services.platform.database import WriteSession
from services.platform.ids import new_id
from services.platform.jobs import BackgroundJob, RefusedAction, RefusedItem
from services.platform.problems import Conflict, FieldError, NotFound


@dataclass(frozen=True, slots=True)
class Operator:
    """Who settles refused items, as the audit log names it."""

    key_id: str
    agency: str | None = None
    request_id: str | None = None
    """None for a command, which gets an id of its own."""


async def settle_refused(
    session: WriteSession,
    region: str,
    job: BackgroundJob,
    chosen: Sequence[RefusedItem],
    *,
    action: RefusedAction,
    operator: Operator,
    now: datetime,
) -> Sequence[RefusedItem]:
    """Retry or discard items of a job and log each; return those that were still set aside."""
    if job.refused is None or not chosen:
        return []
    settled = await job.refused.settle(session, region, chosen, action)
    entries = [
        AuditEntry(
            at=now,
            key_id=operator.key_id,
            agency=operator.agency,
            action=f"jobs {action}",
            target=f"{job.name} {item.item}",
            status=None,
            problem=None,
            request_id=operator.request_id or str(new_id()),
            body_hash=None,
        )
        for item in settled
    ]
    if entries:
        await insert_entries(session, region, entries)
    return settled


async def settle_named_items(
    session: WriteSession,
    region: str,
    jobs: Sequence[BackgroundJob],
    job_name: str,
    names: Sequence[str],
    *,
    action: RefusedAction,
    operator: Operator,
    now: datetime,
) -> Sequence[RefusedItem]:
    """Retry or discard the items with these names, all or none.

    Raises:
        NotFound: No job with this name sets anything aside.
        Conflict: Some of the items are not set aside, or no longer.
    """
    job = next((each for each in jobs if each.name == job_name and each.refused), None)
    if job is None or job.refused is None:
        known = ", ".join(each.name for each in jobs if each.refused)
        raise NotFound(f"No job {job_name} sets items aside; those that do: {known}.")
    wanted = set(names)
    listed = await job.refused.list(session, region)
    chosen = [item for item in listed if item.item in wanted]
    settled = await settle_refused(
        session, region, job, chosen, action=action, operator=operator, now=now
    )
    done = {item.item for item in settled}
    if missing := [number for number, name in enumerate(names) if name not in done]:
        raise Conflict(
            f"Items that {job_name} has not set aside, or no longer: {len(missing)}; nothing was "
            "done.",
            errors=[
                FieldError(
                    pointer=f"#/items/{number}",
                    parameter=None,
                    detail="is not among the refused items of GET /api/v1/jobs",
                )
                for number in missing[:100]
            ],
        )
    return settled
