"""Makes bundles of the responses that wait, and sums up those that fit a question asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from services.feedback.surveys.aggregates import Given, Tally, tally_of
from services.feedback.surveys.definition import Survey
from services.feedback.surveys.k_anonymity import SMALLEST_GROUP, Bundle, Cell, Label, seal
from services.feedback.surveys.periods import Period
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id

WAITING = """
-- How many responses wait in each cell.
SELECT CAST(date_trunc('month', answered_on) AS date) AS month, service, agency, channel, district,
       count(*) AS n
FROM feedback.response
WHERE region = :region AND survey = :survey AND bundle IS NULL
GROUP BY 1, 2, 3, 4, 5
"""

LOCK_SURVEY = """
-- One process at a time makes bundles of a survey.
SELECT version FROM feedback.survey
WHERE region = :region AND slug = :survey AND is_current
FOR NO KEY UPDATE
"""

WAITING_IN = """
-- The responses that wait in these cells.
SELECT r.id, r.version, r.answers
FROM feedback.response r
JOIN unnest(CAST(:months AS date[]), CAST(:services AS text[]), CAST(:agencies AS text[]),
            CAST(:channels AS text[]), CAST(:districts AS text[]))
     AS c (month, service, agency, channel, district)
  ON date_trunc('month', r.answered_on) = c.month AND r.service = c.service
 AND r.agency = c.agency AND r.channel = c.channel AND r.district = c.district
WHERE r.region = :region AND r.survey = :survey AND r.bundle IS NULL
"""

STORE_BUNDLE = """
-- A sealed bundle; it never changes.
INSERT INTO feedback.bundle
    (region, survey, id, sealed_on, n, first_day, last_day, service, agency, channel, district,
     versions, tally)
VALUES (:region, :survey, :id, :today, :n, :first_day, :last_day, :service, :agency, :channel,
        :district, :versions, CAST(:tally AS jsonb))
"""

JOIN_BUNDLE = """
-- Responses that wait no longer.
UPDATE feedback.response SET bundle = :id
WHERE region = :region AND survey = :survey AND id = ANY(:responses)
"""

DEFINITIONS = """
-- A survey in every version.
SELECT version, content FROM feedback.survey WHERE region = :region AND slug = :survey
ORDER BY version
"""

BUNDLES = """
-- The bundles of a span of time whose responses all have what is asked for.
SELECT first_day, last_day, service, agency, channel, district, versions, tally
FROM feedback.bundle
WHERE region = :region AND survey = :survey
  AND first_day >= :first AND last_day <= :last
  AND (CAST(:service AS text) IS NULL OR service = :service)
  AND (CAST(:agency AS text) IS NULL OR agency = :agency)
  AND (CAST(:channel AS text) IS NULL OR channel = :channel)
  AND (CAST(:district AS text) IS NULL OR district = :district)
ORDER BY first_day, id
"""


@dataclass(frozen=True)
class Sealed:
    """A bundle as it is stored."""

    label: Label
    versions: tuple[int, ...]
    tally: Tally


async def definitions_of(
    session: ReadSession | WriteSession, region: str, survey: str
) -> dict[int, Survey]:
    """Every version of a survey."""
    rows = await session.execute(text(DEFINITIONS), {"region": region, "survey": survey})
    return {row.version: Survey.stored(row.content) for row in rows}


async def seal_waiting(session: WriteSession, region: str, survey: str, *, today: date) -> None:
    """Seals what can be sealed of a survey's waiting responses."""
    key = {"region": region, "survey": survey}
    if not seal(await _waiting(session, key), today=today):
        return
    await session.execute(text(LOCK_SURVEY), key)
    definitions = await definitions_of(session, region, survey)
    for bundle in seal(await _waiting(session, key), today=today):
        await _store(session, key, bundle, definitions, today=today)


async def sealed_bundles(
    session: WriteSession,
    region: str,
    survey: str,
    *,
    period: Period,
    filters: Mapping[str, str | None],
) -> list[Sealed]:
    """The bundles of a period whose responses all have what the filters say."""
    wanted = dict.fromkeys(("service", "agency", "channel", "district")) | dict(filters)
    rows = await session.execute(
        text(BUNDLES),
        {"region": region, "survey": survey, "first": period.first, "last": period.last} | wanted,
    )
    return [
        Sealed(
            Label(
                Period(row.first_day, row.last_day),
                row.service,
                row.agency,
                row.channel,
                row.district,
            ),
            tuple(row.versions),
            Tally.model_validate(row.tally),
        )
        for row in rows
    ]


async def _waiting(session: WriteSession, key: Mapping[str, str]) -> dict[Cell, int]:
    rows = await session.execute(text(WAITING), key)
    return {
        Cell(row.month, row.service, row.agency, row.channel, row.district): row.n for row in rows
    }


async def _store(
    session: WriteSession,
    key: Mapping[str, str],
    bundle: Bundle,
    definitions: Mapping[int, Survey],
    *,
    today: date,
) -> None:
    rows = await session.execute(text(WAITING_IN), {**key, **_columns(bundle.cells)})
    found = rows.all()
    if len(found) < SMALLEST_GROUP:
        return
    versions = sorted({row.version for row in found})
    tally = tally_of([Given(definitions[row.version], row.answers) for row in found])
    bundle_id, label = new_id(), bundle.label
    await session.execute(
        text(STORE_BUNDLE),
        {
            **key,
            "id": bundle_id,
            "today": today,
            "n": len(found),
            "first_day": label.period.first,
            "last_day": label.period.last,
            "service": label.service,
            "agency": label.agency,
            "channel": label.channel,
            "district": label.district,
            "versions": versions,
            "tally": tally.model_dump_json(),
        },
    )
    await session.execute(
        text(JOIN_BUNDLE), {**key, "id": bundle_id, "responses": [row.id for row in found]}
    )


def _columns(cells: Sequence[Cell]) -> dict[str, list[str] | list[date]]:
    return {
        "months": [cell.month for cell in cells],
        "services": [cell.service for cell in cells],
        "agencies": [cell.agency for cell in cells],
        "channels": [cell.channel for cell in cells],
        "districts": [cell.district for cell in cells],
    }
