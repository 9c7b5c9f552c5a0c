"""Stores responses: each once, checked against the version of the survey that was answered."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import text

from services.feedback.surveys.definition import Survey
from services.feedback.surveys.periods import JAKARTA
from services.feedback.surveys.schemas import Response, ResponseStored
from services.platform.database import ReadSession, WriteSession
from services.platform.problems import Conflict, FieldError, NotFound
from services.platform.service import API

EARLIEST = date(2020, 1, 1)

SURVEYS = """
-- The surveys that can be answered now.
SELECT slug, version, content FROM feedback.survey
WHERE region = :region AND is_current AND (CAST(:slug AS text) IS NULL OR slug = :slug)
ORDER BY slug
"""

VERSION = """
-- A survey as it was asked in a version.
SELECT content FROM feedback.survey
WHERE region = :region AND slug = :slug AND version = :version
"""

STORE_RESPONSE = """
-- A response, once; a repeated id changes nothing. When it came is kept to the day.
INSERT INTO feedback.response
    (region, survey, id, version, answered_on, received_at, service, agency, channel, district,
     mode, answers)
VALUES (:region, :survey, :id, :version, :answered_on, date_trunc('day', CAST(:now AS timestamptz)),
        :service, :agency, :channel, :district, :mode, CAST(:answers AS jsonb))
ON CONFLICT (region, survey, id) DO NOTHING
RETURNING id
"""

STORED_RESPONSE = """
-- The response that has this id already.
SELECT version, answered_on FROM feedback.response
WHERE region = :region AND survey = :survey AND id = :id
"""

OFFERED_BY = """
-- Which agencies offer a service, and whether any service is known at all.
SELECT array_agg(DISTINCT agency) FILTER (WHERE service = :service) AS agencies,
       coalesce(bool_or(agency = :agency), false) AS agency_known,
       count(*) > 0 AS any_known
FROM feedback.expected_report WHERE region = :region
"""


@dataclass(frozen=True)
class About:
    """What a response is about."""

    service: str
    agency: str


async def find_survey(
    session: ReadSession | WriteSession, region: str, slug: str
) -> tuple[Survey, int]:
    """The current version of a survey; `NotFound` where there is none."""
    row = (await session.execute(text(SURVEYS), {"region": region, "slug": slug})).one_or_none()
    if row is None:
        raise NotFound(f"There is no survey {slug!r}; {API}/surveys lists all of them.")
    return Survey.model_validate(row.content), row.version


async def store_response(
    session: WriteSession, region: str, slug: str, response: Response, *, now: datetime
) -> ResponseStored:
    """Stores a response; `Conflict` names every answer that does not fit."""
    survey, version = await find_survey(session, region, slug)
    errors: list[FieldError] = []
    if response.version is not None and response.version != version:
        older = await session.scalar(
            text(VERSION), {"region": region, "slug": slug, "version": response.version}
        )
        if older is None:
            errors.append(_at("version", f"has never been asked; the newest is {version}"))
        else:
            survey, version = Survey.model_validate(older), response.version
    about = await _about(session, region, response, errors)
    today = now.astimezone(JAKARTA).date()
    answered_on = response.answered_on or today
    if not EARLIEST <= answered_on <= today:
        errors.append(_at("answered_on", f"must lie between {EARLIEST} and today"))
    if response.district is not None and not response.district.startswith(f"{region}."):
        errors.append(_at("district", f"is no district of {region}"))
    errors += [_at(f"answers/{c}", fault) for c, fault in survey.faults(response.answers).items()]
    if errors:
        raise Conflict(f"The response does not fit the survey {slug}; see errors[].", errors=errors)

    # A random id, unlike one made of the time, does not tell when somebody answered.
    response_id = response.id or uuid4()
    stored = await session.scalar(
        text(STORE_RESPONSE),
        {
            "region": region,
            "survey": slug,
            "id": response_id,
            "version": version,
            "answered_on": answered_on,
            "now": now,
            "service": about.service,
            "agency": about.agency,
            "channel": response.channel or "",
            "district": response.district or "",
            "mode": response.mode,
            "answers": json.dumps(response.answers),
        },
    )
    if stored is None:
        version, answered_on = await _stored_before(session, region, slug, response_id)
    return ResponseStored(
        id=response_id,
        survey=slug,
        version=version,
        answered_on=answered_on,
        repeated=stored is None,
    )


async def _about(
    session: WriteSession, region: str, response: Response, errors: list[FieldError]
) -> About:
    """The service and its agency; what the catalogue does not have is refused.

    A hub without a catalogue takes what it is given.
    """
    service, agency = response.service or "", response.agency or ""
    if not service and not agency:
        return About("", "")
    known = (
        await session.execute(
            text(OFFERED_BY), {"region": region, "service": service, "agency": agency}
        )
    ).one()
    if not known.any_known:
        return About(service, agency)
    offered_by: list[str] = known.agencies or []
    if service and not offered_by:
        errors.append(_at("service", f"is no service of the catalogue; see {API}/services"))
    elif service and agency and agency not in offered_by:
        errors.append(_at("agency", f"does not offer {service}; {', '.join(offered_by)} does"))
    elif agency and not service and not known.agency_known:
        errors.append(_at("agency", f"offers no service; see {API}/agencies"))
    if not agency and len(offered_by) == 1:
        agency = offered_by[0]
    return About(service, agency)


async def _stored_before(
    session: WriteSession, region: str, slug: str, response_id: UUID
) -> tuple[int, date]:
    row = (
        await session.execute(
            text(STORED_RESPONSE), {"region": region, "survey": slug, "id": response_id}
        )
    ).one()
    return row.version, row.answered_on


def _at(place: str, detail: str) -> FieldError:
    return FieldError(pointer=f"#/{place}", parameter=None, detail=detail)
