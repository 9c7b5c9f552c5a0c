"""Who can be named in a meeting: stakeholders on record, and every agency of the catalogue.

An agency that takes part is a stakeholder. One that is not on record yet is proposed as such with
the first meeting that names it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid5

from services.assessment.client import SECTORS, Meeting, Stakeholder
from services.catalog.client import REGENCY_AGENCY_KINDS, AgencyItem
from services.gateway.portal.workspace.access import Workspace
from services.gateway.portal.workspace.evidence.vocabulary import SECTOR_NAMES
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_

PREFIX = "instansi-"
MAX_KEY = 80
"""Characters of a key; an agency with a longer one has to be recorded by hand."""

OWN_AGENCIES = N_("Perangkat daerah")
OTHER_AGENCIES = N_("Instansi pusat, provinsi, dan badan usaha")
POSTS = N_("Pejabat")
FORMER = N_("Yang masa jabatannya tercatat sudah berakhir")


@dataclass(frozen=True)
class Participant:
    """Somebody who can be named, by the key of the stakeholder."""

    key: str
    name: str


@dataclass(frozen=True)
class Group:
    """Participants of one kind; those of a folded one are rarely named."""

    name: str
    members: Sequence[Participant]
    is_folded: bool = False


@dataclass(frozen=True)
class Participants:
    """Everybody who can be named."""

    groups: Sequence[Group]
    unrecorded: dict[str, AgencyItem]
    """Agencies that are no stakeholders on record, by the keys that they will have."""
    own_agency: AgencyItem | None
    """The agency for which the person acts."""

    @property
    def names(self) -> dict[str, str]:
        """Names by keys, in the order in which they are shown."""
        return {one.key: one.name for group in self.groups for one in group.members}

    def new_in(self, meeting: Meeting) -> Iterator[AgencyItem]:
        """Yield the agencies that a meeting names and that are not on record."""
        named = {one.stakeholder for one in meeting.attendance or ()}
        named |= {item.owner for item in meeting.action_items or () if item.owner}
        return (agency for key, agency in self.unrecorded.items() if key in named)


async def read_participants(workspace: Workspace) -> Participants:
    """Return everybody who can be named, the person's own agency first.

    Raises `httpx.HTTPError` if a service does not answer.
    """
    records, agencies = await asyncio.gather(
        workspace.assessment.list_evidence(Stakeholder), workspace.page.catalog.list_agencies()
    )
    stakeholders = {one.content.key: one.content for one in records if one.content}
    by_key = {key: agency for agency in agencies if len(key := f"{PREFIX}{agency.slug}") <= MAX_KEY}
    today = workspace.today

    def named(one: Stakeholder | AgencyItem, key: str) -> Participant:
        return Participant(key, workspace.page.in_language(one, "name") or one.name)

    def of_agencies(*, own: bool) -> list[Participant]:
        chosen = [
            (agency.slug != workspace.agency, agency.name, named(agency, key))
            for key, agency in by_key.items()
            if (agency.kind in REGENCY_AGENCY_KINDS or agency.slug == workspace.agency) is own
        ]
        return [each for _, _, each in sorted(chosen, key=lambda one: one[:2])]

    others = [one for key, one in stakeholders.items() if key not in by_key]
    active = [one for one in others if one.valid_to is None or one.valid_to >= today]
    posts = [one for one in active if one.agency is not None]
    former = [one for one in others if one not in active]
    told = workspace.page.messages.translate
    groups = [
        Group(told(OWN_AGENCIES), of_agencies(own=True)),
        *(
            Group(
                told(SECTOR_NAMES[sector]),
                [named(one, one.key) for one in active if one.sector == sector and not one.agency],
            )
            for sector in SECTORS
        ),
        Group(told(POSTS), [named(one, one.key) for one in posts], is_folded=True),
        Group(told(OTHER_AGENCIES), of_agencies(own=False), is_folded=True),
        Group(told(FORMER), [named(one, one.key) for one in former], is_folded=True),
    ]
    return Participants(
        [group for group in groups if group.members],
        {key: agency for key, agency in by_key.items() if key not in stakeholders},
        next((agency for agency in agencies if agency.slug == workspace.agency), None),
    )


async def propose_agencies(
    workspace: Workspace, participants: Participants, meeting: Meeting, *, form_id: UUID
) -> None:
    """Propose the agencies that a meeting names and that are not on record as stakeholders.

    They are known to take part since the day of the meeting, by its sources. One that somebody
    else has just recorded stays as that is.
    """
    for agency in participants.new_in(meeting):
        record = _stakeholder(agency, since=meeting.held_on, sources=meeting.sources)
        try:
            await workspace.assessment.record_evidence(
                record, idempotency_key=str(uuid5(form_id, record.key))
            )
        except RequestRejectedError as error:
            if error.status != 409:
                raise


def _stakeholder(agency: AgencyItem, *, since: date, sources: Sequence[str]) -> Stakeholder:
    return Stakeholder.model_validate(
        {
            "key": f"{PREFIX}{agency.slug}",
            "name": agency.name,
            "name_en": agency.name_en,
            "sector": "government",
            "agency": agency.slug,
            "valid_from": since,
            "sources": list(sources),
        }
    )
