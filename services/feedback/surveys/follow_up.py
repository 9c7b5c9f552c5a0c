"""The follow-up plan of a survey (rencana tindak lanjut, PermenPANRB 14/2017): who does what about
the elements that came out lowest, until when, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, model_validator
from sqlalchemy import text

from services.feedback.surveys.definition import Code, Survey
from services.feedback.surveys.periods import PeriodText
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, WriteSession
from services.platform.problems import Conflict, FieldError, NotFound
from services.platform.service import API
from services.platform.types import TEXT_PATTERN, Href, IsoDate, ShortText, Slug

MOST_ACTIONS = 500

State = Literal["planned", "under_way", "done", "dropped"]
Told = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=5000)]

CURRENT = """
-- The actions of a plan as they stand, the first due first.
SELECT id, version, content, recorded_at FROM feedback.follow_up
WHERE region = :region AND survey = :survey AND is_current AND period = :period
  AND (CAST(:agency AS text) IS NULL OR agency = :agency)
ORDER BY content ->> 'due', id
LIMIT :most
"""

FIND = """
-- An action in its newest version, or in one of its own.
SELECT id, version, content, recorded_at FROM feedback.follow_up
WHERE region = :region AND survey = :survey AND id = :id
  AND CASE WHEN CAST(:version AS int) IS NULL THEN is_current ELSE version = :version END
"""

HOLD = """
-- Holds an action until the transaction ends, so that its changes come one after the other.
SELECT version FROM feedback.follow_up
WHERE region = :region AND survey = :survey AND id = :id AND is_current
FOR UPDATE
"""

RETIRE = """
-- A version that another one replaces stays.
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
    """What an agency does about an element. No names of people: a unit answers for it."""

    agency: Slug = Field(description="The agency whose plan it belongs to.")
    period: PeriodText = Field(description="The survey's period from which it follows.")
    element: Code = Field(description="The question it is about, such as `U3`.")
    service: Slug | None = Field(None, description="The service, where it is about one alone.")
    action: Told = Field(description="What is done.")
    owner: ShortText = Field(description="Unit or office that answers for it, not a person.")
    due: IsoDate = Field(description="By when.")
    state: State = "planned"
    outcome: Told | None = Field(
        None, description="What became of it; needed once it is done or dropped."
    )

    @model_validator(mode="after")
    def _an_end_has_an_outcome(self) -> "FollowUp":
        if self.state in {"done", "dropped"} and self.outcome is None:
            raise ValueError(f"what is {self.state} needs an outcome")
        return self


class FollowUpAction(ApiModel):
    """An action as it is on record."""

    id: UUID
    survey: Slug
    version: int = Field(ge=1)
    content: FollowUp
    recorded_at: AwareDatetime
    href: Href


class Priority(ApiModel):
    """An element in the order in which elements need work."""

    element: str
    text: str
    text_en: str
    nrr: float = Field(ge=1, le=4, description="Mean value of the element.")
    actions: int = Field(ge=0, description="Actions of this plan about it.")


class FollowUpPlan(ApiModel):
    """The elements of a period, the lowest first, and what is done about them."""

    survey: str
    span: str = Field(description="The period.")
    agency: str | None
    priorities: list[Priority] = Field(
        description="Of the satisfaction survey; empty where fewer than five answered."
    )
    items: list[FollowUpAction] = Field(
        max_length=MOST_ACTIONS, description=f"The first due first, at most {MOST_ACTIONS}."
    )
    next: None = None


@dataclass(frozen=True)
class Plan:
    """Where an action stands: the survey of a region."""

    region: str
    survey: str

    def names(self, **more: Any) -> dict[str, Any]:
        return {"region": self.region, "survey": self.survey} | more


async def actions_of(
    session: ReadSession | WriteSession, plan: Plan, *, period: str, agency: str | None
) -> list[FollowUpAction]:
    """The actions of a period as they stand."""
    rows = await session.execute(
        text(CURRENT), plan.names(period=period, agency=agency, most=MOST_ACTIONS)
    )
    return [_action(plan, row) for row in rows]


async def find_action(
    session: ReadSession | WriteSession, plan: Plan, action_id: UUID, *, version: int | None = None
) -> FollowUpAction:
    """An action; `NotFound` where the survey has none with this id."""
    row = (
        await session.execute(text(FIND), plan.names(id=action_id, version=version))
    ).one_or_none()
    if row is None:
        raise NotFound(f"The follow-up of {plan.survey} has no action {action_id}.")
    return _action(plan, row)


async def hold_action(session: WriteSession, plan: Plan, action_id: UUID) -> FollowUpAction:
    """An action that nobody else changes until the transaction ends."""
    await session.execute(text(HOLD), plan.names(id=action_id))
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
    """Stores a version of an action; the one before stays on record."""
    await session.execute(text(RETIRE), plan.names(id=action_id))
    await session.execute(
        text(STORE),
        plan.names(
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
    """Refuses an action about something that the survey does not ask on a scale."""
    elements = [question.code for question in survey.questions if question.kind == "scale4"]
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
