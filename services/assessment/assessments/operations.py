"""Reading the evidence of a year, assessing it, and storing the result."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.assessment.evidence.confirmation_rules import (
    agencies_of_stakeholders,
    is_self_reported,
)
from services.assessment.evidence.store import COUNTED
from services.assessment.method_store import find_method, list_methods
from services.assessment.methods.definition import (
    METHOD,
    AnyMethod,
    CollaborationMethod,
    CompositeMethod,
    TreeMethod,
)
from services.assessment.scoring.assess import assess
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.scores import Scores
from services.assessment.service_reports import ReportClient, required_reports
from services.assessment.years import check_begun
from services.platform.computing_slots import computing_slot
from services.platform.database import ReadSession, WriteSession
from services.platform.local_time import day_of
from services.platform.problems import Conflict, FieldError, Invalid, NotFound, Unavailable
from services.platform.service import API
from services.platform.stored import parse_stored

LEVELS_OF_INDICES = "index-levels"
"""Evidence of other indices, which no method of collaboration reads."""

INSERT_ASSESSMENT = """
-- Stores an assessment.
INSERT INTO assessment.assessment
    (region, id, method, method_version, method_hash, period, seed, draws, evidence_hash,
     recorded_at, recorded_by, definition, evidence, scores)
VALUES
    (:region, :id, :method, :method_version, :method_hash, :period, :seed, :draws,
     :evidence_hash, :now, :recorded_by, CAST(:definition AS jsonb), CAST(:evidence AS jsonb),
     CAST(:scores AS jsonb))
"""

INSERT_DRAFT = """
-- Stores a draft of an assessment.
INSERT INTO assessment.assessment_draft
    (region, id, method, method_version, method_hash, period, seed, draws, evidence_hash,
     recorded_at, recorded_by, drafted_by, definition, evidence, scores)
VALUES
    (:region, :id, :method, :method_version, :method_hash, :period, :seed, :draws,
     :evidence_hash, :now, :recorded_by, :drafted_by, CAST(:definition AS jsonb),
     CAST(:evidence AS jsonb), CAST(:scores AS jsonb))
"""

FIND = """
-- One assessment.
SELECT id, region, method, method_version, method_hash, period, seed, draws, evidence_hash,
       recorded_at, recorded_by, scores
FROM assessment.assessment WHERE region = :region AND id = :id
"""

EVIDENCE = """
-- The evidence that one assessment read.
SELECT evidence FROM assessment.assessment WHERE region = :region AND id = :id
"""

FULL = """
-- All inputs of an assessment, to recompute it.
SELECT id, method, method_hash, period, seed, draws, recorded_at, recorded_by, definition,
       evidence, scores
FROM assessment.assessment WHERE region = :region AND id = :id
"""

PAGE = """
-- A page of assessments, the newest first (their ids are ordered by time).
SELECT id, region, method, method_version, method_hash, period, seed, draws, evidence_hash,
       recorded_at, recorded_by, scores
FROM assessment.assessment
WHERE region = :region
  AND (CAST(:period AS int) IS NULL OR period = :period)
  AND (CAST(:method AS text) IS NULL OR method = :method)
  AND (CAST(:cursor AS uuid) IS NULL OR id < :cursor)
ORDER BY id DESC
LIMIT :limit
"""


YEARS_BACK = 5
"""How many years, the current one included, are searched for the newest with an index."""

MAX_NAMED = 100
"""Methods that a problem document names."""


@dataclass(frozen=True)
class AssessmentResult:
    """Scores, their inputs, and notices about services that did not answer."""

    facts: Facts
    scores: Scores
    notices: Sequence[str]


@dataclass(frozen=True)
class StoredAssessment:
    """An assessment with all its inputs."""

    id: UUID
    method: TreeMethod
    facts: Facts
    scores: Scores
    seed: int
    draws: int
    recorded_at: datetime
    recorded_by: str


async def load_assessment(
    session: ReadSession, region: str, assessment_id: UUID
) -> StoredAssessment:
    """Load an assessment; `Conflict` if it predates the storing of methods."""
    parameters = {"region": region, "id": assessment_id}
    row = (await session.execute(text(FULL), parameters)).one_or_none()
    if row is None:
        raise assessment_not_found(assessment_id)
    if row.definition is not None:
        method = METHOD.validate_python(row.definition)
    else:
        published = await find_method(session, region, row.method)
        method = None if published is None else published.method
    if (
        not isinstance(method, CollaborationMethod | CompositeMethod)
        or method.hash() != row.method_hash
    ):
        raise Conflict(
            f"The assessment {assessment_id} follows a method that this hub no longer has; "
            "assess the year again."
        )
    return StoredAssessment(
        id=row.id,
        method=method,
        facts=Facts.of(row.period, [Item.model_validate(item) for item in row.evidence]),
        scores=parse_stored(Scores, row.scores),
        seed=row.seed,
        draws=row.draws,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )


def assessment_not_found(assessment_id: UUID) -> NotFound:
    return NotFound(f"There is no assessment {assessment_id}; {API}/assessments lists them.")


async def tree_method(
    session: ReadSession | WriteSession,
    region: str,
    method_id: str,
    *,
    period: int | None,
    now: datetime,
    zone: ZoneInfo,
    parameter: bool,
) -> TreeMethod:
    """Return a method whose index is a tree of indicators; `NotFound` lists the valid ones.

    `Invalid` if the year has not begun, or the method is not in force in it; without a year, if it
    is in force in none of the last ones.
    """
    published = await find_method(session, region, method_id)
    method = None if published is None else published.method
    if isinstance(method, CollaborationMethod | CompositeMethod):
        if period is not None:
            check_begun(period, now=now, zone=zone, parameter=parameter)
            check_validity(method, period, parameter=parameter)
        elif not last_years(method, now=now, zone=zone):
            check_validity(method, day_of(now, zone).year, parameter=parameter)
        return method
    known = await list_methods(session, region, cursor=None, limit=MAX_NAMED)
    able = [
        one.method.id
        for one in known
        if isinstance(one.method, CollaborationMethod | CompositeMethod)
    ]
    detail = f"must be one of {', '.join(able)}; {API}/methods lists all methods"
    error = (
        FieldError(pointer=None, parameter="method", detail=detail)
        if parameter
        else FieldError(pointer="#/method", parameter=None, detail=detail)
    )
    raise NotFound(f"There is no method of a tree of indicators {method_id!r}.", errors=[error])


def last_years(method: TreeMethod, *, now: datetime, zone: ZoneInfo) -> list[int]:
    """Return the last years in which the method is in force, the newest first."""
    current = day_of(now, zone).year
    return [year for year in range(current, current - YEARS_BACK, -1) if method.is_valid_in(year)]


def check_validity(method: AnyMethod, period: int, *, parameter: bool) -> None:
    """Raise `Invalid` if the method is not in force in that year."""
    if method.is_valid_in(period):
        return
    detail = f"{method.id} holds {method.validity()}, not in {period}"
    error = FieldError(
        pointer=None if parameter else "#/period",
        parameter="period" if parameter else None,
        detail=detail,
    )
    raise Invalid(f"{detail}.", errors=[error])


async def assess_now(
    session: ReadSession | WriteSession,
    report_client: ReportClient,
    method: TreeMethod,
    *,
    region: str,
    period: int,
    seed: int,
    draws: int,
    now: datetime,
    zone: ZoneInfo,
    authorization: str,
) -> AssessmentResult:
    """Assess a year by the current evidence."""
    reports = await report_client.fetch(
        required_reports(method, period, now=now, zone=zone), authorization=authorization
    )
    async with computing_slot():
        records = await evidence_items(session, region)
        facts = Facts.of(period, [*records, *reports.items], reports.missing)
        # Ten thousand draws of forty indicators take some ten milliseconds: off the event loop.
        scores = await asyncio.to_thread(assess, method, facts, seed=seed, draws=draws)
    return AssessmentResult(facts, scores, reports.notices)


async def assess_completely(
    session: ReadSession | WriteSession,
    report_client: ReportClient,
    method: TreeMethod,
    *,
    region: str,
    period: int,
    seed: int,
    draws: int,
    now: datetime,
    zone: ZoneInfo,
    authorization: str,
) -> AssessmentResult:
    """Assess a year to store the result; `Unavailable` if a service did not answer."""
    assessed = await assess_now(
        session,
        report_client,
        method,
        region=region,
        period=period,
        seed=seed,
        draws=draws,
        now=now,
        zone=zone,
        authorization=authorization,
    )
    if assessed.notices:
        raise Unavailable(
            "An assessment is stored permanently, so it needs every service: "
            + "; ".join(assessed.notices)
        )
    return assessed


async def evidence_items(
    session: ReadSession | WriteSession, region: str, *, as_of: datetime | None = None
) -> list[Item]:
    """Return the confirmed evidence and beside it what is proposed, now or as of a moment."""
    parameters = {"region": region, "kind": None, "as_of": as_of}
    rows = (await session.execute(text(COUNTED), parameters)).all()
    agencies = agencies_of_stakeholders(
        (row.key, row.content or {}) for row in rows if row.kind == "stakeholders"
    )
    return [
        Item(
            kind=row.kind,
            key=row.key,
            version=row.version,
            href=record_href(row.kind, row.id, row.version),
            content=row.content or {},
            state=row.state,
            recorded_by=row.recorded_by,
            confirmed_at=row.confirmed_at,
            self_reported=is_self_reported(row.kind, row.content, row.recorded_by, agencies),
        )
        for row in rows
        if row.kind != LEVELS_OF_INDICES
    ]


def record_href(kind: str, record_id: UUID, version: int) -> str:
    """Return the address of a record in the version that was used."""
    return f"{API}/{kind}/{record_id}?version={version}"


async def store_assessment(
    session: WriteSession,
    method: TreeMethod,
    assessed: AssessmentResult,
    *,
    region: str,
    assessment_id: UUID,
    seed: int,
    draws: int,
    recorded_by: str,
    now: datetime,
    drafted_by: str | None = None,
) -> None:
    """Store an assessment with all its inputs, which never changes; or a draft by somebody."""
    await session.execute(
        text(INSERT_ASSESSMENT if drafted_by is None else INSERT_DRAFT),
        ({} if drafted_by is None else {"drafted_by": drafted_by})
        | {
            "region": region,
            "id": assessment_id,
            "method": method.id,
            "method_version": method.version,
            "method_hash": method.hash(),
            "period": assessed.facts.period,
            "seed": seed,
            "draws": draws,
            "evidence_hash": assessed.facts.hash(),
            "now": now,
            "recorded_by": recorded_by,
            "definition": json.dumps(method.document()),
            "evidence": json.dumps([item.document() for item in assessed.facts.all_items]),
            "scores": assessed.scores.model_dump_json(),
        },
    )
