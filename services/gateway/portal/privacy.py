"""The page `/privasi`: what is held about people, why, until when and by whom (Law 27/2022)."""

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.gateway.portal.page import CurrentPage
from services.platform.router import Router
from services.platform.settings import Settings
from services.privacy import PERSONAL_DATA, describe

router = Router(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/privasi")
async def privacy(request: Request, page: CurrentPage) -> HTMLResponse:
    """Show the inventory of personal data, and how people exercise their rights."""
    settings: Settings = request.app.state.settings
    return page.render(
        "privacy.html",
        tables=[describe(table, settings, page.messages) for table in PERSONAL_DATA],
    )
