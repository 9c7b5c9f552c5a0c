"""What the pages of links share: who keeps them, a link as it is stored, moments in words."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from services.gateway.link_monitoring.routes import LinkItem, read_link
from services.gateway.portal.workspace.access import Enter, Workspace, database_of
from services.platform.problems import NotFound
from services.platform.service import get_region

LINKS = "/kelola/tautan"

Keeper = Annotated[Workspace, Depends(Enter("lead"))]
Administrator = Annotated[Workspace, Depends(Enter("administrator"))]


async def find_item(request: Request, slug: str) -> LinkItem | None:
    """Return a link with its health; None if there is none."""
    async with database_of(request).read_session() as session:
        try:
            return await read_link(session, get_region(request), slug)
        except NotFound:
            return None


def moment_text(workspace: Workspace) -> Callable[[datetime], str]:
    """Return a function that writes a moment as day and time of the regency."""
    page = workspace.page

    def text(moment: datetime) -> str:
        return f"{page.local_date(moment)} {page.messages.clock(moment.astimezone(page.zone))}"

    return text
