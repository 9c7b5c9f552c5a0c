"""Rounds of surveys over HTTP: `/api/v1/surveys/{slug}/rounds`."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Request, Response

from services.feedback.surveys.responses import find_survey
from services.feedback.surveys.round_schemas import Round, RoundCode, StoredRound, SurveyRounds
from services.feedback.surveys.rounds import (
    RoundKey,
    SurveyRound,
    delete_round,
    find_round,
    list_rounds,
    lock_rounds,
    store_round,
    summarise_rounds,
)
from services.platform.concurrency_control import IfMatch, check_if_match, resource_tag
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import Caller, MetricsDrafter
from services.platform.local_time import ZoneDep, day_of
from services.platform.parameters import SlugPath
from services.platform.problems import Conflict, FieldError, NotAllowed, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(
    prefix=f"{API}/surveys", tags=["surveys"], responses=problem_responses(401, 404, 422)
)

RoundPath = Annotated[RoundCode, Path(description="Code of the round, such as its year.")]


@router.get("/{slug}/rounds", operation_id="list_survey_rounds")
async def list_survey_rounds(
    request: Request, session: ReadSessionDep, zone: ZoneDep, slug: SlugPath
) -> SurveyRounds:
    """List the rounds of a survey; without rounds it is answered on any day."""
    region = get_region(request)
    await find_survey(session, region, slug)
    rounds = await list_rounds(session, region, slug)
    return SurveyRounds(
        survey=slug, items=summarise_rounds(rounds, today=day_of(datetime.now(UTC), zone))
    )


@router.get("/{slug}/rounds/{round}", operation_id="get_survey_round")
async def get_survey_round(
    request: Request, response: Response, session: ReadSessionDep, slug: SlugPath, round: RoundPath
) -> StoredRound:
    """Return a round, with the `ETag` that a change of it needs."""
    found = (await find_round(session, RoundKey(get_region(request), slug, round))).stored()
    response.headers["ETag"] = resource_tag(found)
    return found


@router.put(
    "/{slug}/rounds/{round}",
    operation_id="put_survey_round",
    responses=problem_responses(403, 409, 412, 413, 428)
    | {201: {"model": StoredRound, "description": "The round did not exist and was created."}},
)
async def put_survey_round(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    zone: ZoneDep,
    *,
    caller: MetricsDrafter,
    slug: SlugPath,
    round: RoundPath,
    content: Round,
    if_match: IfMatch = None,
) -> StoredRound:
    """Store a round, or change it until it closes; a change needs `If-Match`.

    From its first round on, a survey is answered only for the days of its rounds. Once a round has
    responses, its `sample` stays, and so do the days of the responses; a closed round stays as it
    is.
    """
    key = RoundKey(get_region(request), slug, round)
    survey, _ = await find_survey(session, key.region, slug)
    if survey.needs_token and content.sample == "invited":
        detail = "must be another: this survey is opened by the tokens of agencies"
        error = FieldError(pointer="#/sample", parameter=None, detail=detail)
        raise Conflict(f"The survey {slug} is not answered by invitation.", errors=[error])
    rounds = await lock_rounds(session, key.region, slug)
    current = next((one for one in rounds if one.round == round), None)
    if current is not None:
        check_owner(caller, current)
        check_if_match(if_match, current.stored())
    agency = current.agency if current is not None else caller.agency
    today = day_of(datetime.now(UTC), zone)
    await store_round(session, key, content, rounds, agency=agency, today=today)
    stored = (await find_round(session, key)).stored()
    response.status_code = 200 if current is not None else 201
    response.headers["ETag"] = resource_tag(stored)
    response.headers["Location"] = stored.href
    return stored


@router.delete(
    "/{slug}/rounds/{round}",
    operation_id="delete_survey_round",
    status_code=204,
    responses=problem_responses(403, 409),
)
async def delete_survey_round(
    request: Request,
    session: WriteSessionDep,
    *,
    caller: MetricsDrafter,
    slug: SlugPath,
    round: RoundPath,
) -> None:
    """Delete a round that nobody has answered."""
    key = RoundKey(get_region(request), slug, round)
    await lock_rounds(session, key.region, slug)
    check_owner(caller, await find_round(session, key))
    await delete_round(session, key)


def check_owner(caller: Caller, found: SurveyRound) -> None:
    """Raise `NotAllowed` unless the round is of the caller's agency, or the caller `admin`."""
    if not (caller.has_scope("admin") or (found.agency and caller.agency == found.agency)):
        owner = found.agency or "an administrator"
        raise NotAllowed(f"The round {found.round} was opened by {owner}, who may change it.")
