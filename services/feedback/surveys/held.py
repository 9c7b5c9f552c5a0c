"""Held responses: what is known of them but their answers, and the decision about them.

Whoever decides does not see the answers: an agency could otherwise read what somebody answered at
its counter, or release the praise and refuse the blame.
"""

import hashlib
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import text

from services.feedback.surveys.held_schemas import Decision, HeldResponse, HeldResponses
from services.platform.database import ReadSession, WriteSession

HELD = """
-- Responses that were held, about one agency or all, in one state, oldest first.
SELECT id, answered_on, service, agency, channel, mode, hold_reasons, sender, state, decided_on,
       decided_by, decision_reason
FROM feedback.response
WHERE region = :region AND survey = :survey AND cardinality(hold_reasons) > 0 AND state = :state
  AND (CAST(:agency AS text) IS NULL OR agency = :agency)
  AND (CAST(:after AS uuid) IS NULL OR (answered_on, id) > (
        SELECT answered_on, id FROM feedback.response
        WHERE region = :region AND survey = :survey AND id = :after))
ORDER BY answered_on, id LIMIT :limit
"""

LOCK_HELD = """
-- Which of these responses are held, about one agency or all; locked.
SELECT id FROM feedback.response
WHERE region = :region AND survey = :survey AND state = 'held' AND id = ANY(:ids)
  AND (CAST(:agency AS text) IS NULL OR agency = :agency)
ORDER BY id FOR UPDATE
"""

DECIDE = """
-- Records a decision. The sender of a refused response is forgotten; that of a released one is
-- needed until it is bundled.
UPDATE feedback.response
SET state = :state, decided_on = :today, decided_by = :actor, decision_reason = :reason,
    sender = CASE WHEN :state = 'counted' THEN sender END,
    issue = CASE WHEN :state = 'counted' THEN issue ELSE '' END
WHERE region = :region AND survey = :survey AND id = ANY(:ids)
"""


async def list_held(
    session: ReadSession,
    region: str,
    survey: str,
    *,
    agency: str | None,
    state: str,
    limit: int,
    after: UUID | None,
) -> list[HeldResponse]:
    """Return what is known of held responses, about one agency or about all."""
    key = {"region": region, "survey": survey, "agency": agency, "state": state}
    rows = await session.execute(text(HELD), key | {"limit": limit, "after": after})
    return [
        HeldResponse(
            id=row.id,
            answered_on=row.answered_on,
            service=row.service or None,
            agency=row.agency or None,
            channel=row.channel or None,
            mode=row.mode,
            reasons=row.hold_reasons,
            # Tells the responses of one sender from others', and nothing else.
            sender=hashlib.sha256(row.sender).hexdigest()[:8] if row.sender else None,
            state=row.state,
            decided_on=row.decided_on,
            decided_by=row.decided_by,
            decision_reason=row.decision_reason,
        )
        for row in rows
    ]


async def lock_held(
    session: WriteSession,
    region: str,
    survey: str,
    responses: Sequence[UUID],
    *,
    agency: str | None,
) -> set[UUID]:
    """Return which of these responses are held, and lock them until the transaction ends."""
    key = {"region": region, "survey": survey, "agency": agency, "ids": list(responses)}
    return set((await session.scalars(text(LOCK_HELD), key)).all())


async def decide(
    session: WriteSession,
    region: str,
    survey: str,
    decided: HeldResponses,
    *,
    actor: str,
    today: date,
) -> None:
    """Release or refuse held responses."""
    states: dict[Decision, str] = {"release": "counted", "refuse": "refused"}
    await session.execute(
        text(DECIDE),
        {
            "region": region,
            "survey": survey,
            "ids": list(decided.responses),
            "state": states[decided.decision],
            "today": today,
            "actor": actor,
            "reason": decided.reason,
        },
    )
