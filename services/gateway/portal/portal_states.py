"""The live state of a portal in few words, for the places that lead to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

from services.gateway.link_monitoring.health import LinkHealth
from services.gateway.link_monitoring.reason_texts import STATE_NAMES
from services.platform.local_time import format_time
from services.platform.translation import Translator

Code = Literal["ok", "caution", "broken", "pending", "maintenance"]


@dataclass(frozen=True)
class PortalState:
    """A state with its words, such as `terganggu sejak 09.40`."""

    code: Code
    words: str


def portal_states(
    health: Mapping[str, LinkHealth], messages: Translator, *, now: datetime, zone: tzinfo
) -> dict[str, PortalState]:
    """Return the state of each link by slug.

    A failure that is not confirmed by a second check is no trouble yet: only incidents are.
    """
    return {slug: _state(known, messages, now=now, zone=zone) for slug, known in health.items()}


def _state(known: LinkHealth, messages: Translator, *, now: datetime, zone: tzinfo) -> PortalState:
    def at(when: datetime) -> str:
        return format_time(when, now=now, zone=zone, language=messages.language)

    if known.maintenance_until is not None:
        until = at(known.maintenance_until)
        return PortalState(
            "maintenance", messages.gettext("dalam pemeliharaan sampai %(until)s", until=until)
        )
    if known.disruption is not None:
        since = at(known.incident_since or now)
        return PortalState("broken", messages.gettext("terganggu sejak %(since)s", since=since))
    if known.state == "pending":
        return PortalState("pending", messages.gettext("keadaannya belum diketahui"))
    code: Code = "ok" if known.state == "ok" else "caution"
    return PortalState(code, messages.translate(STATE_NAMES[code]))
