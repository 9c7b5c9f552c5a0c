"""`/.well-known/security.txt`: to whom a weakness of this hub is reported (RFC 9116)."""

from datetime import UTC, datetime, timedelta

from fastapi import Request
from fastapi.responses import PlainTextResponse

from services.platform.problems import NotFound
from services.platform.router import Router
from services.platform.settings import Settings

router = Router(include_in_schema=False)

PATH = "/.well-known/security.txt"
VALIDITY = timedelta(days=180)
"""RFC 9116, 2.5.5: less than a year."""


@router.get(PATH, response_class=PlainTextResponse)
async def security_txt(request: Request) -> str:
    """Return the contact that the operator set; none is invented."""
    settings: Settings = request.app.state.settings
    if settings.security_contact is None:
        raise NotFound("The operator of this hub has set no EMALL_SECURITY_CONTACT.")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        *(f"Contact: {contact}" for contact in settings.security_contact.split()),
        f"Expires: {today + VALIDITY:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: id, en",
    ]
    if settings.public_address is not None:
        lines.append(f"Canonical: {settings.public_address}{PATH}")
    return "".join(f"{line}\n" for line in lines)
