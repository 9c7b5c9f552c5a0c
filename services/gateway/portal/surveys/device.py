"""The device of an enumerator or a kiosk, which an agency's key vouches for.

Its session lasts as long as the key and a cookie do: an enumerator is offline for days, and a kiosk
is not signed in again. A lost phone is locked out by revoking its key.
"""

from datetime import timedelta

from fastapi import Request

from services.gateway.portal.key_sessions import KeySessions
from services.platform.identity import Caller

DEVICES = KeySessions("survey device", cookie="emall_perangkat", lifetime=timedelta(days=400))
"""The longest that browsers keep a cookie."""


def may_collect(caller: Caller) -> bool:
    """Return whether a key may submit the responses of a device."""
    return caller.agency is not None and (
        caller.has_scope("surveys:collect") or caller.has_scope("usage:write")
    )


async def current_collector(request: Request) -> Caller | None:
    """Return the caller whose key the device has; None without one, or if it is no longer valid."""
    found = await DEVICES.find(request)
    if found is None or not may_collect(found.caller):
        return None
    request.scope["request_log"].impersonate(found.caller)
    # Whatever else the key allows, a device only collects.
    scope = "surveys:collect" if found.caller.has_scope("surveys:collect") else "usage:write"
    return found.caller.model_copy(update={"scopes": frozenset({scope})})
