"""The device of an enumerator or a kiosk, which an agency's link and its code vouch for.

A registration ends after 30 days without use: an enumerator is offline for days, and a kiosk is
not signed in again each morning, but a phone in a drawer is nobody's. A lost one is locked out at
once by revoking its link.
"""

from datetime import timedelta

from fastapi import Request

from services.gateway.portal.key_sessions import KeySession, KeySessions
from services.platform.identity import Caller

DEVICES = KeySessions(
    "survey device",
    cookie="emall_perangkat",
    lifetime=timedelta(days=400),  # the longest that browsers keep a cookie
    rest=timedelta(days=30),
)


async def current_device(request: Request) -> KeySession | None:
    """Return the session of the device; None without one, or if its link is no longer valid."""
    found = await DEVICES.find(request)
    if found is None or not found.caller.has_scope("surveys:collect"):
        return None
    request.scope["request_log"].impersonate(found.caller)
    return found


async def current_collector(request: Request) -> Caller | None:
    """Return in whose name the device collects; None if it is not registered."""
    found = await current_device(request)
    return None if found is None else found.caller
