"""Rating tokens over HTTP: `/api/v1/usage/rating-tokens`."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Header, Request, Response

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
from services.platform.concurrency_control import IdempotencyKey, claim_idempotency_key
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import UsageWriter
from services.platform.ids import new_id
from services.platform.local_time import ZoneDep, day_of
from services.platform.problems import (
    Conflict,
    FieldError,
    Invalid,
    NotAllowed,
    NotFound,
    problem_responses,
)
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service

router = Router(
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
    idempotency_key: IdempotencyKey = None,
) -> RatingTokens:
    """Issue tokens for uses of one of the agency's services, to be given to citizens.

    Each opens a rating once. Tokens are stored as hashes: a request repeated with the same
    `Idempotency-Key` is 409, one without a key issues further tokens. Unused tokens expire.
    """
    now = datetime.now(UTC)
    region, today = get_region(request), day_of(now, zone)
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
    _, is_new = await claim_idempotency_key(
        session,
        Service.feedback,
        region,
        caller=caller.subject,
        operation="post_rating_tokens",
        key=idempotency_key,
        body=wanted,
        new_id=new_id(),
        now=now,
    )
    if not is_new:
        raise Conflict(
            "Tokens were issued with this Idempotency-Key and are not shown again; if the answer "
            "did not arrive, issue others: those unused expire."
        )
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
