"""Forms bundles of pending responses, and reads the bundles that match a query."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.feedback.periods import Period, Span
from services.feedback.small_groups import (
    BundlePlan,
    Group,
    Person,
    are_enough,
    period_within,
    plan_bundles,
)
from services.feedback.surveys.aggregates import (
    AnsweredSurvey,
    Tally,
    scale_tallies,
    sum_over,
    tally_of,
)
from services.feedback.surveys.definition import Survey, scale_key
from services.feedback.surveys.samples import UNKNOWN
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id
from services.platform.local_time import day_of
from services.platform.stored import parse_stored

Dimension = Literal["service", "agency", "channel", "district", "month", "quarter", "semester"]

PERSON = """
    CASE WHEN mode = 'enumerator' THEN collector ELSE '' END AS collector,
    CASE WHEN collector <> '' OR sample = 'invited' THEN id::text
         ELSE coalesce(encode(sender, 'hex'), 'unknown') END AS person, issue
"""
"""Whom a response is from: an agency's device vouches that each of its responses is another
person's, as an invitation does; all others of one sender are one person's, and so are all of
unknown senders."""

SURVEYS_WITH_PENDING = """
-- Surveys that have responses without a bundle.
SELECT DISTINCT survey FROM feedback.response
WHERE region = :region AND bundle IS NULL AND state = 'counted'
ORDER BY survey
"""

PENDING_BY_GROUP = f"""
-- The people of responses without a bundle, by group.
SELECT DISTINCT CAST(date_trunc('month', answered_on) AS date) AS month, service, agency, channel,
       district, round, sample, {PERSON}
FROM feedback.response
WHERE region = :region AND survey = :survey AND bundle IS NULL AND state = 'counted'
"""  # noqa: S608 - a constant

CLOSED_ROUNDS = """
-- The rounds of a survey that no more responses come to: enumerators may be late by 14 days.
SELECT round FROM feedback.survey_round
WHERE region = :region AND survey = :survey
  AND closes_on + CASE WHEN sample = 'invited' THEN 0 ELSE 14 END < :today
"""

LOCK = """
-- Serialises the forming of a survey's bundles until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('survey bundles ' || :region || ' ' || :survey, 0))
"""

PENDING_IN_GROUPS = f"""
-- The responses of these groups that have no bundle.
WITH pending AS (
    SELECT CAST(date_trunc('month', answered_on) AS date) AS month, service, agency, channel,
           district, round, sample, id, version, mode, answers, {PERSON}
    FROM feedback.response
    WHERE region = :region AND survey = :survey AND bundle IS NULL AND state = 'counted'
)
SELECT r.id, r.version, r.mode, r.answers, r.person, r.issue
FROM pending r
JOIN unnest(CAST(:months AS date[]), CAST(:services AS text[]), CAST(:agencies AS text[]),
            CAST(:channels AS text[]), CAST(:districts AS text[]), CAST(:rounds AS text[]),
            CAST(:samples AS text[]), CAST(:collectors AS text[]))
     AS g (month, service, agency, channel, district, round, sample, collector)
USING (month, service, agency, channel, district, round, sample, collector)
"""  # noqa: S608 - a constant

STORE_BUNDLE = """
-- A bundle, which never changes.
INSERT INTO feedback.survey_bundle
    (region, survey, id, formed_on, n, first_day, last_day, service, agency, channel, district,
     versions, tally, senders, modes, round, sample)
VALUES (:region, :survey, :id, :today, :n, :first_day, :last_day, :service, :agency, :channel,
        :district, :versions, CAST(:tally AS jsonb), :senders, CAST(:modes AS jsonb), :round,
        :sample)
"""

ASSIGN_BUNDLE = """
-- Assigns responses to their bundle, and forgets their senders.
UPDATE feedback.response SET bundle = :id, sender = NULL, issue = ''
WHERE region = :region AND survey = :survey AND id = ANY(:responses)
"""

BUNDLED_RESPONSES = """
-- The responses of a survey that are in bundles, bundle by bundle.
SELECT b.id AS bundle, b.tally, r.version, r.answers, r.id
FROM feedback.survey_bundle b
JOIN feedback.response r ON (r.region, r.survey, r.bundle) = (b.region, b.survey, b.id)
WHERE b.region = :region AND b.survey = :survey
ORDER BY b.id
"""

STORE_TALLY = """
-- Adds the sums over new scales to a bundle.
UPDATE feedback.survey_bundle SET tally = CAST(:tally AS jsonb)
WHERE region = :region AND survey = :survey AND id = :id
"""

DEFINITIONS = """
-- A survey in every version.
SELECT version, content FROM feedback.survey WHERE region = :region AND slug = :survey
ORDER BY version
"""

BUNDLES = """
-- The bundles within a period whose responses all match the filters.
SELECT first_day, last_day, service, agency, channel, district, versions, tally, senders, modes,
       round, sample
FROM feedback.survey_bundle
WHERE region = :region AND survey = :survey
  AND first_day >= :first AND last_day <= :last
  AND (CAST(:service AS text) IS NULL OR service = :service)
  AND (CAST(:agency AS text) IS NULL OR agency = :agency)
  AND (CAST(:channel AS text) IS NULL OR channel = :channel)
  AND (CAST(:district AS text) IS NULL OR district = :district)
  AND (CAST(:round AS text) IS NULL OR round = :round)
  AND (CAST(:samples AS text[]) IS NULL OR sample = ANY(:samples))
ORDER BY first_day, id
"""


@dataclass(frozen=True)
class Bundle:
    """A stored bundle; an attribute is None if its responses differ in it."""

    period: Period
    service: str | None
    agency: str | None
    channel: str | None
    district: str | None
    versions: tuple[int, ...]
    tally: Tally
    senders: int | None
    """People told apart; None if the bundle was formed before they were."""
    modes: Mapping[str, int]
    """Responses by mode; empty if one of them has too few people, or if they are unknown."""
    round: str
    """Empty if the survey had no rounds."""
    sample: str
    """How the respondents were found; `unknown` if the bundle is from before this was recorded."""

    def value(self, dimension: Dimension) -> str | None:
        """Return the value of a dimension that the bundle counts under."""
        if dimension in ("service", "agency", "channel", "district"):
            return getattr(self, dimension)
        span: Span = dimension
        return period_within(self.period, span)


async def load_definitions(
    session: ReadSession | WriteSession, region: str, survey: str
) -> dict[int, Survey]:
    """Return a survey's definitions by version."""
    rows = await session.execute(text(DEFINITIONS), {"region": region, "survey": survey})
    return {row.version: Survey.from_stored(row.content) for row in rows}


async def form_due_bundles(
    session: WriteSession, region: str, *, now: datetime, zone: ZoneInfo
) -> int:
    """Form the bundles that the pending responses of all surveys allow; return how many.

    Only this periodic job forms bundles. Forming them while a response is submitted would make
    each exactly five responses large: the rest of a group would stay unpublished, and a group
    would lose its district before five of the same district are there.
    """
    today = day_of(now, zone)
    surveys = (await session.scalars(text(SURVEYS_WITH_PENDING), {"region": region})).all()
    return sum([await form_bundles(session, region, survey, today=today) for survey in surveys])


async def form_bundles(session: WriteSession, region: str, survey: str, *, today: date) -> int:
    """Form the bundles that a survey's pending responses allow; return how many."""
    key = {"region": region, "survey": survey}
    if not await _plan(session, key, today=today):
        return 0
    await session.execute(text(LOCK), key)
    plans = await _plan(session, key, today=today)
    definitions = await load_definitions(session, region, survey)
    return sum([await _store(session, key, plan, definitions, today=today) for plan in plans])


async def add_scales(session: WriteSession, region: str, survey: str) -> None:
    """Add the sums over the current scales to the bundles formed before they were defined.

    Only to those in which everybody answered the whole scale: the people of a bundle are enough,
    but which of its responses are of one sender is forgotten by now.
    """
    key = {"region": region, "survey": survey}
    definitions = await load_definitions(session, region, survey)
    scales = definitions[max(definitions)].scales.values()
    if not scales:
        return
    rows = await session.execute(text(BUNDLED_RESPONSES), key)
    for bundle, members in groupby(rows, key=lambda row: row.bundle):
        responses = list(members)
        tally = parse_stored(Tally, responses[0].tally)
        answered = [
            AnsweredSurvey(definitions[row.version], row.answers, Person(str(row.id)))
            for row in responses
        ]
        complete = [
            questions
            for questions in scales
            if scale_key(questions) not in tally.scales
            and all(sum_over(questions, response) is not None for response in answered)
        ]
        if complete:
            scales_of_all = tally.scales | scale_tallies(answered, complete)
            updated = tally.model_copy(update={"scales": scales_of_all})
            await session.execute(
                text(STORE_TALLY), {**key, "id": bundle, "tally": updated.model_dump_json()}
            )


async def find_bundles(
    session: ReadSession,
    region: str,
    survey: str,
    *,
    period: Period,
    filters: Mapping[str, str | list[str] | None],
) -> list[Bundle]:
    """Return the bundles within a period whose responses all match the filters."""
    names = ("service", "agency", "channel", "district", "round", "samples")
    wanted = dict.fromkeys(names) | dict(filters)
    rows = await session.execute(
        text(BUNDLES),
        {"region": region, "survey": survey, "first": period.first, "last": period.last} | wanted,
    )
    return [
        Bundle(
            Period(row.first_day, row.last_day),
            row.service,
            row.agency,
            row.channel,
            row.district,
            tuple(row.versions),
            parse_stored(Tally, row.tally),
            row.senders,
            row.modes,
            row.round,
            row.sample or UNKNOWN,
        )
        for row in rows
    ]


async def _plan(session: WriteSession, key: Mapping[str, str], *, today: date) -> list[BundlePlan]:
    closed = await session.scalars(text(CLOSED_ROUNDS), {**key, "today": today})
    pending = await _pending_people(session, key)
    return plan_bundles(pending, today=today, closed_rounds=closed.all())


async def _pending_people(
    session: WriteSession, key: Mapping[str, str]
) -> dict[Group, list[Person]]:
    people: defaultdict[Group, list[Person]] = defaultdict(list)
    for row in await session.execute(text(PENDING_BY_GROUP), key):
        group = Group(
            row.month,
            row.service,
            row.agency,
            detail=row.channel,
            fine_detail=row.district,
            round=row.round,
            sample=row.sample,
            collector=row.collector,
        )
        people[group].append(Person(row.person, row.issue))
    return people


async def _store(
    session: WriteSession,
    key: Mapping[str, str],
    plan: BundlePlan,
    definitions: Mapping[int, Survey],
    *,
    today: date,
) -> bool:
    """Store a planned bundle; return whether its people are still enough, so that it was stored."""
    rows = await session.execute(text(PENDING_IN_GROUPS), {**key, **_columns(plan.groups)})
    responses = rows.all()
    people = [Person(row.person, row.issue) for row in responses]
    if not are_enough(people):
        return False
    tally = tally_of(
        [
            AnsweredSurvey(definitions[row.version], row.answers, person)
            for row, person in zip(responses, people, strict=True)
        ],
        definitions[max(definitions)].scales.values(),
    )
    bundle_id = new_id()
    await session.execute(
        text(STORE_BUNDLE),
        {
            **key,
            "id": bundle_id,
            "today": today,
            "n": len(responses),
            "first_day": plan.key.period.first,
            "last_day": plan.key.period.last,
            "service": plan.key.service,
            "agency": plan.key.agency,
            "channel": plan.key.detail,
            "district": plan.key.fine_detail,
            "versions": sorted({row.version for row in responses}),
            "tally": tally.model_dump_json(),
            "senders": len({person.id for person in people}),
            "round": plan.groups[0].round,
            "sample": plan.groups[0].sample,
            "modes": json.dumps(_publishable_modes([row.mode for row in responses], people)),
        },
    )
    await session.execute(
        text(ASSIGN_BUNDLE), {**key, "id": bundle_id, "responses": [row.id for row in responses]}
    )
    return True


def _publishable_modes(modes: Sequence[str], people: Sequence[Person]) -> dict[str, int]:
    """Return the number of responses by mode; empty if too few people answered in one of them."""
    by_mode: defaultdict[str, list[Person]] = defaultdict(list)
    for mode, person in zip(modes, people, strict=True):
        by_mode[mode].append(person)
    if not all(are_enough(of_mode) for of_mode in by_mode.values()):
        return {}
    return {mode: len(of_mode) for mode, of_mode in by_mode.items()}


def _columns(groups: Sequence[Group]) -> dict[str, list[str] | list[date]]:
    return {
        "months": [group.month for group in groups],
        "services": [group.service for group in groups],
        "agencies": [group.agency for group in groups],
        "channels": [group.detail for group in groups],
        "districts": [group.fine_detail for group in groups],
        "rounds": [group.round for group in groups],
        "samples": [group.sample for group in groups],
        "collectors": [group.collector for group in groups],
    }
