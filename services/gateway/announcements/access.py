"""Who writes, reviews and publishes announcements: scopes, agencies, and what a request says."""

from typing import Annotated

from fastapi import Depends

from services.platform.conditional_writes import (
    ConditionalWrite,
    conditional_put,
    conditional_write,
)
from services.platform.database import ReadSession, WriteSession
from services.platform.identity import Caller, RequireScope
from services.platform.problems import NotAllowed
from services.platform.regency import find_regency
from services.platform.settings import Service

AnnouncementReader = Annotated[
    Caller, Depends(RequireScope("announcements:write", "announcements:publish"))
]
WRITER = RequireScope("announcements:write")
PUBLISHER = RequireScope("announcements:publish")
AnnouncementWrite = Annotated[ConditionalWrite, Depends(conditional_write(WRITER))]
AnnouncementPut = Annotated[ConditionalWrite, Depends(conditional_put(WRITER))]
AnnouncementReview = Annotated[ConditionalWrite, Depends(conditional_write(PUBLISHER))]


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
