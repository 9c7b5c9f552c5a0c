"""Conditional writes of versioned records, and what has changed since the caller read one."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request, Response
from pydantic import BaseModel, JsonValue

from services.platform.concurrency_control import IfMatch, IfNoneMatch, resource_tag
from services.platform.database import WriteSession, WriteSessionDep
from services.platform.differences import differences
from services.platform.identity import CATALOG_REVIEWER, CATALOG_WRITER, Caller, RequireScope
from services.platform.problems import PreconditionFailed, PreconditionRequired
from services.platform.service import get_region
from services.platform.stored import parse_stored

_TAG = re.compile(r'"(\d{1,9})-[^"]*"')


@dataclass(frozen=True)
class ConditionalWrite:
    """A request of an agency to change a record: who asks, and which version of it was read."""

    region: str
    session: WriteSession
    caller: Caller
    response: Response
    if_match: str | None
    only_creates: bool = False
    """Whether the request is for a record that does not exist yet (`If-None-Match: *`)."""

    def check_creation(self, name: str) -> None:
        """Raise `PreconditionFailed` if the caller has read the record, which does not exist."""
        if self.if_match is not None:
            raise PreconditionFailed(f"There is no {name}; leave If-Match out to create it.")


ConditionalWriteDependency = Callable[..., Awaitable[ConditionalWrite]]


def conditional_write(requirement: RequireScope) -> ConditionalWriteDependency:
    """Return the dependency that reads what a caller with the scope says besides the record."""

    async def get_write(
        request: Request,
        response: Response,
        session: WriteSessionDep,
        *,
        caller: Annotated[Caller, Depends(requirement)],
        if_match: IfMatch = None,
    ) -> ConditionalWrite:
        return ConditionalWrite(get_region(request), session, caller, response, if_match)

    return get_write


def conditional_put(requirement: RequireScope) -> ConditionalWriteDependency:
    """Return the same for a request that may create its record."""

    async def get_put(
        write: Annotated[ConditionalWrite, Depends(conditional_write(requirement))],
        if_none_match: IfNoneMatch = None,
    ) -> ConditionalWrite:
        return replace(write, only_creates=if_none_match is not None)

    return get_put


CatalogWrite = Annotated[ConditionalWrite, Depends(conditional_write(CATALOG_WRITER))]
CatalogReview = Annotated[ConditionalWrite, Depends(conditional_write(CATALOG_REVIEWER))]
CatalogPut = Annotated[ConditionalWrite, Depends(conditional_put(CATALOG_WRITER))]


def version_tag(version: int, detail: BaseModel) -> str:
    """Return the entity tag of a record in a version: it differs as well when a detail differs."""
    return f'"{version}-{resource_tag(detail).strip(chr(34))}"'


def normalised(model: type[BaseModel], content: object) -> JsonValue:
    """Return a stored version as this version of the hub would store it; None of a withdrawal.

    Fields that were added to the model since are no difference.
    """
    return None if content is None else parse_stored(model, content).model_dump(mode="json")


async def check_version(
    write: ConditionalWrite,
    *,
    version: int,
    tag: str,
    current: JsonValue,
    content_of: Callable[[int], Awaitable[JsonValue]],
) -> None:
    """Check that the caller changes the current version of a record.

    What is compared is the version that the tag names: the representation shows other records too,
    such as the agency, and a change of those is no conflict. Raise `PreconditionRequired` without
    `If-Match`, and `PreconditionFailed` with the fields that have changed since the version that
    the caller has read, which `content_of` returns, or if the request only creates.
    """
    if write.only_creates:
        raise PreconditionFailed(
            "The record exists already. Read it and send its ETag as If-Match to change it.",
            headers={"ETag": tag},
            extra={"current_version": version},
        )
    if_match = write.if_match
    if if_match is None:
        raise PreconditionRequired(
            "Read the record and send its ETag as If-Match, so that no concurrent change is lost."
        )
    bases = [int(number) for number in _TAG.findall(if_match)]
    if if_match.strip() == "*" or version in bases:
        return
    extra: dict[str, object] = {"current_version": version}
    if bases:
        changed = differences(await content_of(max(bases)), current)
        extra |= {
            "base_version": max(bases),
            "differences": [change.model_dump(mode="json") for change in changed],
        }
    raise PreconditionFailed(
        "The record has changed since you read it: differences[] names each field. Read it again "
        "and repeat your change.",
        headers={"ETag": tag},
        extra=extra,
    )
