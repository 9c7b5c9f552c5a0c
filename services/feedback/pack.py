"""Loads the surveys of a pack, and which services agencies report on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

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

EXPECTED = """
-- Which agency reports on which service, as stored.
SELECT agency, service FROM feedback.expected_report WHERE region = :region
"""

REPLACE_EXPECTED = """
-- Makes the stored pairs those that are given.
WITH given AS (
    SELECT agency, service
    FROM unnest(CAST(:agencies AS text[]), CAST(:services AS text[])) AS g (agency, service)
),
gone AS (
    DELETE FROM feedback.expected_report e
    WHERE e.region = :region
      AND NOT EXISTS (SELECT FROM given g WHERE g.agency = e.agency AND g.service = e.service)
)
INSERT INTO feedback.expected_report (region, agency, service)
SELECT :region, agency, service FROM given
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class FeedbackPack:
    """The surveys of a pack, checked."""

    surveys: tuple[Survey, ...]


def read_feedback(root: Path) -> FeedbackPack:
    """The surveys under this folder; `PackError` with every fault that was found."""
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
    reporting: Sequence[tuple[str, str]],
) -> list[Change]:
    """Makes the surveys the pack's, and `reporting` the (agency, service) pairs that report."""
    changes = await load_surveys(session, region, pack.surveys)
    pairs = await session.execute(text(EXPECTED), {"region": region})
    changes += changes_between(
        "reporting service",
        {f"{agency}/{service}": {} for agency, service in pairs.tuples()},
        {f"{agency}/{service}": {} for agency, service in reporting},
    )
    await session.execute(
        text(REPLACE_EXPECTED),
        {
            "region": region,
            "agencies": [agency for agency, _ in reporting],
            "services": [service for _, service in reporting],
        },
    )
    return changes
