"""Import of a filled spreadsheet: everything or nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from services.catalog.editing import find_undefined, lock_publishing, store_services
from services.catalog.queries import Target
from services.catalog.reference_records import (
    DOCUMENT_TYPES,
    PLACES,
    SOURCES,
    RecordKind,
    find_record,
    store_record,
)
from services.catalog.spreadsheet.planning import (
    NOT_YOURS,
    ImportPlan,
    ImportRefusedError,
    NamedKey,
    PlannedRecord,
)
from services.catalog.spreadsheet.rows import Stored
from services.catalog.spreadsheet.sheets import KINDS, Kind
from services.catalog.spreadsheet.template import Choice, Choices, StoredCatalogue
from services.platform.database import ReadSession, WriteSession
from services.platform.identity import Caller
from services.platform.languages import Language
from services.platform.spreadsheets.model import SheetIssue
from services.platform.translation import N_, Message, translator

TABLES: Mapping[Kind, tuple[str, str]] = {
    "service": ("service", "slug"),
    "place": ("place", "slug"),
    "document_type": ("document_type", "slug"),
    "source": ("source", "id"),
}
"""Table of a kind, and its column of the key."""
REFERENCE_KINDS: Mapping[Kind, RecordKind[Any]] = {
    "source": SOURCES,
    "place": PLACES,
    "document_type": DOCUMENT_TYPES,
}

STORED = """
-- The records of a table by their key, of one agency or of all.
SELECT {key} AS key, version, agency, CAST(content AS text) AS content
FROM catalog.{table}
WHERE region = :region AND (CAST(:agency AS text) IS NULL OR agency = :agency)
ORDER BY {key}
"""

VERSIONS = """
-- The versions of these services.
SELECT slug, version FROM catalog.service
WHERE region = :region AND slug = ANY (CAST(:slugs AS text[]))
"""

WITHDRAWN = """
-- The agencies that had these services when they were published last.
SELECT DISTINCT ON (slug) slug, content ->> 'agency' AS agency FROM catalog.service_version
WHERE region = :region AND slug = ANY (CAST(:slugs AS text[])) AND content IS NOT NULL
ORDER BY slug, number DESC
"""

NAMED = {
    "instansi": """
-- The agencies that a record may name.
SELECT slug AS key, content ->> 'name' AS name FROM catalog.agency
WHERE region = :region ORDER BY slug
""",
    "peristiwa": """
-- The life events that a service may name.
SELECT slug AS key, content ->> 'name' AS name FROM catalog.life_event
WHERE region = :region ORDER BY position
""",
    "tautan": """
-- The links that a channel may name.
SELECT slug AS key, slug AS name FROM catalog.link WHERE region = :region ORDER BY slug
""",
    "tempat": """
-- The places that a service may name.
SELECT slug AS key, content ->> 'name' AS name FROM catalog.place
WHERE region = :region ORDER BY slug
""",
    "dokumen": """
-- The document types that a requirement may name.
SELECT slug AS key, content ->> 'name' AS name FROM catalog.document_type
WHERE region = :region ORDER BY slug
""",
    "sumber": """
-- The sources that a record may cite.
SELECT id AS key, content ->> 'title' AS name FROM catalog.source
WHERE region = :region ORDER BY id
""",
}

ADDED_IN: Mapping[Target, str] = {
    "source": "Sumber",
    "place": "Tempat",
    "document type": "Dokumen",
    "service": "Layanan",
}
"""Sheets in which a row adds what is missing."""

CHANGED_MEANWHILE = N_(
    "data ini berubah ketika berkas diperiksa; unduh templat lagi dan ulangi perubahan Anda"
)
UNDEFINED = N_("tidak ada %(target)s '%(key)s'; %(remedy)s")
TARGETS: Mapping[Target, Message] = {
    "source": N_("sumber"),
    "life event": N_("peristiwa"),
    "link": N_("tautan"),
    "place": N_("tempat"),
    "document type": N_("jenis dokumen"),
    "service": N_("layanan"),
    "agency": N_("instansi"),
}
ADD_A_ROW = N_("betulkan kodenya, atau tambahkan di lembar %(sheet)s")
SEE_CHOICES = N_("lembar Pilihan memuat yang ada")


async def read_stored(
    session: ReadSession | WriteSession, region: str, *, agency: str | None = None
) -> StoredCatalogue:
    """Return the stored records of all kinds, of one agency or of all."""
    parameters = {"region": region, "agency": agency}
    found: dict[Kind, Sequence[Stored]] = {}
    for kind in KINDS:
        table, key = TABLES[kind]
        statement = text(STORED.format(table=table, key=key))
        rows = await session.execute(statement, parameters)
        found[kind] = [Stored(*row) for row in rows.tuples()]
    return found


async def read_choices(session: ReadSession, region: str) -> Choices:
    """Return what records may name."""
    found: dict[str, Sequence[Choice]] = {}
    for heading, statement in NAMED.items():
        rows = await session.execute(text(statement), {"region": region})
        found[heading] = [Choice(*row) for row in rows.tuples()]
    return found


async def store_plan(
    session: WriteSession,
    region: str,
    plan: ImportPlan,
    *,
    caller: Caller,
    now: datetime,
    language: Language,
) -> None:
    """Store what a plan changes, each record as a new version.

    Raises:
        ImportRefusedError: A record was changed since the plan was made, or names something that
            does not exist; the transaction must be rolled back.
    """
    outdated: list[PlannedRecord] = []
    # As `emall load` does, which would otherwise wait for this transaction, and it for the load.
    for kind, records_of in REFERENCE_KINDS.items():
        listed = [record for record in plan.records if record.kind == kind]
        outdated += await _store_records(
            session, region, records_of, listed, by=caller.actor, now=now
        )
    services = [record for record in plan.records if record.kind == "service"]
    if services:
        await _check_withdrawn(session, region, services, caller=caller, language=language)
        outdated += await _store_services(session, region, services, by=caller.actor, now=now)
    if outdated:
        told = translator(language).translate(CHANGED_MEANWHILE)
        raise ImportRefusedError(outdated=[record.issue(told) for record in outdated])
    # Checked last: a row may name what another one creates.
    undefined = await find_undefined(session, region, [(r.target, r.key) for r in plan.references])
    missing = [named for named in plan.references if (named.target, named.key) in undefined]
    if missing:
        raise ImportRefusedError(invalid=list(_undefined_issues(missing, language)))


async def _store_records(
    session: WriteSession,
    region: str,
    records_of: RecordKind[Any],
    records: Sequence[PlannedRecord],
    *,
    by: str,
    now: datetime,
) -> list[PlannedRecord]:
    """Store records; return those that are not of the version that was read."""
    outdated: list[PlannedRecord] = []
    for record in sorted(records, key=lambda each: each.key):
        stored = await find_record(session, region, records_of, record.key, lock=True)
        if (None if stored is None else stored.version) != record.version:
            outdated.append(record)
            continue
        await store_record(
            session,
            region,
            records_of,
            records_of.model.model_validate_json(record.content),
            agency=record.agency,
            origin="api",
            by=by,
            now=now,
        )
    return outdated


async def _check_withdrawn(
    session: WriteSession,
    region: str,
    records: Sequence[PlannedRecord],
    *,
    caller: Caller,
    language: Language,
) -> None:
    """Check that no new service takes the key of one that another agency withdrew."""
    new = {record.key: record for record in records if record.version is None}
    rows = await session.execute(text(WITHDRAWN), {"region": region, "slugs": list(new)})
    told = translator(language).translate
    foreign = [
        new[row.slug].issue(told(NOT_YOURS, agency=row.agency))
        for row in rows
        if not caller.can_write_for(row.agency)
    ]
    if foreign:
        raise ImportRefusedError(foreign=foreign)


async def _store_services(
    session: WriteSession,
    region: str,
    records: Sequence[PlannedRecord],
    *,
    by: str,
    now: datetime,
) -> list[PlannedRecord]:
    """Store services; return those that are not of the version that was read."""
    published_at = await lock_publishing(session, region, now)
    parameters = {"region": region, "slugs": [record.key for record in records]}
    rows = await session.execute(text(VERSIONS), parameters)
    versions: dict[str, int] = dict(rows.tuples().all())
    outdated = [each for each in records if versions.get(each.key) != each.version]
    if not outdated:
        contents = [record.content for record in records]
        await store_services(
            session, region, contents, origin="api", recorded_by=by, now=published_at
        )
    return outdated


def _undefined_issues(missing: Iterable[NamedKey], language: Language) -> Iterator[SheetIssue]:
    told = translator(language).translate
    for named in missing:
        sheet = ADDED_IN.get(named.target)
        remedy = told(SEE_CHOICES) if sheet is None else told(ADD_A_ROW, sheet=sheet)
        target = told(TARGETS[named.target])
        message = told(UNDEFINED, target=target, key=named.key, remedy=remedy)
        for cell in named.cells:
            yield cell.issue(message)
