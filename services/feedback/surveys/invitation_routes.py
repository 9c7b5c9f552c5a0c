"""Invitations to a round over HTTP: `/api/v1/surveys/{slug}/rounds/{round}/invitations`."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Header, Path, Query, Request, Response

from services.feedback.private_key import private_key_of
from services.feedback.surveys.invitation_schemas import (
    InvitationRequest,
    Invitations,
    InvitationSubject,
    StakeholderCode,
)
from services.feedback.surveys.invitations import (
    InvitationTokens,
    find_invitation,
    invite,
    list_invitations,
    withdraw_invitation,
)
from services.feedback.surveys.relation_schemas import SurveyTies
from services.feedback.surveys.relations import find_ties, newest_closed_round
from services.feedback.surveys.responses import find_survey
from services.feedback.surveys.round_routes import RoundPath, check_owner
from services.feedback.surveys.rounds import RoundKey, find_round, list_rounds, lock_rounds
from services.feedback.surveys.routes import PeriodQuery, period_or_this_year
from services.feedback.surveys.schemas import Token
from services.platform.database import ReadSession, ReadSessionDep, WriteSession, WriteSessionDep
from services.platform.identity import MetricsDrafter
from services.platform.local_time import ZoneDep, day_of
from services.platform.parameters import SlugPath
from services.platform.problems import NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(
    prefix=f"{API}/surveys", tags=["surveys"], responses=problem_responses(401, 404, 422)
)


@router.get("/invitations/subject", operation_id="get_survey_invitation")
async def get_survey_invitation(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    zone: ZoneDep,
    token: Annotated[
        Token, Header(alias="Invitation-Token", description="The token of an invitation.")
    ],
) -> InvitationSubject:
    """Return what an invitation is to; 404 once it is answered, or while the round is not open."""
    today = day_of(datetime.now(UTC), zone)
    found = await find_invitation(
        session, get_region(request), token, await _tokens(request), today=today
    )
    if found is None:
        raise NotFound("This invitation is unknown or answered, or its round is not open.")
    response.headers["Cache-Control"] = "no-store"
    return found


@router.get(
    "/{slug}/rounds/{round}/invitations",
    operation_id="list_survey_invitations",
    responses=problem_responses(403),
)
async def list_survey_invitations(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    *,
    caller: MetricsDrafter,
    slug: SlugPath,
    round: RoundPath,
    answered: Annotated[
        bool | None,
        Query(
            description="`false`: those who have not answered, with their links: to remind them."
        ),
    ] = None,
) -> Invitations:
    """List who is invited to a round of the key's agency, and who has answered: not what."""
    key = RoundKey(get_region(request), slug, round)
    check_owner(caller, await find_round(session, key))
    return await _answer(request, response, session, key, answered=answered)


@router.post(
    "/{slug}/rounds/{round}/invitations",
    operation_id="post_survey_invitations",
    responses=problem_responses(403, 409, 413),
)
async def post_survey_invitations(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    zone: ZoneDep,
    *,
    caller: MetricsDrafter,
    slug: SlugPath,
    round: RoundPath,
    wanted: InvitationRequest,
) -> Invitations:
    """Invite stakeholders to a round, and return all its invitations with their links.

    The hub sends no messages: hand the links out. A repeated request changes nothing; who is
    invited already keeps the link.
    """
    key = RoundKey(get_region(request), slug, round)
    await lock_rounds(session, key.region, slug)
    check_owner(caller, await find_round(session, key))
    today = day_of(datetime.now(UTC), zone)
    await invite(session, key, wanted.invited, await _tokens(request), today=today)
    return await _answer(request, response, session, key, answered=None)


@router.delete(
    "/{slug}/rounds/{round}/invitations/{code}",
    operation_id="delete_survey_invitation",
    status_code=204,
    responses=problem_responses(403, 409),
)
async def delete_survey_invitation(
    request: Request,
    session: WriteSessionDep,
    zone: ZoneDep,
    *,
    caller: MetricsDrafter,
    slug: SlugPath,
    round: RoundPath,
    code: Annotated[StakeholderCode, Path(description="Key of the stakeholder.")],
) -> None:
    """Withdraw an invitation before the round opens; its link opens nothing any more."""
    key = RoundKey(get_region(request), slug, round)
    await lock_rounds(session, key.region, slug)
    check_owner(caller, await find_round(session, key))
    await withdraw_invitation(
        session, key, code, await _tokens(request), today=day_of(datetime.now(UTC), zone)
    )


@router.get("/{slug}/ties", operation_id="get_survey_ties")
async def get_survey_ties(
    request: Request,
    session: ReadSessionDep,
    zone: ZoneDep,
    slug: SlugPath,
    *,
    period: PeriodQuery = None,
) -> SurveyTies:
    """Return who reported to work with whom in the newest round by invitation of a period.

    Only of a closed round. Ties are published as each stakeholder reports them, ratings of a
    partner as means of five raters or more.
    """
    region, now = get_region(request), datetime.now(UTC)
    survey, _ = await find_survey(session, region, slug)
    today = day_of(now, zone)
    wanted = period_or_this_year(period, today)
    rounds = await list_rounds(session, region, slug)
    closed = newest_closed_round(rounds, wanted, today=today)
    found = None if closed is None else await find_ties(session, survey, closed)
    if found is None:
        raise NotFound(
            f"No round of the survey {slug} that asked about relations closed in {wanted}."
        )
    return found


async def _answer(
    request: Request,
    response: Response,
    session: ReadSession | WriteSession,
    key: RoundKey,
    *,
    answered: bool | None,
) -> Invitations:
    items = await list_invitations(session, key, await _tokens(request))
    response.headers["Cache-Control"] = "no-store"
    return Invitations(
        survey=key.survey,
        round=key.round,
        invited=len(items),
        answered=sum(item.answered for item in items),
        items=[item for item in items if answered is None or item.answered == answered],
    )


async def _tokens(request: Request) -> InvitationTokens:
    return InvitationTokens(await private_key_of(request))
