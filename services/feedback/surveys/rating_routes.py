"""Tokens of ratings over HTTP: `/api/v1/usage/rating-tokens`."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from services.feedback.surveys.ratings import (
    RatingToken,
    RatingTokens,
    RatingTokensWanted,
    RatingUse,
    Use,
    check_offered,
    find_use,
    new_token,
    store_tokens,
)
from services.feedback.surveys.responses import find_survey
from services.feedback.surveys.schemas import Token
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import UsageWriter
from services.platform.local_time import JAKARTA
from services.platform.problems import (
    Conflict,
    FieldError,
    Invalid,
    NotAllowed,
    NotFound,
    problem_responses,
)
from services.platform.service import API, get_region

router = APIRouter(
    prefix=f"{API}/usage/rating-tokens", tags=["surveys"], responses=problem_responses(401, 422)
)


@router.post(
    "",
    operation_id="post_rating_tokens",
    status_code=201,
    responses=problem_responses(403, 404, 409, 413),
)
async def post_rating_tokens(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    caller: UsageWriter,
    wanted: RatingTokensWanted,
) -> RatingTokens:
    """Issues tokens for uses of one of the key's agency's services, to be given to citizens.

    Each opens a rating once. Asked for twice, there are twice as many: those that nobody uses
    end by themselves.
    """
    region, today = get_region(request), datetime.now(UTC).astimezone(JAKARTA).date()
    agency = wanted.agency or caller.agency
    if agency is None:
        error = FieldError(pointer="#/agency", parameter=None, detail="this key has none: name it")
        raise Invalid("Tokens are an agency's.", errors=[error])
    if not caller.can_write_for(agency):
        error = FieldError(pointer="#/agency", parameter=None, detail=f"must be {caller.agency}")
        raise NotAllowed(f"This key does not issue tokens for {agency}.", errors=[error])
    survey, _ = await find_survey(session, region, wanted.survey)
    if not survey.needs_token:
        error = FieldError(pointer="#/survey", parameter=None, detail="is answered without a token")
        raise Conflict(f"The survey {survey.slug} needs no token.", errors=[error])
    await check_offered(session, region, agency=agency, service=wanted.service)
    tokens = [new_token(secrets.token_bytes) for _ in range(wanted.count)]
    expires_on = today + timedelta(days=wanted.days)
    await store_tokens(
        session,
        region,
        tokens,
        survey=survey.slug,
        use=Use(wanted.service, agency, wanted.channel or ""),
        expires_on=expires_on,
        today=today,
    )
    response.headers["Cache-Control"] = "no-store"
    return RatingTokens(
        survey=survey.slug,
        service=wanted.service,
        agency=agency,
        channel=wanted.channel,
        expires_on=expires_on,
        items=[RatingToken(token=token, path=f"/nilai/{token}") for token in tokens],
    )


@router.get("/{token}", operation_id="get_rating_token", responses=problem_responses(404))
async def get_rating_token(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    token: Annotated[Token, Path(description="A token that was issued.")],
) -> RatingUse:
    """What a token is for, while it can be used: 404 once it was, or its days are over."""
    today = datetime.now(UTC).astimezone(JAKARTA).date()
    found = await find_use(session, get_region(request), token, today=today)
    if found is None:
        raise NotFound("This token was used, is over, or never was.")
    response.headers["Cache-Control"] = "no-store"
    return found
