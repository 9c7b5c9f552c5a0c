"""Atomic import of a filled evidence workbook."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from services.assessment.evidence import store
from services.assessment.evidence.records import EVIDENCE, Evidence
from services.assessment.evidence.rules import (
    append_version,
    check_recorder,
    check_size,
    content_faults,
    current_year,
    dangling_references,
    same_index_value,
)
from services.assessment.evidence.states import EvidenceState
from services.assessment.evidence.vocabularies import find_vocabularies
from services.platform.database import ReadSession, WriteSession
from services.platform.identity import Caller
from services.platform.ids import new_id
from services.platform.problems import NotAllowed
from services.platform.spreadsheets.model import SheetIssue, SpreadsheetError, Table


@dataclass(frozen=True)
class RecordChange:
    """A record that an import adds or corrects: its row, and what was stored before."""

    kind: str
    sheet: str
    cell: str
    record: Evidence
    before: Evidence | None


@dataclass(frozen=True)
class ImportedRecords:
    """Records of an import by outcome."""

    changes: tuple[RecordChange, ...]
    unchanged: int

    @property
    def added(self) -> int:
        """Number of records that are new."""
        return sum(one.before is None for one in self.changes)

    @property
    def corrected(self) -> int:
        """Number of records that got a further version."""
        return len(self.changes) - self.added


async def import_records(
    session: WriteSession,
    region: str,
    records: Sequence[tuple[str, Evidence, Table, int]],
    *,
    caller: Caller,
    now: datetime,
) -> ImportedRecords:
    """Add new and correct changed records; `SpreadsheetError` lists every invalid cell."""
    issues: list[SheetIssue] = []
    seen: dict[tuple[str, str], int] = {}
    changes: list[RecordChange] = []
    vocabularies = await find_vocabularies(session, region)
    this_year = await current_year(session, region, now)
    for kind, record, sheet, row in records:
        if (first := seen.setdefault((kind, record.key), row)) != row:
            issues.append(sheet.issue(row, "key", f"stands in row {first} already"))
            continue
        names = {"region": region, "kind": kind}
        await session.execute(text(store.LOCK), names | {"key": record.key})
        stored = (
            await session.execute(text(store.BY_KEY), names | {"key": record.key})
        ).one_or_none()
        before = None if stored is None else EVIDENCE[kind].model_validate(stored.content)
        if before == record:
            continue
        try:
            await check_recorder(session, region, kind, caller)
        except NotAllowed as error:
            issues.append(sheet.issue(row, "key", error.detail))
            continue
        if stored is not None and not caller.can_write_for(stored.recorded_by):
            message = f"was recorded by {stored.recorded_by}, and only that agency may correct it"
            issues.append(sheet.issue(row, "key", message))
            continue
        record_id = new_id() if stored is None else stored.id
        issues += [
            sheet.issue(row, str(path[0]), str(message))
            for path, message in content_faults(kind, record, vocabularies, this_year=this_year)
        ]
        if other := await same_index_value(session, region, record, record_id=record_id):
            issues.append(sheet.issue(row, "year", f"{other[1]} has it; correct that record"))
        change = RecordChange(kind, sheet.name, sheet.cell(row, "key"), record, before)
        changes.append(change)
        await append_version(
            session,
            region,
            kind,
            record,
            record_id=record_id,
            key=record.key,
            caller=caller,
            now=now,
        )
    # Checked last, because rows may refer to rows of other sheets.
    for kind, record, sheet, row in records:
        if (kind, record.key) in seen:
            issues += [
                sheet.issue(row, str(reference.path[0]), f"there is no {reference.label} on record")
                for reference in await dangling_references(session, region, record)
            ]
    if issues:
        raise SpreadsheetError(issues)
    await check_size(session, region, caller)
    return ImportedRecords(tuple(changes), len(records) - len(changes))


@dataclass(frozen=True)
class CurrentEvidence:
    """Every record in force by kind, and the state of its version by kind and key."""

    records: dict[str, list[Evidence]]
    states: dict[tuple[str, str], EvidenceState]


async def current_evidence(session: ReadSession | WriteSession, region: str) -> CurrentEvidence:
    """Return every record in force in its newest version."""
    found = CurrentEvidence({kind: [] for kind in EVIDENCE}, {})
    for row in await session.execute(text(store.CURRENT), {"region": region}):
        found.records[row.kind].append(EVIDENCE[row.kind].model_validate(row.content))
        found.states[row.kind, row.key] = row.state
    return found
