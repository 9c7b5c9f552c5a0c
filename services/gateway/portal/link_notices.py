"""Notices about portals in trouble, with the other ways to reach the agency."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from services.catalog.client import ServiceDetail
from services.gateway.link_monitoring.health import LinkHealth
from services.gateway.link_monitoring.reason_texts import short_title
from services.platform.languages import Language
from services.platform.local_time import format_time
from services.platform.translation import N_, Message, translator

ALTERNATIVES: Mapping[str, Message] = {
    "counter": N_("datang ke %(agency)s"),
    "phone": N_("menelepon %(agency)s"),
    "visit": N_("meminta kunjungan petugas %(agency)s"),
    "email": N_("menulis surel kepada %(agency)s"),
}
"""What a citizen can do instead, by kind of channel."""


@dataclass(frozen=True)
class Notice:
    """A notice about one portal in trouble."""

    sentence: str
    notes: list[str] = field(default_factory=list[str])
    """The agency's notes about its other channels."""


def link_notices(
    detail: ServiceDetail,
    health: Mapping[str, LinkHealth],
    titles: Mapping[str, str],
    *,
    now: datetime,
    zone: tzinfo,
    language: Language,
) -> list[Notice]:
    """Return a notice for each portal of a service that is in trouble."""
    messages = translator(language)
    channels = detail.service.channels
    others = [channel for channel in channels if channel.kind in ALTERNATIVES]
    kinds = list(dict.fromkeys(channel.kind for channel in others)) or ["counter"]
    agency = detail.agency.short_name
    alternatives = f" {messages.gettext('atau')} ".join(
        messages.translate(ALTERNATIVES[kind], agency=agency) for kind in kinds
    )
    notes = [messages.field(channel, "note") for channel in others]
    notices: list[Notice] = []
    for slug in dict.fromkeys(channel.link for channel in channels if channel.link):
        known = health.get(slug)
        if known is None or known.disruption is None:
            continue
        name = short_title(titles.get(slug, slug))
        sentence = messages.gettext(
            "%(trouble)s; Anda dapat %(alternatives)s.",
            trouble=_trouble(name, known, now=now, zone=zone, language=language),
            alternatives=alternatives,
        )
        notices.append(Notice(sentence, [note for note in notes if note]))
    return notices


def _trouble(
    name: str, health: LinkHealth, *, now: datetime, zone: tzinfo, language: Language
) -> str:
    _ = translator(language).gettext
    if health.maintenance_until is not None:
        until = format_time(health.maintenance_until, now=now, zone=zone, language=language)
        return _("%(name)s dalam pemeliharaan sampai %(until)s", name=name, until=until)
    since = format_time(health.incident_since or now, now=now, zone=zone, language=language)
    return _("%(name)s terganggu sejak %(since)s", name=name, since=since)
