"""Load a pack's surveys and reporting obligations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import text

from services.feedback.reference_data import ReferenceCodes, store_reference_codes
from services.feedback.surveys.definition import Survey
from services.feedback.surveys.pack import load_surveys, read_surveys
from services.platform.database import WriteSession
from services.platform.packs import (
    Change,
    PackError,
    SourceFile,
    changes_between,
    parse,
    read_yaml,
)

OBLIGATIONS = """
-- The stored reporting obligations.
SELECT agency, service, name, channels, since FROM feedback.reporting_obligation
WHERE region = :region
"""

REPLACE_OBLIGATIONS = """
-- Replaces the stored obligations. Channels are joined, since arrays of arrays must be rectangular.
WITH input AS (
    SELECT agency, service, name, string_to_array(channels, ' ') AS channels, since
    FROM unnest(CAST(:agencies AS text[]), CAST(:services AS text[]), CAST(:names AS text[]),
                CAST(:channels AS text[]), CAST(:since AS date[]))
         AS g (agency, service, name, channels, since)
),
removed AS (
    DELETE FROM feedback.reporting_obligation o
    WHERE o.region = :region
      AND NOT EXISTS (SELECT FROM input i WHERE i.agency = o.agency AND i.service = o.service)
)
INSERT INTO feedback.reporting_obligation (region, agency, service, name, channels, since)
SELECT :region, agency, service, name, channels, since FROM input
ON CONFLICT (region, agency, service)
DO UPDATE SET name = excluded.name, channels = excluded.channels, since = excluded.since
"""


class ReportingObligation(NamedTuple):
    """A service for which an agency must report monthly statistics."""

    agency: str
    service: str
    name: str = ""
    channels: tuple[str, ...] = ()
    since: date | None = None
    """First month to report; None for the month in which it is first loaded."""


@dataclass(frozen=True)
class FeedbackPack:
    """The validated surveys of a pack."""

    surveys: tuple[Survey, ...]


def read_feedback(root: Path) -> FeedbackPack:
    """Read the surveys of a pack; raise `PackError` with every fault found."""
    sources = parse(read_yaml(root / "sources.yaml", root), SourceFile).sources
    surveys, faults = read_surveys(root, [source.id for source in sources])
    if faults:
        raise PackError(faults)
    return FeedbackPack(surveys)


async def load_feedback(
    session: WriteSession,
    region: str,
    pack: FeedbackPack,
    *,
    obligations: Sequence[ReportingObligation],
    references: ReferenceCodes,
    month: date,
) -> list[Change]:
    """Replace the stored surveys, obligations and reference codes; return what changed.

    A new obligation begins in `month` unless it states another; a stored one keeps its beginning.
    Changes of reference codes are reported by the services that define them.
    """
    await store_reference_codes(session, region, references)
    changes = await load_surveys(session, region, pack.surveys)
    rows = await session.execute(text(OBLIGATIONS), {"region": region})
    stored = [
        ReportingObligation(row.agency, row.service, row.name, tuple(row.channels), row.since)
        for row in rows
    ]
    begun = {(each.agency, each.service): each.since for each in stored}
    obligations = [
        each._replace(since=each.since or begun.get((each.agency, each.service)) or month)
        for each in obligations
    ]
    changes += changes_between(
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
        },
    )
    return changes


def _contents(obligations: Iterable[ReportingObligation]) -> dict[str, dict[str, Any]]:
    return {
        f"{each.agency}/{each.service}": {
            "name": each.name,
            "channels": list(each.channels),
            "since": None if each.since is None else each.since.isoformat(),
        }
        for each in obligations
    }
