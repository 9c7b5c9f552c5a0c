"""Loads the surveys of a pack, and which services agencies report on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

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
SELECT agency, service, name, channels FROM feedback.expected_report WHERE region = :region
"""

REPLACE_EXPECTED = """
-- Makes what is stored that which is given. Channels come joined: arrays of PostgreSQL are square.
WITH given AS (
    SELECT agency, service, name, string_to_array(channels, ' ') AS channels
    FROM unnest(CAST(:agencies AS text[]), CAST(:services AS text[]), CAST(:names AS text[]),
                CAST(:channels AS text[])) AS g (agency, service, name, channels)
),
gone AS (
    DELETE FROM feedback.expected_report e
    WHERE e.region = :region
      AND NOT EXISTS (SELECT FROM given g WHERE g.agency = e.agency AND g.service = e.service)
)
INSERT INTO feedback.expected_report (region, agency, service, name, channels)
SELECT :region, agency, service, name, channels FROM given
ON CONFLICT (region, agency, service)
DO UPDATE SET name = excluded.name, channels = excluded.channels
"""


class Duty(NamedTuple):
    """A service of which an agency reports the statistics of every month."""

    agency: str
    service: str
    name: str = ""
    channels: tuple[str, ...] = ()


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
    reporting: Sequence[Duty],
) -> list[Change]:
    """Makes the surveys the pack's, and `reporting` what agencies report on."""
    changes = await load_surveys(session, region, pack.surveys)
    stored = await session.execute(text(EXPECTED), {"region": region})
    changes += changes_between(
        "reporting service",
        _contents(Duty(row.agency, row.service, row.name, tuple(row.channels)) for row in stored),
        _contents(reporting),
    )
    await session.execute(
        text(REPLACE_EXPECTED),
        {
            "region": region,
            "agencies": [duty.agency for duty in reporting],
            "services": [duty.service for duty in reporting],
            "names": [duty.name for duty in reporting],
            "channels": [" ".join(duty.channels) for duty in reporting],
        },
    )
    return changes


def _contents(duties: Iterable[Duty]) -> dict[str, dict[str, Any]]:
    return {
        f"{duty.agency}/{duty.service}": {"name": duty.name, "channels": list(duty.channels)}
        for duty in duties
    }
