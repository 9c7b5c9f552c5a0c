"""Files attached to evidence, such as minutes and photographs: what is stored, what is deleted.

A file belongs to a record, whatever the version, and is named by the SHA-256 of its content.
Whoever confirms a version vouches for the files attached by then: those stay, also when the record
is withdrawn, since an assessment read the record. A file that nobody has confirmed is deleted by
the agency that keeps the record, or when the record is withdrawn. Of a deleted file its hash, size
and dates remain, so that a bundle which names it stays the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import text

from services.assessment.evidence import store
from services.assessment.evidence.attached_files import AttachedFile, CheckedFile
from services.assessment.evidence.rules import check_owner
from services.platform.database import ReadSession, WriteSession
from services.platform.identity import Caller
from services.platform.ids import new_id
from services.platform.problems import Conflict, NotFound
from services.platform.translation import N_, localized

MAX_OF_RECORD = 20
MAX_BYTES_OF_AGENCY = 256 * 1024 * 1024
"""Some five hundred photographs as phones send them, encoded anew."""

_COLUMNS = """
    encode(a.sha256, 'hex') AS sha256, a.name, a.media_type, a.size, a.added_at, a.added_by,
    (SELECT min(s.changed_at) FROM assessment.evidence_state s
     WHERE s.region = a.region AND s.kind = a.kind AND s.id = a.record
       AND s.state = 'confirmed' AND s.changed_at >= a.added_at) AS confirmed_at
"""

OF_RECORD = f"""
-- The files of a record, the oldest first, without their content.
SELECT {_COLUMNS}
FROM assessment.evidence_attachment a
WHERE a.region = :region AND a.kind = :kind AND a.record = :record AND a.removed_at IS NULL
ORDER BY a.added_at, a.id
"""  # noqa: S608 - made of constants

OF_KIND = f"""
-- A page of the files of all records of a kind, the oldest first, without their content.
SELECT a.id, a.record, {_COLUMNS}
FROM assessment.evidence_attachment a
WHERE a.region = :region AND a.kind = :kind AND a.removed_at IS NULL
  AND (CAST(:cursor AS uuid) IS NULL OR a.id > CAST(:cursor AS uuid))
ORDER BY a.id
LIMIT :limit
"""  # noqa: S608 - made of constants

CONTENT = """
-- A file with its content.
SELECT name, media_type, content FROM assessment.evidence_attachment
WHERE region = :region AND kind = :kind AND record = :record
  AND sha256 = decode(:sha256, 'hex') AND removed_at IS NULL
"""

NEWEST = """
-- Who recorded the newest version of a record, and the state of that version.
SELECT e.recorded_by, s.state
FROM assessment.evidence e
JOIN LATERAL (SELECT state FROM assessment.evidence_state s
              WHERE s.region = e.region AND s.kind = e.kind AND s.id = e.id
                AND s.version = e.version
              ORDER BY step DESC LIMIT 1) s ON true
WHERE e.region = :region AND e.kind = :kind AND e.id = :record
ORDER BY e.version DESC LIMIT 1
"""

SIZE_OF_AGENCY = """
-- Bytes of the files that an agency has attached.
SELECT coalesce(sum(size), 0) FROM assessment.evidence_attachment
WHERE region = :region AND added_by = :agency AND removed_at IS NULL
"""

ADD = """
-- Attaches a file to a record.
INSERT INTO assessment.evidence_attachment
    (region, id, kind, record, sha256, media_type, size, name, content, added_at, added_by)
VALUES (:region, :id, :kind, :record, decode(:sha256, 'hex'), :media_type, :size, :name, :content,
        :now, :agency)
"""

REMOVE = """
-- Deletes content and name of a file.
UPDATE assessment.evidence_attachment
SET content = NULL, name = NULL, removed_at = :now, removed_by = :by
WHERE region = :region AND kind = :kind AND record = :record
  AND sha256 = decode(:sha256, 'hex') AND removed_at IS NULL
"""

HASHES_IN_FORCE = """
-- Hashes of the files of all records in force, by the keys of their records.
SELECT e.kind, e.key, encode(a.sha256, 'hex') AS sha256
FROM assessment.evidence_attachment a
JOIN assessment.evidence e
  ON e.region = a.region AND e.kind = a.kind AND e.id = a.record AND e.is_current
WHERE a.region = :region AND a.removed_at IS NULL
ORDER BY e.kind, e.key, a.added_at, a.id
"""

ATTACHED_AT = """
-- What was attached at a moment, also what was deleted later, with the keys of its records.
SELECT a.kind, e.key, encode(a.sha256, 'hex') AS sha256, a.media_type, a.size
FROM assessment.evidence_attachment a
JOIN assessment.evidence e
  ON e.region = a.region AND e.kind = a.kind AND e.id = a.record AND e.version = 1
WHERE a.region = :region AND a.added_at <= :moment
  AND (a.removed_at IS NULL OR a.removed_at > :moment)
ORDER BY a.kind, e.key, a.sha256
"""


@dataclass(frozen=True)
class StoredAttachment:
    """A file of a record, without its content."""

    sha256: str
    name: str
    media_type: str
    size: int
    added_at: AwareDatetime
    added_by: str
    confirmed_at: AwareDatetime | None
    """When the record was next confirmed; null if not since."""


@dataclass(frozen=True)
class RecordOfFiles:
    """The record whose files are meant."""

    region: str
    kind: str
    id: UUID

    @property
    def names(self) -> dict[str, object]:
        """The parameters of the queries."""
        return {"region": self.region, "kind": self.kind, "record": self.id}


def _no_record(record: RecordOfFiles) -> NotFound:
    absent = N_("Tidak ada catatan %(id)s di antara %(kind)s.")
    return NotFound(localized(absent, id=record.id, kind=record.kind))


async def attachments_of(
    session: ReadSession | WriteSession, record: RecordOfFiles
) -> list[StoredAttachment]:
    """Return the files of a record, the oldest first; `NotFound` if there is no such record."""
    if (await session.execute(text(NEWEST), record.names)).one_or_none() is None:
        raise _no_record(record)
    rows = (await session.execute(text(OF_RECORD), record.names)).mappings()
    return [StoredAttachment(**row) for row in rows]


@dataclass(frozen=True)
class FileOfKind:
    """A file of some record of a kind."""

    id: UUID
    record: UUID
    file: StoredAttachment


async def attachments_of_kind(
    session: ReadSession | WriteSession,
    region: str,
    kind: str,
    *,
    cursor: UUID | None,
    limit: int | None,
) -> list[FileOfKind]:
    """Return files of the records of a kind, the oldest first, after a cursor."""
    parameters = {"region": region, "kind": kind, "cursor": cursor, "limit": limit}
    found: list[FileOfKind] = []
    for row in (await session.execute(text(OF_KIND), parameters)).mappings():
        values = dict(row)
        id_, record = values.pop("id"), values.pop("record")
        found.append(FileOfKind(id_, record, StoredAttachment(**values)))
    return found


async def check_may_attach(
    session: ReadSession | WriteSession, record: RecordOfFiles, caller: Caller
) -> None:
    """Raise a problem unless the caller may attach a file to a record.

    Raises:
        NotFound: There is no such record.
        NotAllowed: Another agency keeps it.
        Conflict: It is withdrawn.
    """
    found = (await session.execute(text(NEWEST), record.names)).one_or_none()
    if found is None:
        raise _no_record(record)
    check_owner(caller, found.recorded_by)
    if found.state == "withdrawn":
        raise Conflict(
            localized(N_("Catatan ini sudah ditarik; perbaiki dulu untuk memulihkannya."))
        )


async def attach(
    session: WriteSession,
    record: RecordOfFiles,
    file: CheckedFile,
    *,
    sha256: str,
    name: str,
    caller: Caller,
    now: datetime,
) -> StoredAttachment:
    """Attach a file to a record; one that it has already is returned as it is.

    Raises `Conflict` if the record has its most files, or the agency its most bytes.
    """
    await _lock(session, record)
    await check_may_attach(session, record, caller)
    files = await attachments_of(session, record)
    existing = next((one for one in files if one.sha256 == sha256), None)
    if existing is not None:
        return existing
    if len(files) >= MAX_OF_RECORD:
        raise Conflict(
            localized(N_("Satu catatan paling banyak %(most)s lampiran."), most=MAX_OF_RECORD)
        )
    agency = caller.actor
    await session.execute(
        text(store.LOCK), {"region": record.region, "kind": "attachments", "key": agency}
    )
    names = {"region": record.region, "agency": agency}
    size: int = await session.scalar(text(SIZE_OF_AGENCY), names) or 0
    if size + len(file.content) > MAX_BYTES_OF_AGENCY:
        raise Conflict(
            localized(
                N_("Lampiran satu instansi paling banyak %(size)s MiB; hapus sebagian dulu."),
                size=MAX_BYTES_OF_AGENCY // (1024 * 1024),
            )
        )
    about = {"id": new_id(), "sha256": sha256, "media_type": file.media_type, "name": name}
    about |= {"size": len(file.content), "content": file.content, "now": now, "agency": agency}
    await session.execute(text(ADD), record.names | about)
    return StoredAttachment(
        sha256, name, file.media_type, len(file.content), now, agency, confirmed_at=None
    )


async def remove(
    session: WriteSession, record: RecordOfFiles, sha256: str, *, caller: Caller, now: datetime
) -> None:
    """Delete a file that nobody has confirmed; an administrator deletes any.

    Raises:
        NotFound: There is no such file.
        NotAllowed: Another agency keeps the record.
        Conflict: The record was confirmed with the file.
    """
    await _lock(session, record)
    newest = (await session.execute(text(NEWEST), record.names)).one_or_none()
    files = [] if newest is None else await attachments_of(session, record)
    found = next((one for one in files if one.sha256 == sha256), None)
    if newest is None or found is None:
        raise file_not_found(sha256)
    check_owner(caller, newest.recorded_by)
    if found.confirmed_at is not None and "admin" not in caller.scopes:
        raise Conflict(
            localized(
                N_(
                    "Catatan ini dikonfirmasi dengan lampiran itu, jadi lampirannya tetap; hanya "
                    "pengelola hub yang dapat menghapusnya."
                )
            )
        )
    about = {"sha256": sha256, "now": now, "by": caller.actor}
    await session.execute(text(REMOVE), record.names | about)


async def attached_at(
    session: ReadSession, region: str, moment: datetime
) -> Sequence[AttachedFile]:
    """Return what was attached to evidence at a moment."""
    rows = await session.execute(text(ATTACHED_AT), {"region": region, "moment": moment})
    return [AttachedFile(**row) for row in rows.mappings()]


async def hashes_in_force(session: ReadSession, region: str) -> dict[tuple[str, str], list[str]]:
    """Return the SHA-256 of each file of the records in force, by kind and key of the record."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in await session.execute(text(HASHES_IN_FORCE), {"region": region}):
        found.setdefault((row.kind, row.key), []).append(row.sha256)
    return found


def file_not_found(sha256: str) -> NotFound:
    return NotFound(f"This record has no attachment with the SHA-256 {sha256}.")


async def _lock(session: WriteSession, record: RecordOfFiles) -> None:
    """Serialise with changes and confirmations of the record."""
    names = {"region": record.region, "kind": record.kind, "key": str(record.id)}
    await session.execute(text(store.LOCK), names)
