"""Stores responses: each once, validated against the version of the survey that was answered.

A response counts as one person's only if somebody vouches for it: the form and the sender's number
of responses on the day, or the key of an agency's enumerator or kiosk. Any other is held.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy import Row, text

from services.feedback.catalogue_lookup import find_agency
from services.feedback.form_checks import FormTokens
from services.feedback.reference_data import has_district
from services.feedback.senders import count_from_sender, hash_sender
from services.feedback.surveys.definition import Survey
from services.feedback.surveys.invitations import (
    InvitationTokens,
    find_invited,
    redeem_invitation,
)
from services.feedback.surveys.question_kinds.relational import find_report_errors
from services.feedback.surveys.ratings import RedeemedToken, redeem_token
from services.feedback.surveys.relations import store_reports
from services.feedback.surveys.rounds import (
    SurveyRound,
    describe_rounds,
    design_of,
    round_on,
    share_rounds,
)
from services.feedback.surveys.samples import sample_of
from services.feedback.surveys.schemas import (
    HoldReason,
    ResponseState,
    ResponseStored,
    SurveyResponse,
)
from services.platform.database import ReadSession, WriteSession
from services.platform.identity import Caller
from services.platform.local_time import day_of
from services.platform.problems import (
    Conflict,
    FieldError,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Unavailable,
)
from services.platform.service import API

MAX_ENUMERATOR_DAYS = 14
"""Days that an enumerator may be without a connection."""
COLLECTED_MODES = frozenset({"kiosk", "enumerator"})
"""Modes in which many people share a device, which an agency's key vouches for."""
INVITATION = "invitation"
"""The mode of those who are invited to a round."""
FORM_MODES = frozenset({"page", "qr"})
"""Modes of the hub's own form, whose token shows when it was opened."""
SERVICES_PER_SENDER = 3
"""A sender's responses to a survey, as a multiple of those about one service."""

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
     mode, answers, state, hold_reasons, collector, sender, issue, round, sample)
VALUES (:region, :survey, :id, :version, :answered_on, date_trunc('day', CAST(:now AS timestamptz)),
        :service, :agency, :channel, :district, :mode, CAST(:answers AS jsonb), :state,
        CAST(:hold_reasons AS text[]), :collector, :sender, :issue, :round, :sample)
ON CONFLICT (region, survey, id) DO NOTHING
RETURNING id
"""

STORED_RESPONSE = """
-- The response stored under this id.
SELECT version, answered_on, state, service, agency, channel, district, mode, answers
FROM feedback.response
WHERE region = :region AND survey = :survey AND id = :id
"""


async def find_survey(
    session: ReadSession | WriteSession, region: str, slug: str
) -> tuple[Survey, int]:
    """Return a survey with its current version; raise `NotFound` if there is none."""
    row = (await session.execute(text(SURVEYS), {"region": region, "slug": slug})).one_or_none()
    if row is None:
        raise NotFound(f"There is no survey {slug!r}; {API}/surveys lists all surveys.")
    try:
        return Survey.from_stored(row.content), row.version
    except ValidationError:
        raise Unavailable(
            f"The survey {slug!r} needs a newer version of the hub, which is being upgraded; try "
            "again shortly."
        ) from None


@dataclass(frozen=True)
class Submitter:
    """Who submits a response, and by what it is judged."""

    caller: Caller
    address: str
    form_tokens: FormTokens
    invitation_tokens: InvitationTokens
    max_per_service: int
    """Responses of one sender to a survey about a service and on a day."""


async def store_response(
    session: WriteSession,
    region: str,
    slug: str,
    response: SurveyResponse,
    *,
    submitter: Submitter,
    now: datetime,
    zone: ZoneInfo,
) -> ResponseStored:
    """Store a response; raise `Conflict` with every field and answer that is invalid.

    Raises:
        NotAuthenticated: The mode is that of an agency's device, and there is no key.
        NotAllowed: The key may not collect responses, or not about this agency.
    """
    survey, version = await find_survey(session, region, slug)
    if response.id is not None:
        # Its receipt was lost; by now its token is used, or its day is too long ago.
        stored_before = await _find_stored(session, region, slug, response.id)
        if stored_before is not None:
            return _repeated(slug, response, response.id, stored_before)
    collector = _check_collector(submitter.caller) if response.mode in COLLECTED_MODES else ""
    errors: list[FieldError] = []
    if response.version is not None and response.version != version:
        survey, version = await _find_older(
            session, region, survey, version, wanted=response.version, errors=errors
        )
    today = day_of(now, zone)
    issue = f"{collector} {today}" if response.mode == "kiosk" else ""
    if response.mode != INVITATION and (survey.needs_token or response.token is not None):
        use = await _redeem(session, region, survey, response, errors, today=today)
        if use is not None:
            issue = use.issue
            subject = {"service": use.service, "agency": use.agency, "channel": use.channel or None}
            response = response.model_copy(update=subject)
    service = response.service or ""
    agency, unknown = await find_agency(
        session, region, service=service, agency=response.agency or ""
    )
    if unknown is not None:
        errors.append(unknown)
    elif collector and not _may_collect_for(submitter.caller, agency):
        error = _field_error("agency", f"must be {submitter.caller.agency}")
        detail = f"This key collects responses about {submitter.caller.agency} only."
        raise NotAllowed(detail, errors=[error])
    errors += await _find_field_errors(session, region, survey, response, today=today)
    answered_on = response.answered_on or today
    rounds = await share_rounds(session, region, slug)
    current = round_on(rounds, answered_on)
    if rounds and current is None:
        errors.append(_field_error("answered_on", _outside_rounds(rounds, answered_on)))
    errors += await _check_invitation(session, response, current)
    reporter = await _find_relation_errors(
        session, survey, response, current, submitter=submitter, errors=errors
    )
    if errors:
        raise Conflict(
            f"The response to the survey {slug} is invalid; see errors[].", errors=errors
        )

    sender, reasons = None, list[HoldReason]()
    if not collector and response.mode != INVITATION:
        sender, reasons = await _judge(
            session, region, slug, response, submitter=submitter, now=now, today=today
        )
    if reporter is not None and current is not None and survey.relational is not None:
        stated = response.relations.get(survey.relational.code, [])
        await store_reports(session, current.key, reporter, stated)
    # A random id (UUIDv4): a time-based one would reveal when the person answered.
    response_id = response.id or uuid4()
    state: ResponseState = "held" if reasons else "counted"
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
            "district": response.district or "",
            "mode": response.mode,
            "answers": json.dumps(response.answers),
            "state": state,
            "hold_reasons": reasons,
            "collector": collector,
            "sender": sender,
            "issue": issue,
            "round": current.round if current is not None else "",
            "sample": sample_of(response.mode, design_of(current)),
        },
    )
    if stored is None and (before := await _find_stored(session, region, slug, response_id)):
        return _repeated(slug, response, response_id, before)
    return ResponseStored(
        id=response_id,
        survey=slug,
        version=version,
        answered_on=answered_on,
        repeated=False,
        state=state,
    )


async def _check_invitation(
    session: WriteSession, response: SurveyResponse, current: SurveyRound | None
) -> list[FieldError]:
    """Redeem the invitation of a response that was invited; return why it cannot be stored."""
    by_invitation = current is not None and current.by_invitation
    if response.mode != INVITATION:
        detail = f"must be {INVITATION}, with a token: only those who are invited answer this round"
        return [_field_error("mode", detail)] if by_invitation else []
    if current is None or not by_invitation:
        return [_field_error("mode", "must be another: no round with invitations is open")]
    if response.token is None:
        return [_field_error("token", "is required: it is in the link of the invitation")]
    if not await redeem_invitation(session, current.key, response.token):
        return [_field_error("token", "is unknown, of another round, or already used")]
    return []


async def _find_relation_errors(
    session: WriteSession,
    survey: Survey,
    response: SurveyResponse,
    current: SurveyRound | None,
    *,
    submitter: Submitter,
    errors: list[FieldError],
) -> str | None:
    """Return who reports its relations, with the errors of what it states; None if nobody does."""
    question = survey.relational
    for code in response.relations:
        if question is None or code != question.code:
            errors.append(_field_error(f"relations/{code}", "is not a relational question"))
    if question is None:
        return None
    if response.mode != INVITATION or current is None or response.token is None:
        if question.code in response.relations:
            detail = "must be omitted: only who is invited is asked about relations"
            errors.append(_field_error(f"relations/{question.code}", detail))
        return None
    who = await find_invited(session, current.key, response.token, submitter.invitation_tokens)
    if who is None:  # said by the error of the token
        return None
    stated = response.relations.get(question.code)
    if stated is None:
        if question.required:
            detail = "is required; an empty list if you work with none of them"
            errors.append(_field_error(f"relations/{question.code}", detail))
        return None
    partners = {one.code for one in who.partners}
    errors += [
        _field_error(f"relations/{question.code}/{place}", error)
        for place, error in find_report_errors(question, stated, partners)
    ]
    return who.invited.code


def _outside_rounds(rounds: Sequence[SurveyRound], day: date) -> str:
    return (
        f"must be a day on which this survey is open: {describe_rounds(rounds)}; on {day} it is not"
    )


async def _find_older(
    session: WriteSession,
    region: str,
    survey: Survey,
    version: int,
    *,
    wanted: int,
    errors: list[FieldError],
) -> tuple[Survey, int]:
    """Return the older version that was answered; the newest, with an error, if it never was."""
    key = {"region": region, "slug": survey.slug, "version": wanted}
    older = await session.scalar(text(VERSION), key)
    if older is None:
        errors.append(_field_error("version", f"does not exist; the newest is {version}"))
        return survey, version
    return Survey.from_stored(older), wanted


async def _find_field_errors(
    session: WriteSession, region: str, survey: Survey, response: SurveyResponse, *, today: date
) -> list[FieldError]:
    errors: list[FieldError] = []
    first_day = today - timedelta(days=MAX_ENUMERATOR_DAYS * (response.mode == "enumerator"))
    if response.answered_on is not None and not first_day <= response.answered_on <= today:
        span = "today" if first_day == today else f"between {first_day} and today"
        errors.append(_field_error("answered_on", f"must be {span}, {today}"))
    if response.mode in COLLECTED_MODES and survey.needs_token:
        detail = "must be page, qr or api: one token is one person's, on a device of their own"
        errors.append(_field_error("mode", detail))
    district = response.district
    if district is not None and not await has_district(session, region, district):
        errors.append(_field_error("district", f"is not a district of {region}"))
    errors += [
        _field_error(f"answers/{code}", error)
        for code, error in survey.find_errors(response.answers).items()
    ]
    return errors


async def _judge(
    session: WriteSession,
    region: str,
    slug: str,
    response: SurveyResponse,
    *,
    submitter: Submitter,
    now: datetime,
    today: date,
) -> tuple[bytes, list[HoldReason]]:
    """Return the sender's hash, and why this response of an open channel needs a look."""
    reasons: list[HoldReason] = []
    if response.mode in FORM_MODES:
        reasons += submitter.form_tokens.find_faults(
            form_name(slug), token=response.form_token, honeypot=response.website, now=now
        )
    elif response.website:
        reasons.append("honeypot")
    limits = {"": submitter.max_per_service * SERVICES_PER_SENDER}
    limits[f" {response.service or ''}"] = submitter.max_per_service
    hashes = {
        about: await hash_sender(
            session, region, [submitter.address], purpose=f"survey {slug}{about}", today=today
        )
        for about in limits
    }
    counts = {
        about: await count_from_sender(session, region, known_as, today=today)
        for about, known_as in hashes.items()
    }
    if any(counts[about] > limit for about, limit in limits.items()):
        reasons.append("too_many_from_sender")
    return hashes[""], reasons


def form_name(slug: str) -> str:
    """Return the name that the form tokens of a survey are issued for."""
    return f"survey {slug}"


def _check_collector(caller: Caller) -> str:
    """Return the agency whose enumerator or kiosk the caller is."""
    if caller.is_anonymous or caller.agency is None:
        raise NotAuthenticated(
            "Responses of enumerators and kiosks need an agency's key with the scope "
            "surveys:collect."
        )
    if not (caller.has_scope("surveys:collect") or caller.has_scope("usage:write")):
        raise NotAllowed(
            "This key does not have the scope surveys:collect; issue one with `emall keys issue "
            f"--agency {caller.agency} --scope surveys:collect`."
        )
    return caller.agency


def _may_collect_for(caller: Caller, agency: str) -> bool:
    """Return whether the key collects about an agency: about any, if it is issued to collect."""
    return caller.has_scope("surveys:collect") or caller.agency == agency


async def _redeem(
    session: WriteSession,
    region: str,
    survey: Survey,
    response: SurveyResponse,
    errors: list[FieldError],
    *,
    today: date,
) -> RedeemedToken | None:
    """Redeem the token; None, with an error, without a valid token."""
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
    use = await redeem_token(session, region, survey.slug, response.token, today=today)
    if use is None:
        errors.append(_field_error("token", "is unknown, expired or already used"))
        return None
    issued_for = {"service": use.service, "agency": use.agency, "channel": use.channel or None}
    for name, value in issued_for.items():
        sent = getattr(response, name)
        if sent is not None and sent != value:
            errors.append(_field_error(name, f"must be omitted or {value}, which the token is for"))
    return use


def _repeated(
    survey: str, response: SurveyResponse, response_id: UUID, before: Row[Any]
) -> ResponseStored:
    """Return the receipt of a response that was stored before; `Conflict` if it is another one.

    What was left to the hub, such as the day, may have been filled in otherwise the first time.
    """
    given = {
        "version": response.version,
        "answered_on": response.answered_on,
        "service": response.service,
        "agency": response.agency,
        "channel": response.channel,
        "district": response.district,
    }
    is_same = (
        before.answers == response.answers
        and before.mode == response.mode
        and all(value in {None, getattr(before, name)} for name, value in given.items())
    )
    if not is_same:
        raise Conflict(
            "Another response was stored under this id.",
            errors=[_field_error("id", "is the id of another response; a new one needs a new id")],
        )
    return ResponseStored(
        id=response_id,
        survey=survey,
        version=before.version,
        answered_on=before.answered_on,
        repeated=True,
        state=before.state,
    )


async def _find_stored(
    session: WriteSession, region: str, slug: str, response_id: UUID
) -> Row[Any] | None:
    """Return the response stored under this id; None if there is none."""
    names = {"region": region, "survey": slug, "id": response_id}
    return (await session.execute(text(STORED_RESPONSE), names)).one_or_none()


def _field_error(field: str, detail: str) -> FieldError:
    return FieldError(pointer=f"#/{field}", parameter=None, detail=detail)
