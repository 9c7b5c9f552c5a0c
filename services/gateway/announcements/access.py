"""Who writes, reviews and publishes announcements: scopes, agencies, and what a request says."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request, Response

from services.platform.concurrency_control import IfMatch, IfNoneMatch
from services.platform.conditional_writes import ConditionalWrite
from services.platform.database import ReadSession, WriteSession, WriteSessionDep
from services.platform.identity import Caller, RequireScope
from services.platform.problems import NotAllowed
from services.platform.regency import find_regency
from services.platform.service import get_region
from services.platform.settings import Service

AnnouncementReader = Annotated[
    Caller, Depends(RequireScope("announcements:write", "announcements:publish"))
]
_Writer = Annotated[Caller, Depends(RequireScope("announcements:write"))]
_Publisher = Annotated[Caller, Depends(RequireScope("announcements:publish"))]


async def _get_write(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    caller: _Writer,
    if_match: IfMatch = None,
) -> ConditionalWrite:
    """Return what a request of an author says besides the announcement."""
    return ConditionalWrite(get_region(request), session, caller, response, if_match)


AnnouncementWrite = Annotated[ConditionalWrite, Depends(_get_write)]


async def _get_put(write: AnnouncementWrite, if_none_match: IfNoneMatch = None) -> ConditionalWrite:
    """Return what a request says besides the draft, which it may begin."""
    return replace(write, only_creates=if_none_match is not None)


AnnouncementPut = Annotated[ConditionalWrite, Depends(_get_put)]


async def _get_review(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    caller: _Publisher,
    if_match: IfMatch = None,
) -> ConditionalWrite:
    """Return what a request says that publishes, refuses or withdraws."""
    return ConditionalWrite(get_region(request), session, caller, response, if_match)


AnnouncementReview = Annotated[ConditionalWrite, Depends(_get_review)]


async def reads_all(session: ReadSession | WriteSession, region: str, caller: Caller) -> bool:
    """Return whether the caller reviews announcements of every agency.

    An administrator does, and who publishes for the lead agency: in a small agency there may be
    no second person.
    """
    if "admin" in caller.scopes:
        return True
    if not caller.has_scope("announcements:publish"):
        return False
    regency = await find_regency(session, Service.gateway, region)
    return regency is not None and regency.lead_agency == caller.agency


async def check_reviewer(
    session: ReadSession | WriteSession, region: str, caller: Caller, agency: str
) -> None:
    """Raise `NotAllowed` if the caller may not read or review what an agency wrote."""
    if not caller.can_write_for(agency) and not await reads_all(session, region, caller):
        raise NotAllowed(
            f"This announcement is of {agency}: its own keys and the lead agency's read it."
        )


def check_author(caller: Caller, agency: str) -> None:
    """Raise `NotAllowed` if the caller may not write for an agency."""
    if not caller.can_write_for(agency):
        raise NotAllowed(f"This key writes announcements of its own agency, not of {agency}.")
