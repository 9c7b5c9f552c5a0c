"""What invited stakeholders report about each other: stored by reporter, published by round.

Ties are the result and published as reported. Ratings of a partner are published only as means of
five raters or more, and once: a round is published when it is closed, so that no two states of it
can be subtracted.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from statistics import fmean

from sqlalchemy import text

from services.feedback.periods import Period
from services.feedback.small_groups import MIN_GROUP_SIZE
from services.feedback.surveys.definition import Survey
from services.feedback.surveys.invitations import invited_codes
from services.feedback.surveys.relation_schemas import (
    PartnerRating,
    PartnerReport,
    SurveyTie,
    SurveyTies,
)
from services.feedback.surveys.rounds import RoundKey, SurveyRound, state_of
from services.platform.database import ReadSession, WriteSession
from services.platform.stored import parse_stored

STORE = """
-- What a stakeholder reports in a round.
INSERT INTO feedback.reported_relations (region, survey, round, reporter, reports)
VALUES (:region, :survey, :round, :reporter, CAST(:reports AS jsonb))
"""

REPORTS = """
-- What the stakeholders of a round report.
SELECT reporter, reports FROM feedback.reported_relations
WHERE region = :region AND survey = :survey AND round = :round
ORDER BY reporter
"""


async def store_reports(
    session: WriteSession, key: RoundKey, reporter: str, reports: Sequence[PartnerReport]
) -> None:
    """Store what a stakeholder reports about its partners."""
    content = json.dumps([report.model_dump() for report in reports])
    await session.execute(text(STORE), key.parameters(reporter=reporter, reports=content))


def newest_closed_round(
    rounds: Sequence[SurveyRound], period: Period, *, today: date
) -> SurveyRound | None:
    """Return the newest round by invitation that closed in a period; None if there is none."""
    return next(
        (
            one
            for one in rounds
            if one.by_invitation
            and period.first <= one.content.closes_on <= period.last
            and state_of(one.content, today) == "closed"
        ),
        None,
    )


async def find_ties(session: ReadSession, survey: Survey, found: SurveyRound) -> SurveyTies | None:
    """Return what was reported in a closed round; None if nobody was asked about relations."""
    question = survey.relational
    if question is None or question.relation is None:
        return None
    invited = await invited_codes(session, found.key)
    rows = (await session.execute(text(REPORTS), found.key.parameters())).all()
    reports = {
        row.reporter: [parse_stored(PartnerReport, one) for one in row.reports] for row in rows
    }
    return SurveyTies(
        survey=survey.slug,
        round=found.round,
        closed_on=found.content.closes_on,
        invited=len(invited),
        answered=len(reports),
        response_rate=len(reports) / len(invited) if invited else 0,
        stakeholders=invited,
        reporters=sorted(reports),
        frequencies=question.relation.frequencies,
        exchanges=question.relation.exchanges,
        ties=[
            SurveyTie(
                reporter=reporter,
                partner=one.partner,
                frequency=one.frequency,
                exchanges=one.exchanges,
            )
            for reporter, stated in reports.items()
            for one in sorted(stated, key=lambda one: one.partner)
        ],
        ratings=rate_partners(reports),
    )


def rate_partners(reports: Mapping[str, Sequence[PartnerReport]]) -> list[PartnerRating]:
    """Return the mean ratings of each partner that at least five rate."""
    trust: defaultdict[str, list[float]] = defaultdict(list)
    value: defaultdict[str, list[float]] = defaultdict(list)
    for stated in reports.values():
        for one in stated:
            if one.trust is not None:
                trust[one.partner].append(fmean(one.trust))
            if one.value is not None:
                value[one.partner].append(fmean(one.value))
    return [
        PartnerRating(
            partner=partner,
            raters=max(len(trust[partner]), len(value[partner])),
            trust=_mean_of_enough(trust[partner]),
            value=_mean_of_enough(value[partner]),
        )
        for partner in sorted({*trust, *value})
        if max(len(trust[partner]), len(value[partner])) >= MIN_GROUP_SIZE
    ]


def _mean_of_enough(ratings: Sequence[float]) -> float | None:
    return fmean(ratings) if len(ratings) >= MIN_GROUP_SIZE else None
