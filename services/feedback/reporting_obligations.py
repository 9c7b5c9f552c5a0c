"""The services for which agencies may, and usually must, report monthly statistics."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import text

from services.platform.database import WriteSession
from services.platform.months import add_months
from services.platform.packs import Change, changes_between

OBLIGATIONS = """
-- The stored reporting obligations.
SELECT agency, service, name, channels, since, is_owed FROM feedback.reporting_obligation
WHERE region = :region
"""

REPLACE_OBLIGATIONS = """
-- Replaces the stored obligations. Channels are joined, since arrays of arrays must be rectangular.
-- One that ends keeps the months before the current one, one that begins again gets those from
-- the next one on; a month that the pack states moves the first beginning.
WITH input AS (
    SELECT agency, service, name, string_to_array(channels, ' ') AS channels, since, stated, is_owed
    FROM unnest(CAST(:agencies AS text[]), CAST(:services AS text[]), CAST(:names AS text[]),
                CAST(:channels AS text[]), CAST(:since AS date[]), CAST(:stated AS date[]),
                CAST(:is_owed AS boolean[]))
         AS g (agency, service, name, channels, since, stated, is_owed)
),
before AS (
    SELECT agency, service, coalesce(owed_in,
        CASE WHEN is_owed THEN datemultirange(daterange(since, NULL)) ELSE '{}' END) AS owed_in
    FROM feedback.reporting_obligation WHERE region = :region
),
owed AS (
    SELECT i.*, CASE
        WHEN NOT i.is_owed THEN b.owed_in * datemultirange(daterange(NULL, :current))
        WHEN b.owed_in IS NULL OR isempty(b.owed_in) THEN datemultirange(daterange(since, NULL))
        WHEN upper_inf(b.owed_in) THEN b.owed_in * datemultirange(daterange(stated, NULL))
            + datemultirange(daterange(coalesce(stated, lower(b.owed_in)),
                                       greatest(stated, lower(b.owed_in))))
        ELSE b.owed_in * datemultirange(daterange(stated, NULL))
            + datemultirange(daterange(greatest(stated, :month), NULL))
    END AS owed_in
    FROM input i LEFT JOIN before b USING (agency, service)
),
removed AS (
    DELETE FROM feedback.reporting_obligation o
    WHERE o.region = :region
      AND NOT EXISTS (SELECT FROM input i WHERE i.agency = o.agency AND i.service = o.service)
)
INSERT INTO feedback.reporting_obligation
    (region, agency, service, name, channels, since, is_owed, owed_in)
SELECT :region, agency, service, name, channels, since, is_owed, coalesce(owed_in, '{}') FROM owed
ON CONFLICT (region, agency, service)
DO UPDATE SET name = excluded.name, channels = excluded.channels, since = excluded.since,
    is_owed = excluded.is_owed, owed_in = excluded.owed_in
"""


class ReportingObligation(NamedTuple):
    """A service for which an agency may, and usually must, report monthly statistics."""

    agency: str
    service: str
    name: str = ""
    channels: tuple[str, ...] = ()
    since: date | None = None
    """First month to report, as agreed; None if the pack states none."""
    is_owed: bool = True
    """Whether reports are asked for: of active services of the regency's own agencies."""


async def store_obligations(
    session: WriteSession,
    region: str,
    obligations: Sequence[ReportingObligation],
    *,
    month: date,
) -> list[Change]:
    """Replace the stored obligations; return what changed.

    A new obligation begins in `month` unless it states another; a stored one keeps its beginning.
    Of one that is not owed nothing is late, and what is reported all the same is taken; if it is
    owed later, its beginning is then. One that is owed no longer was owed to the month before this
    one, and what was not given then stays missing; one that left the pack is forgotten.
    """
    rows = await session.execute(text(OBLIGATIONS), {"region": region})
    stored = [
        ReportingObligation(
            row.agency, row.service, row.name, tuple(row.channels), row.since, row.is_owed
        )
        for row in rows
    ]
    begun = {(each.agency, each.service, each.is_owed): each.since for each in stored}
    stated = [each.since for each in obligations]
    obligations = [
        each._replace(
            since=each.since or begun.get((each.agency, each.service, each.is_owed)) or month
        )
        for each in obligations
    ]
    changes = changes_between(
        "reporting obligation",
        _contents(stored),
        _contents(obligations),
    )
    await session.execute(
        text(REPLACE_OBLIGATIONS),
        {
            "region": region,
            "agencies": [each.agency for each in obligations],
            "services": [each.service for each in obligations],
            "names": [each.name for each in obligations],
            "channels": [" ".join(each.channels) for each in obligations],
            "since": [each.since for each in obligations],
            "stated": stated,
            "is_owed": [each.is_owed for each in obligations],
            "month": month,
            "current": add_months(month, -1),
        },
    )
    return changes


def _contents(obligations: Iterable[ReportingObligation]) -> dict[str, dict[str, Any]]:
    return {
        f"{each.agency}/{each.service}": {
            "name": each.name,
            "channels": list(each.channels),
            "since": None if each.since is None else each.since.isoformat(),
            "is_owed": each.is_owed,
        }
        for each in obligations
    }
