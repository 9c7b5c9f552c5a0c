"""Rating tokens over HTTP: `/api/v1/usage/rating-tokens`."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from services.feedback.surveys.rating_schemas import (
    RatingToken,
    RatingTokenRequest,
    RatingTokens,
    RatingTokenSubject,
)
from services.feedback.surveys.ratings import (
    ServiceUse,
    check_offered,
    find_token,
    new_token,
    store_tokens,
)
from services.feedback.surveys.responses import find_survey
from services.feedback.surveys.schemas import Token
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import UsageWriter
from services.platform.local_time import ZoneDep, day_of
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
    *,
    zone: ZoneDep,
    wanted: RatingTokenRequest,
) -> RatingTokens:
    """Issue tokens for uses of one of the agency's services, to be given to citizens.

    Each opens a rating once. The request is not idempotent: a repeated one issues further tokens,
    and unused tokens expire.
    """
    region, today = get_region(request), day_of(datetime.now(UTC), zone)
    agency = wanted.agency or caller.agency
    if agency is None:
        error = FieldError(
            pointer="#/agency", parameter=None, detail="is required: this key belongs to no agency"
        )
        raise Invalid("Tokens are issued for an agency.", errors=[error])
    if not caller.can_write_for(agency):
        error = FieldError(pointer="#/agency", parameter=None, detail=f"must be {caller.agency}")
        raise NotAllowed(f"This key cannot issue tokens for {agency}.", errors=[error])
    survey, _ = await find_survey(session, region, wanted.survey)
    if not survey.needs_token:
        error = FieldError(
            pointer="#/survey", parameter=None, detail="must be a survey with tokens"
        )
        raise Conflict(f"The survey {survey.slug} needs no token.", errors=[error])
    await check_offered(session, region, agency=agency, service=wanted.service)
    tokens = [new_token(secrets.token_bytes) for _ in range(wanted.count)]
    expires_on = today + timedelta(days=wanted.days)
    await store_tokens(
        session,
        region,
        tokens,
        survey=survey.slug,
        use=ServiceUse(wanted.service, agency, wanted.channel or ""),
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


@router.get("/subject", operation_id="get_rating_token", responses=problem_responses(404))
async def get_rating_token(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    zone: ZoneDep,
    token: Annotated[Token, Header(alias="Rating-Token", description="An issued token.")],
) -> RatingTokenSubject:
    """Return what a token was issued for; 404 once it was used or has expired."""
    today = day_of(datetime.now(UTC), zone)
    found = await find_token(session, get_region(request), token, today=today)
    if found is None:
        raise NotFound("This token is unknown, expired or already used.")
    response.headers["Cache-Control"] = "no-store"
    return found
