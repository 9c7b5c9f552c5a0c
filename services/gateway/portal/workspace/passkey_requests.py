"""What a page asks a passkey: for which site, and to sign what."""

from datetime import UTC, datetime
from ipaddress import ip_address

import httpx

from services.gateway.people.passkeys import RelyingParty, ask_for_known
from services.gateway.people.sessions import PersonSession
from services.gateway.portal.page import Page
from services.gateway.portal.workspace.access import database_of
from services.platform.service import get_region


def relying_party(page: Page) -> RelyingParty | None:
    """Return the site that passkeys are for; None where browsers allow none.

    They allow them for names, not addresses, over HTTPS, and on `localhost`.
    """
    request = page.request
    url = httpx.URL(request.app.state.settings.public_address or str(request.base_url))
    if url.scheme != "https" and url.host != "localhost":
        return None
    try:
        ip_address(url.host)
    except ValueError:
        name = "e-Mall" if page.regency is None else f"e-Mall {page.regency.name}"
        return RelyingParty(url.host, name)
    return None


async def ask_for_passkey(page: Page, session: PersonSession) -> str | None:
    """Return the options with which the browser asks for a passkey; None if the person has none."""
    party = relying_party(page)
    if party is None:
        return None
    async with database_of(page.request).write_session() as write_session:
        return await ask_for_known(
            write_session,
            get_region(page.request),
            party,
            session.person,
            session.id,
            now=datetime.now(UTC),
        )
