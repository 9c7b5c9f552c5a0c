"""Stores responses: each once, checked against the version of the survey that was answered."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import text

from services.feedback.surveys.definition import Survey
from services.feedback.surveys.ratings import spend
from services.feedback.surveys.schemas import Response, ResponseStored
from services.platform.database import ReadSession, WriteSession
from services.platform.local_time import JAKARTA
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
FROM feedback.reporting_obligation WHERE region = :region
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
    return Survey.stored(row.content), row.version


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
            survey, version = Survey.stored(older), response.version
    today = now.astimezone(JAKARTA).date()
    if survey.needs_token or response.token is not None:
        use = await _use(session, region, survey, response, errors, today=today)
        if use is None and response.id is not None:
            # The token is spent by this very response, whose receipt got lost on its way.
            before = await _stored_before(session, region, slug, response.id)
            if before is not None:
                return _receipt(slug, response.id, *before, repeated=True)
        response = response.model_copy(update=use or {})
    about = await _about(session, region, response, errors)
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
        before = await _stored_before(session, region, slug, response_id)
        version, answered_on = before or (version, answered_on)
    return _receipt(slug, response_id, version, answered_on, repeated=stored is None)


async def _use(
    session: WriteSession,
    region: str,
    survey: Survey,
    response: Response,
    errors: list[FieldError],
    *,
    today: date,
) -> dict[str, str | None] | None:
    """What the token says that the response is about, the token spent; None without a good one."""
    if not survey.needs_token:
        errors.append(_at("token", "must be left out: this survey is answered without one"))
        return None
    if response.token is None:
        errors.append(_at("token", "is needed: an agency gives one after a use of its service"))
        return None
    use = await spend(session, region, survey.slug, response.token, today=today)
    if use is None:
        errors.append(_at("token", "was used, is over, or never was"))
        return None
    told = {"service": use.service, "agency": use.agency, "channel": use.channel or None}
    for name, value in told.items():
        given = getattr(response, name)
        if given is not None and given != value:
            errors.append(_at(name, f"must be left out or {value}, as the token says"))
    return told


def _receipt(
    survey: str, response_id: UUID, version: int, answered_on: date, *, repeated: bool
) -> ResponseStored:
    return ResponseStored(
        id=response_id, survey=survey, version=version, answered_on=answered_on, repeated=repeated
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
) -> tuple[int, date] | None:
    """Version and day of the response that has this id already."""
    row = (
        await session.execute(
            text(STORED_RESPONSE), {"region": region, "survey": slug, "id": response_id}
        )
    ).one_or_none()
    return None if row is None else (row.version, row.answered_on)


def _at(place: str, detail: str) -> FieldError:
    return FieldError(pointer=f"#/{place}", parameter=None, detail=detail)
