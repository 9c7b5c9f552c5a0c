"""What a citizen should hear before setting out: which portal is in trouble, and the other way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from services.gateway.link_monitoring.health import LinkHealth
from services.gateway.link_monitoring.reason_texts import short_title
from services.platform.languages import Language
from services.platform.local_time import format_time

WAYS: Mapping[str, tuple[str, str]] = {
    "counter": ("datang ke {agency}", "go to {agency}"),
    "phone": ("menelepon {agency}", "phone {agency}"),
    "visit": ("meminta kunjungan petugas {agency}", "ask {agency} for a home visit"),
    "email": ("menulis surel kepada {agency}", "write an e-mail to {agency}"),
}


@dataclass(frozen=True)
class Notice:
    """One portal in trouble."""

    sentence: str
    notes: list[str] = field(default_factory=list[str])
    """What the agency says about the other ways."""


def notices_of(
    detail: Mapping[str, Any],
    health: Mapping[str, LinkHealth],
    titles: Mapping[str, str],
    *,
    now: datetime,
    zone: tzinfo,
    language: Language,
) -> list[Notice]:
    """The notices of a service: one for each of its portals that is in trouble."""
    channels: Sequence[Mapping[str, Any]] = detail["service"]["channels"]
    english = language == "en"
    others = [channel for channel in channels if channel["kind"] in WAYS]
    kinds = dict.fromkeys(channel["kind"] for channel in others) or ["counter"]
    agency = detail["agency"]["short_name"]
    ways = [WAYS[kind][english].format(agency=agency) for kind in kinds]
    named = [channel.get("note_en" if english else "note") for channel in others]
    notices: list[Notice] = []
    for slug in dict.fromkeys(channel["link"] for channel in channels if channel.get("link")):
        known = health.get(slug)
        if known is None or known.trouble is None:
            continue
        name = short_title(titles.get(slug, slug))
        state = _trouble(name, known, now=now, zone=zone, language=language)
        way = (" or " if english else " atau ").join(ways)
        sentence = f"{state}; you can {way}." if english else f"{state}; Anda dapat {way}."
        notices.append(Notice(sentence, [note for note in named if note]))
    return notices


def _trouble(
    name: str, known: LinkHealth, *, now: datetime, zone: tzinfo, language: Language
) -> str:
    english = language == "en"
    if known.maintenance_until is not None:
        until = format_time(known.maintenance_until, now=now, zone=zone, language=language)
        if english:
            return f"{name} is under maintenance until {until}"
        return f"{name} dalam pemeliharaan sampai {until}"
    since = format_time(known.incident_since or now, now=now, zone=zone, language=language)
    return f"{name} has trouble since {since}" if english else f"{name} terganggu sejak {since}"
