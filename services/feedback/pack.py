"""Loads the surveys of a pack, and which services agencies report on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from services.feedback.surveys.definition import Survey
from services.platform.database import WriteSession
from services.platform.packs import (
    Change,
    Fault,
    PackError,
    SourceFile,
    changes_between,
    parse,
    read_yaml,
    unknown_references,
)

STORED_SURVEYS = """
-- Every survey as it is asked now.
SELECT s.slug, s.content
FROM feedback.survey s
WHERE s.region = :region AND s.is_current
"""

RETIRE_SURVEY = """
-- A survey that is replaced or withdrawn stays with its answers.
UPDATE feedback.survey SET is_current = false
WHERE region = :region AND slug = :slug AND is_current
"""

STORE_SURVEY = """
-- The next version of a survey.
INSERT INTO feedback.survey (region, slug, version, is_current, content)
SELECT :region, :slug, coalesce(max(version), 0) + 1, true, CAST(:content AS jsonb)
FROM feedback.survey WHERE region = :region AND slug = :slug
"""

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
    files = [read_yaml(file, root) for file in sorted((root / "surveys").glob("*.yaml"))]
    surveys: dict[str, Survey] = {}
    faults: list[Fault] = []
    for located in files:
        try:
            survey = parse(located, Survey)
        except PackError as error:
            faults += error.faults
            continue
        faults += unknown_references(
            located,
            [(("sources", n), name) for n, name in enumerate(survey.sources)],
            [source.id for source in sources],
            what="source",
        )
        if surveys.setdefault(survey.slug, survey) is not survey:
            faults.append(located.fault(("slug",), f"another file has {survey.slug!r} already"))
    if faults:
        raise PackError(faults)
    return FeedbackPack(tuple(surveys.values()))


async def load_feedback(
    session: WriteSession,
    region: str,
    pack: FeedbackPack,
    *,
    reporting: Sequence[tuple[str, str]],
) -> list[Change]:
    """Makes the surveys the pack's, and `reporting` the (agency, service) pairs that report."""
    rows = await session.execute(text(STORED_SURVEYS), {"region": region})
    stored = {row.slug: row.content for row in rows}
    wanted = {survey.slug: survey for survey in pack.surveys}
    changes = changes_between(
        "survey",
        stored,
        {slug: survey.model_dump(mode="json") for slug, survey in wanted.items()},
    )
    for change in changes:
        key = {"region": region, "slug": change.key}
        await session.execute(text(RETIRE_SURVEY), key)
        if change.action != "removed":
            content = wanted[change.key].model_dump_json()
            await session.execute(text(STORE_SURVEY), key | {"content": content})

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
