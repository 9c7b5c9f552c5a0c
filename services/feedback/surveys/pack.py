"""Reads the surveys of a pack, and stores a changed survey as a new version."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import text

from services.feedback.surveys.bundle_store import add_scales
from services.feedback.surveys.definition import Survey
from services.platform.database import WriteSession
from services.platform.packs import (
    Change,
    FieldPath,
    PackError,
    PackIssue,
    changes_between,
    parse,
    read_yaml,
    undefined_references,
)

STORED_SURVEYS = """
-- Every survey in every version.
SELECT s.slug, s.version, s.is_current, s.content
FROM feedback.survey s
WHERE s.region = :region
ORDER BY s.slug, s.version
"""

RETIRE_SURVEY = """
-- Marks a replaced or withdrawn survey; it stays stored with its responses.
UPDATE feedback.survey SET is_current = false
WHERE region = :region AND slug = :slug AND is_current
"""

STORE_SURVEY = """
-- The next version of a survey.
INSERT INTO feedback.survey (region, slug, version, is_current, content)
SELECT :region, :slug, coalesce(max(version), 0) + 1, true, CAST(:content AS jsonb)
FROM feedback.survey WHERE region = :region AND slug = :slug
"""


def read_surveys(
    root: Path, sources: Collection[str]
) -> tuple[tuple[Survey, ...], list[PackIssue]]:
    """Return the surveys of a pack and every issue that was found."""
    surveys: dict[str, Survey] = {}
    issues: list[PackIssue] = []
    for located in [read_yaml(file, root) for file in sorted((root / "surveys").glob("*.yaml"))]:
        try:
            survey = parse(located, Survey)
        except PackError as error:
            issues += error.issues
            continue
        cited: list[tuple[FieldPath, str]] = [
            (("sources", n), name) for n, name in enumerate(survey.sources)
        ]
        cited += [
            (("population", name, "source"), margin.source)
            for name, margin in survey.population.items()
        ]
        issues += undefined_references(located, cited, sources, kind="source")
        if surveys.setdefault(survey.slug, survey) is not survey:
            issues.append(located.issue(("slug",), f"another file has {survey.slug!r}"))
    return tuple(surveys.values()), issues


async def load_surveys(
    session: WriteSession, region: str, surveys: Collection[Survey]
) -> list[Change]:
    """Store the surveys of a region; a changed one becomes a new version."""
    rows = (await session.execute(text(STORED_SURVEYS), {"region": region})).all()
    wanted = {survey.slug: survey for survey in surveys}
    changes = changes_between(
        "survey",
        {row.slug: _normalised(row.content) for row in rows if row.is_current},
        {slug: survey.model_dump(mode="json") for slug, survey in wanted.items()},
    )
    for change in changes:
        key = {"region": region, "slug": change.key}
        await session.execute(text(RETIRE_SURVEY), key)
        if change.action != "removed":
            content = wanted[change.key].model_dump_json()
            await session.execute(text(STORE_SURVEY), key | {"content": content})
            await add_scales(session, region, change.key)
    return changes


def _normalised(content: dict[str, Any]) -> dict[str, Any]:
    """Return a stored definition with all current fields, so that a new field is not a change."""
    try:
        return Survey.from_stored(content).model_dump(mode="json")
    except ValidationError:
        return content
