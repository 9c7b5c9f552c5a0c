"""Stores responses: each once, validated against the version of the survey that was answered."""

import json
from datetime import date, datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.feedback.catalogue_lookup import find_agency
from services.feedback.reference_data import has_district
from services.feedback.surveys.definition import Survey
from services.feedback.surveys.ratings import redeem_token
from services.feedback.surveys.schemas import Response, ResponseStored
from services.platform.database import ReadSession, WriteSession
from services.platform.local_time import day_of
from services.platform.problems import Conflict, FieldError, NotFound
from services.platform.service import API

MIN_ANSWERED_ON = date(2020, 1, 1)

SURVEYS = """
-- The current surveys.
SELECT slug, version, content FROM feedback.survey
WHERE region = :region AND is_current AND (CAST(:slug AS text) IS NULL OR slug = :slug)
ORDER BY slug
"""

VERSION = """
-- A survey in one version.
SELECT content FROM feedback.survey
WHERE region = :region AND slug = :slug AND version = :version
"""

STORE_RESPONSE = """
-- A response, once: a repeated id changes nothing. The time of receipt is truncated to the day.
INSERT INTO feedback.response
    (region, survey, id, version, answered_on, received_at, service, agency, channel, district,
     mode, answers)
VALUES (:region, :survey, :id, :version, :answered_on, date_trunc('day', CAST(:now AS timestamptz)),
        :service, :agency, :channel, :district, :mode, CAST(:answers AS jsonb))
ON CONFLICT (region, survey, id) DO NOTHING
RETURNING id
"""

STORED_RESPONSE = """
-- The response stored under this id.
SELECT version, answered_on FROM feedback.response
WHERE region = :region AND survey = :survey AND id = :id
"""


async def find_survey(
    session: ReadSession | WriteSession, region: str, slug: str
) -> tuple[Survey, int]:
    """Return a survey with its current version; raise `NotFound` if there is none."""
    row = (await session.execute(text(SURVEYS), {"region": region, "slug": slug})).one_or_none()
    if row is None:
        raise NotFound(f"There is no survey {slug!r}; {API}/surveys lists all surveys.")
    return Survey.from_stored(row.content), row.version


async def store_response(
    session: WriteSession,
    region: str,
    slug: str,
    response: Response,
    *,
    now: datetime,
    zone: ZoneInfo,
) -> ResponseStored:
    """Store a response; raise `Conflict` with every field and answer that is invalid."""
    survey, version = await find_survey(session, region, slug)
    errors: list[FieldError] = []
    if response.version is not None and response.version != version:
        older = await session.scalar(
            text(VERSION), {"region": region, "slug": slug, "version": response.version}
        )
        if older is None:
            errors.append(_field_error("version", f"does not exist; the newest is {version}"))
        else:
            survey, version = Survey.from_stored(older), response.version
    today = day_of(now, zone)
    if survey.needs_token or response.token is not None:
        subject = await _redeem(session, region, survey, response, errors, today=today)
        if subject is None and response.id is not None:
            # The token may have been redeemed by this response, whose receipt was lost.
            stored_before = await _find_stored(session, region, slug, response.id)
            if stored_before is not None:
                return _receipt(slug, response.id, *stored_before, repeated=True)
        response = response.model_copy(update=subject or {})
    service = response.service or ""
    agency, unknown = await find_agency(
        session, region, service=service, agency=response.agency or ""
    )
    if unknown is not None:
        errors.append(unknown)
    answered_on = response.answered_on or today
    if not MIN_ANSWERED_ON <= answered_on <= today:
        errors.append(_field_error("answered_on", f"must be between {MIN_ANSWERED_ON} and today"))
    district = response.district
    if district is not None and not await has_district(session, region, district):
        errors.append(_field_error("district", f"is not a district of {region}"))
    errors += [
        _field_error(f"answers/{code}", error)
        for code, error in survey.find_errors(response.answers).items()
    ]
    if errors:
        raise Conflict(
            f"The response to the survey {slug} is invalid; see errors[].", errors=errors
        )

    # A random id (UUIDv4): a time-based one would reveal when the person answered.
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
            "service": service,
            "agency": agency,
            "channel": response.channel or "",
            "district": district or "",
            "mode": response.mode,
            "answers": json.dumps(response.answers),
        },
    )
    if stored is None:
        stored_before = await _find_stored(session, region, slug, response_id)
        version, answered_on = stored_before or (version, answered_on)
    return _receipt(slug, response_id, version, answered_on, repeated=stored is None)


async def _redeem(
    session: WriteSession,
    region: str,
    survey: Survey,
    response: Response,
    errors: list[FieldError],
    *,
    today: date,
) -> dict[str, str | None] | None:
    """Redeem the token; return the service, agency and channel it was issued for.

    None, with an error, without a valid token.
    """
    if not survey.needs_token:
        errors.append(
            _field_error("token", "must be omitted: this survey is answered without a token")
        )
        return None
    if response.token is None:
        errors.append(
            _field_error("token", "is required: an agency issues one after a use of its service")
        )
        return None
    subject = await redeem_token(session, region, survey.slug, response.token, today=today)
    if subject is None:
        errors.append(_field_error("token", "is unknown, expired or already used"))
        return None
    issued_for: dict[str, str | None] = {
        "service": subject.service,
        "agency": subject.agency,
        "channel": subject.channel or None,
    }
    for name, value in issued_for.items():
        sent = getattr(response, name)
        if sent is not None and sent != value:
            errors.append(_field_error(name, f"must be omitted or {value}, which the token is for"))
    return issued_for


def _receipt(
    survey: str, response_id: UUID, version: int, answered_on: date, *, repeated: bool
) -> ResponseStored:
    return ResponseStored(
        id=response_id, survey=survey, version=version, answered_on=answered_on, repeated=repeated
    )


async def _find_stored(
    session: WriteSession, region: str, slug: str, response_id: UUID
) -> tuple[int, date] | None:
    """Return version and day of the response stored under this id; None if there is none."""
    row = (
        await session.execute(
            text(STORED_RESPONSE), {"region": region, "survey": slug, "id": response_id}
        )
    ).one_or_none()
    return None if row is None else (row.version, row.answered_on)


def _field_error(field: str, detail: str) -> FieldError:
    return FieldError(pointer=f"#/{field}", parameter=None, detail=detail)
