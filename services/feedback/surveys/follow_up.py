"""The follow-up plan of a survey (rencana tindak lanjut, PermenPANRB 14/2017).

Agencies record what they do about the elements with the lowest results, by when, and the outcome.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.feedback.surveys.definition import Survey
from services.feedback.surveys.follow_up_schemas import MAX_ACTIONS, FollowUp, FollowUpAction
from services.platform.database import ReadSession, WriteSession
from services.platform.problems import Conflict, FieldError, NotFound
from services.platform.service import API
from services.platform.stored import parse_stored
from services.platform.translation import N_, localized

CURRENT = """
-- The current actions of a plan, by due date.
SELECT id, version, content, recorded_at FROM feedback.follow_up
WHERE region = :region AND survey = :survey AND is_current AND period = :period
  AND (CAST(:agency AS text) IS NULL OR agency = :agency)
ORDER BY content ->> 'due', id
LIMIT :most
"""

OPEN = """
-- What has yet to be done, of all surveys and periods, by due date.
SELECT survey, id, version, content, recorded_at FROM feedback.follow_up
WHERE region = :region AND is_current AND (CAST(:agency AS text) IS NULL OR agency = :agency)
  AND content ->> 'state' IN ('planned', 'under_way')
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


async def list_open_actions(
    session: ReadSession, region: str, *, agency: str | None
) -> list[FollowUpAction]:
    """Return the actions that are neither done nor dropped, of all surveys and periods."""
    parameters = {"region": region, "agency": agency, "most": MAX_ACTIONS}
    rows = await session.execute(text(OPEN), parameters)
    return [_action(Plan(region, row.survey), row) for row in rows]


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
        if elements:
            one_of = N_("harus salah satu dari %(elements)s")
            detail = localized(one_of, elements=", ".join(elements))
        else:
            detail = localized(N_("tidak dapat diisi: survei ini tidak mempunyai skala"))
        raise Conflict(
            localized(N_("Survei %(survey)s tidak mempunyai unsur itu."), survey=survey.slug),
            errors=[FieldError.at("#/element", detail)],
        )


def _action(plan: Plan, row: Any) -> FollowUpAction:
    return FollowUpAction(
        id=row.id,
        survey=plan.survey,
        version=row.version,
        content=parse_stored(FollowUp, row.content),
        recorded_at=row.recorded_at,
        href=f"{API}/surveys/{plan.survey}/follow-up/{row.id}",
    )
