"""The follow-up plan of a survey (rencana tindak lanjut, PermenPANRB 14/2017).

Agencies record what they do about the elements with the lowest results, by when, and the outcome.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, model_validator
from sqlalchemy import text

from services.feedback.periods import PeriodText
from services.feedback.surveys.definition import Code, Survey
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, WriteSession
from services.platform.problems import Conflict, FieldError, NotFound
from services.platform.service import API
from services.platform.types import TEXT_PATTERN, Href, IsoDate, ShortText, Slug

MAX_ACTIONS = 500

State = Literal["planned", "under_way", "done", "dropped"]
LongText = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=5000)]

CURRENT = """
-- The current actions of a plan, by due date.
SELECT id, version, content, recorded_at FROM feedback.follow_up
WHERE region = :region AND survey = :survey AND is_current AND period = :period
  AND (CAST(:agency AS text) IS NULL OR agency = :agency)
ORDER BY content ->> 'due', id
LIMIT :most
"""

FIND = """
-- An action in its current version, or in the version given.
SELECT id, version, content, recorded_at FROM feedback.follow_up
WHERE region = :region AND survey = :survey AND id = :id
  AND CASE WHEN CAST(:version AS int) IS NULL THEN is_current ELSE version = :version END
"""

LOCK_ACTION = """
-- Locks an action until the transaction ends, so that changes are serialised.
SELECT version FROM feedback.follow_up
WHERE region = :region AND survey = :survey AND id = :id AND is_current
FOR UPDATE
"""

RETIRE = """
-- Marks the current version as replaced; it stays stored.
UPDATE feedback.follow_up SET is_current = false
WHERE region = :region AND survey = :survey AND id = :id AND is_current
"""

STORE = """
-- A version of an action.
INSERT INTO feedback.follow_up
    (region, survey, id, version, is_current, agency, period, content, recorded_at, recorded_by)
VALUES (:region, :survey, :id, :version, true, :agency, :period, CAST(:content AS jsonb), :now,
        :recorded_by)
"""


class FollowUp(ApiModel):
    """What an agency does about an element; a unit is responsible, never a named person."""

    agency: Slug = Field(description="The agency whose plan it belongs to.")
    period: PeriodText = Field(description="The period of the survey's results.")
    element: Code = Field(description="The question it is about, such as `U3`.")
    service: Slug | None = Field(None, description="The service, if it is about only one.")
    action: LongText = Field(description="What is done.")
    owner: ShortText = Field(description="The responsible unit or office, not a person.")
    due: IsoDate = Field(description="Due date.")
    state: State = "planned"
    outcome: LongText | None = Field(
        None, description="The outcome; required once the state is done or dropped."
    )

    @model_validator(mode="after")
    def _check_outcome(self) -> "FollowUp":
        if self.state in {"done", "dropped"} and self.outcome is None:
            raise ValueError(f"an action that is {self.state} needs an outcome")
        return self


class FollowUpAction(ApiModel):
    """A recorded action."""

    id: UUID
    survey: Slug
    version: int = Field(ge=1)
    content: FollowUp
    recorded_at: AwareDatetime
    href: Href


class Priority(ApiModel):
    """An element, in order of priority."""

    element: str
    text: str
    text_en: str
    nrr: float = Field(ge=1, le=4, description="Mean value of the element.")
    actions: int = Field(ge=0, description="Actions of this plan about it.")


class FollowUpPlan(ApiModel):
    """The elements of a period, the lowest first, and the actions about them."""

    survey: str
    period: str
    agency: str | None
    priorities: list[Priority] = Field(
        description="Of the satisfaction survey; empty if fewer than five people answered."
    )
    items: list[FollowUpAction] = Field(
        max_length=MAX_ACTIONS, description=f"By due date, at most {MAX_ACTIONS}."
    )
    next: None = None


@dataclass(frozen=True)
class Plan:
    """The plan that an action belongs to: that of a survey in a region."""

    region: str
    survey: str

    def parameters(self, **more: Any) -> dict[str, Any]:
        """Return the parameters of a query for this plan."""
        return {"region": self.region, "survey": self.survey} | more


async def list_actions(
    session: ReadSession | WriteSession, plan: Plan, *, period: str, agency: str | None
) -> list[FollowUpAction]:
    """Return the current actions of a period."""
    rows = await session.execute(
        text(CURRENT), plan.parameters(period=period, agency=agency, most=MAX_ACTIONS)
    )
    return [_action(plan, row) for row in rows]


async def find_action(
    session: ReadSession | WriteSession, plan: Plan, action_id: UUID, *, version: int | None = None
) -> FollowUpAction:
    """Return an action; raise `NotFound` if the survey has none with this id."""
    row = (
        await session.execute(text(FIND), plan.parameters(id=action_id, version=version))
    ).one_or_none()
    if row is None:
        raise NotFound(f"The follow-up plan of {plan.survey} has no action {action_id}.")
    return _action(plan, row)


async def lock_action(session: WriteSession, plan: Plan, action_id: UUID) -> FollowUpAction:
    """Lock an action until the transaction ends, and return it."""
    await session.execute(text(LOCK_ACTION), plan.parameters(id=action_id))
    return await find_action(session, plan, action_id)


async def record_action(
    session: WriteSession,
    plan: Plan,
    action_id: UUID,
    content: FollowUp,
    *,
    version: int,
    now: datetime,
    recorded_by: str,
) -> None:
    """Store a version of an action; earlier versions stay stored."""
    await session.execute(text(RETIRE), plan.parameters(id=action_id))
    await session.execute(
        text(STORE),
        plan.parameters(
            id=action_id,
            version=version,
            agency=content.agency,
            period=content.period,
            content=content.model_dump_json(),
            now=now,
            recorded_by=recorded_by,
        ),
    )


def check_element(survey: Survey, content: FollowUp) -> None:
    """Raise `Conflict` unless the action is about a question that is answered on a scale."""
    elements = [question.code for question in survey.questions if question.kind_rules.is_scale]
    if content.element not in elements:
        detail = f"must be one of {', '.join(elements) or 'none: the survey has no scale'}"
        error = FieldError(pointer="#/element", parameter=None, detail=detail)
        raise Conflict(f"The survey {survey.slug} has no such element.", errors=[error])


def _action(plan: Plan, row: Any) -> FollowUpAction:
    return FollowUpAction(
        id=row.id,
        survey=plan.survey,
        version=row.version,
        content=FollowUp.model_validate(row.content),
        recorded_at=row.recorded_at,
        href=f"{API}/surveys/{plan.survey}/follow-up/{row.id}",
    )
