"""The rounds of a survey: stored, opened and closed by their days.

A survey that has rounds is answered only for a day of one of them. A round is fixed once it has
responses: how its respondents are found is part of what its results mean.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from services.feedback.periods import Period
from services.feedback.surveys.round_schemas import Round, RoundState, RoundSummary, StoredRound
from services.feedback.surveys.samples import SampleDesign
from services.platform.database import ReadSession, WriteSession
from services.platform.problems import Conflict, FieldError, NotFound
from services.platform.service import API
from services.platform.translation import N_, LocalizedText, localized

ROUNDS = """
-- The rounds of a survey, the newest first, with how many are invited and have answered.
SELECT r.round, r.opens_on, r.closes_on, r.sample, r.population, r.asked, r.agency, i.invited,
       i.answered
FROM feedback.survey_round r
CROSS JOIN LATERAL (
    SELECT invited, invited - open AS answered
    FROM (SELECT count(*) AS invited FROM feedback.survey_invitation
          WHERE region = r.region AND survey = r.survey AND round = r.round) a,
         (SELECT count(*) AS open FROM feedback.invitation_token
          WHERE region = r.region AND survey = r.survey AND round = r.round) b
) i
WHERE r.region = :region AND r.survey = :survey
  AND (CAST(:round AS text) IS NULL OR r.round = :round)
ORDER BY r.opens_on DESC
"""

LOCK_ROUNDS = """
-- Serialises the changes of a survey's rounds until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('survey rounds ' || :region || ' ' || :survey, 0))
"""

SHARE_ROUNDS = """
-- Keeps the rounds of a survey as they are until the transaction ends.
SELECT pg_advisory_xact_lock_shared(
    hashtextextended('survey rounds ' || :region || ' ' || :survey, 0))
"""

STORE_ROUND = """
-- A round, new or changed.
INSERT INTO feedback.survey_round
    (region, survey, round, opens_on, closes_on, sample, population, asked, agency)
VALUES (:region, :survey, :round, :opens_on, :closes_on, :sample, :population, :asked, :agency)
ON CONFLICT (region, survey, round) DO UPDATE SET
    opens_on = excluded.opens_on, closes_on = excluded.closes_on, sample = excluded.sample,
    population = excluded.population, asked = excluded.asked
"""

DELETE_ROUND = """
-- Deletes a round without responses.
DELETE FROM feedback.survey_round WHERE region = :region AND survey = :survey AND round = :round
"""

ANSWERED_DAYS = """
-- The first and the last day of the responses of a round.
SELECT min(answered_on) AS first, max(answered_on) AS last FROM feedback.response
WHERE region = :region AND survey = :survey AND round = :round
"""


@dataclass(frozen=True)
class RoundKey:
    """A round of a survey in a region."""

    region: str
    survey: str
    round: str

    @property
    def href(self) -> str:
        """The round's address."""
        return f"{API}/surveys/{self.survey}/rounds/{self.round}"

    def parameters(self, **more: Any) -> dict[str, Any]:
        """Return the parameters of a query about this round."""
        return {"region": self.region, "survey": self.survey, "round": self.round} | more


@dataclass(frozen=True)
class SurveyRound:
    """A round, with the people of whom its responses are."""

    key: RoundKey
    content: Round
    agency: str | None
    invited: int
    invited_who_answered: int

    @property
    def round(self) -> str:
        """The code of the round."""
        return self.key.round

    @property
    def by_invitation(self) -> bool:
        """Whether only those who are invited answer."""
        return self.content.sample == "invited"

    @property
    def population(self) -> int | None:
        """How many people the sample stands for, if that is known."""
        return (self.invited or None) if self.by_invitation else self.content.population

    @property
    def asked(self) -> int | None:
        """How many were drawn or invited, if that is known."""
        return self.invited if self.by_invitation else self.content.asked

    @property
    def answered(self) -> int | None:
        """How many of those invited have answered; None in a round without invitations."""
        return self.invited_who_answered if self.by_invitation else None

    def stored(self) -> StoredRound:
        """Return the round as it was stored."""
        return StoredRound(
            round=self.key.round,
            survey=self.key.survey,
            content=self.content,
            agency=self.agency,
            href=self.key.href,
        )


async def list_rounds(
    session: ReadSession | WriteSession, region: str, survey: str
) -> list[SurveyRound]:
    """Return the rounds of a survey, the newest first."""
    return await _find(session, region, survey, None)


async def find_round(session: ReadSession | WriteSession, key: RoundKey) -> SurveyRound:
    """Return a round; raise `NotFound` if the survey has none of this code."""
    found = await _find(session, key.region, key.survey, key.round)
    if not found:
        raise NotFound(
            f"The survey {key.survey} has no round {key.round!r}; {API}/surveys/{key.survey}/rounds"
            " lists all."
        )
    return found[0]


async def _find(
    session: ReadSession | WriteSession, region: str, survey: str, code: str | None
) -> list[SurveyRound]:
    names = {"region": region, "survey": survey, "round": code}
    return [
        SurveyRound(
            RoundKey(region, survey, row.round),
            Round(
                opens_on=row.opens_on,
                closes_on=row.closes_on,
                sample=row.sample,
                population=row.population,
                asked=row.asked,
            ),
            row.agency,
            row.invited,
            row.answered,
        )
        for row in await session.execute(text(ROUNDS), names)
    ]


async def lock_rounds(session: WriteSession, region: str, survey: str) -> list[SurveyRound]:
    """Lock the rounds of a survey until the transaction ends, and return them."""
    await session.execute(text(LOCK_ROUNDS), {"region": region, "survey": survey})
    return await list_rounds(session, region, survey)


async def share_rounds(session: WriteSession, region: str, survey: str) -> list[SurveyRound]:
    """Return the rounds of a survey, which do not change until the transaction ends."""
    await session.execute(text(SHARE_ROUNDS), {"region": region, "survey": survey})
    return await list_rounds(session, region, survey)


async def store_round(
    session: WriteSession,
    key: RoundKey,
    content: Round,
    rounds: Iterable[SurveyRound],
    *,
    agency: str | None,
    today: date,
) -> None:
    """Store a round beside the others of its survey, which are locked.

    Raises:
        Conflict: It overlaps another round, or changes what is fixed by now.
    """
    others = {one.round: one.content for one in rounds}
    current = others.pop(key.round, None)
    errors = _overlaps(content, others)
    if current is not None and current != content:
        errors += await _find_fixed(session, key, current, content, today=today)
    if errors:
        refused = N_("Putaran %(round)s tidak dapat disimpan seperti ini; lihat errors[].")
        raise Conflict(localized(refused, round=key.round), errors=errors)
    values = content.model_dump() | {"agency": agency}
    await session.execute(text(STORE_ROUND), key.parameters(**values))


async def delete_round(session: WriteSession, key: RoundKey) -> None:
    """Delete a round that nobody has answered; raise `Conflict` if somebody has."""
    if (await _answered_days(session, key)) is not None:
        answered = N_("Putaran %(round)s sudah mempunyai jawaban, jadi tidak dihapus.")
        raise Conflict(localized(answered, round=key.round), errors=[])
    await session.execute(text(DELETE_ROUND), key.parameters())


def state_of(content: Round, today: date) -> RoundState:
    """Return whether a round is open today."""
    if today < content.opens_on:
        return "planned"
    return "open" if today <= content.closes_on else "closed"


def round_on(rounds: Iterable[SurveyRound], day: date) -> SurveyRound | None:
    """Return the round that is open on a day; None if none is."""
    return next((one for one in rounds if state_of(one.content, day) == "open"), None)


def describe_rounds(rounds: Iterable[SurveyRound]) -> str:
    """Return the days of all rounds, for an error message."""
    spans = [f"{one.content.opens_on} to {one.content.closes_on}" for one in rounds]
    return ", ".join(reversed(spans))


def summarise_rounds(
    rounds: Iterable[SurveyRound], *, today: date, within: Period | None = None
) -> list[RoundSummary]:
    """Return rounds with their states, of a period if one is given."""
    return [
        RoundSummary(
            round=one.round,
            opens_on=one.content.opens_on,
            closes_on=one.content.closes_on,
            state=state_of(one.content, today),
            sample=one.content.sample,
            population=one.population,
            asked=one.asked,
            answered=one.answered,
            response_rate=response_rate(one),
            href=one.key.href,
        )
        for one in rounds
        if within is None
        or (one.content.opens_on <= within.last and one.content.closes_on >= within.first)
    ]


def response_rate(one: SurveyRound) -> float | None:
    """Return the share of those invited who have answered; None without invitations."""
    return one.answered / one.asked if one.answered is not None and one.asked else None


def design_of(found: SurveyRound | None) -> SampleDesign | None:
    """Return the sample design of a round; None without one."""
    return None if found is None else found.content.sample


def _overlaps(content: Round, others: dict[str, Round]) -> list[FieldError]:
    for code, other in others.items():
        if content.opens_on <= other.closes_on and other.opens_on <= content.closes_on:
            overlap = N_(
                "tidak boleh bertumpang tindih dengan putaran %(round)s, %(first)s sampai "
                "%(last)s; tutup yang itu lebih awal"
            )
            days = {"first": other.opens_on, "last": other.closes_on}
            return [_error("opens_on", localized(overlap, round=code, **days))]
    return []


async def _find_fixed(
    session: WriteSession, key: RoundKey, current: Round, content: Round, *, today: date
) -> list[FieldError]:
    """Return the changes of what is fixed, because the round is over or has responses."""
    if state_of(current, today) == "closed":
        closed = N_(
            "harus tetap %(day)s: putaran ini sudah ditutup, dan hasilnya bersandar padanya"
        )
        return [_error("closes_on", localized(closed, day=current.closes_on))]
    days = await _answered_days(session, key)
    if days is None:
        return []
    errors: list[FieldError] = []
    if content.sample != current.sample:
        fixed = N_("harus tetap %(sample)s: putaran ini sudah mempunyai jawaban")
        errors.append(_error("sample", localized(fixed, sample=current.sample)))
    if content.opens_on > days.first:
        first = N_("harus %(day)s atau lebih awal, hari jawaban pertama")
        errors.append(_error("opens_on", localized(first, day=days.first)))
    if content.closes_on < days.last:
        last = N_("harus %(day)s atau sesudahnya, hari jawaban terakhir")
        errors.append(_error("closes_on", localized(last, day=days.last)))
    return errors


async def _answered_days(session: WriteSession, key: RoundKey) -> Any:
    """Return the first and the last day of a round's responses; None without responses."""
    row = (await session.execute(text(ANSWERED_DAYS), key.parameters())).one()
    return None if row.first is None else row


def _error(field: str, detail: LocalizedText) -> FieldError:
    return FieldError.at(f"#/{field}", detail)
