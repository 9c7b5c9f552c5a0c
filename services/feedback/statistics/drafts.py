"""Store drafts of monthly statistics: an agency's month until a second person approves it.

A draft has figures that do not count yet. Its approval stores them as any other report, with the
same revisions and checks, in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, text

from services.feedback.channels import ChannelKind
from services.feedback.statistics import queries
from services.feedback.statistics.counters import Measure
from services.feedback.statistics.draft_schemas import (
    DraftState,
    StatisticDraftContent,
    StatisticDraftFigures,
    StatisticDraftItem,
)
from services.feedback.statistics.revisions import compare_figures, figures_of
from services.feedback.statistics.schemas import Counters, Statistic
from services.platform.database import ReadSession, WriteSession
from services.platform.identity import Caller
from services.platform.problems import Conflict, FieldError, Invalid, NotAllowed
from services.platform.stored import parse_stored
from services.platform.translation import N_, localized

FIND_DRAFT = """
-- The draft of a month.
SELECT * FROM feedback.statistic_draft
WHERE region = :region AND agency = :agency AND period = :period
"""

LIST_DRAFTS = """
-- The drafts of an agency, or of all, in a span of months, or those that wait for approval, the
-- latest first.
SELECT * FROM feedback.statistic_draft
WHERE region = :region AND (CAST(:agency AS text) IS NULL OR agency = :agency)
    AND period BETWEEN :first AND :last
    AND (NOT :only_submitted OR submitted_at IS NOT NULL AND approved_at IS NULL)
ORDER BY period DESC, agency
"""

STORED_FIGURES = """
-- The current figures of a month of the services on which the agency reports.
SELECT s.service, s.channel, s.measure, s.value
FROM feedback.statistic s
JOIN feedback.reporting_obligation o
    ON o.region = s.region AND o.agency = s.agency AND o.service = s.service
WHERE s.region = :region AND s.agency = :agency AND s.period = :period AND s.is_current
ORDER BY s.service, s.channel
"""

SAVE = """
-- Saves the content of a draft; its author is whoever saved it.
INSERT INTO feedback.statistic_draft AS d
    (region, agency, period, revision, content, authors, saved_at, saved_by)
VALUES (:region, :agency, :period, 1, CAST(:content AS jsonb), ARRAY[CAST(:person AS text)], :now,
        :by)
ON CONFLICT (region, agency, period) DO UPDATE SET
    revision = d.revision + 1, content = excluded.content, saved_at = :now, saved_by = :by,
    authors = CASE WHEN :person = ANY(d.authors) THEN d.authors ELSE d.authors || :person END
"""

SUBMIT = """
-- Submits a draft; whoever submits it is one of its authors.
UPDATE feedback.statistic_draft SET
    revision = revision + 1, submitted_at = :now, submitted_by = :by,
    authors = CASE WHEN :person = ANY(authors) THEN authors ELSE authors || :person END
WHERE region = :region AND agency = :agency AND period = :period
"""

APPROVE = """
-- Approves a draft, which locks it.
UPDATE feedback.statistic_draft SET revision = revision + 1, approved_at = :now, approved_by = :by
WHERE region = :region AND agency = :agency AND period = :period
"""

REOPEN = """
-- Opens a draft again. After an approval it begins without authors, with the stored figures and
-- the reason of the corrections.
UPDATE feedback.statistic_draft SET
    revision = revision + 1,
    content = CASE WHEN approved_at IS NULL THEN content ELSE CAST(:stored AS jsonb) END,
    authors = CASE WHEN approved_at IS NULL THEN authors ELSE '{}' END,
    submitted_at = NULL, submitted_by = NULL, approved_at = NULL, approved_by = NULL,
    reopened_at = :now, reopened_by = :by, reopened_reason = :reason
WHERE region = :region AND agency = :agency AND period = :period
"""


@dataclass(frozen=True)
class MonthKey:
    """The month of an agency."""

    region: str
    agency: str
    period: date

    @property
    def parameters(self) -> dict[str, Any]:
        """The key as parameters of a statement."""
        return {"region": self.region, "agency": self.agency, "period": self.period}


@dataclass(frozen=True)
class Draft:
    """A draft as it is stored."""

    content: StatisticDraftContent
    item: StatisticDraftItem

    @property
    def state(self) -> DraftState:
        """Where the month stands."""
        return self.item.state

    def check_step(self, revision: int, *allowed: DraftState) -> None:
        """Raise `Conflict` if the caller has read an earlier revision, or the state is another."""
        if revision != self.item.revision:
            last = N_("harus revisi terakhir, %(revision)s; baca konsepnya sekali lagi")
            detail = localized(last, revision=self.item.revision)
            raise Conflict(
                localized(N_("Konsep ini sudah diubah orang lain.")),
                errors=[FieldError.at("#/revision", detail)],
            )
        if self.state not in allowed:
            raise Conflict(f"The month is {self.state}; this step needs it {' or '.join(allowed)}.")

    def check_second_person(self, caller: Caller) -> None:
        """Raise `NotAllowed` if the caller saved or submitted the draft."""
        if caller.person in self.item.authors:
            raise NotAllowed(
                localized(
                    N_(
                        "Angka ini diisi atau diajukan orang yang sama; orang kedua yang "
                        "menyetujuinya (dari program: dengan kunci lain, yang tidak dibuat dari "
                        "kunci yang sama)."
                    )
                )
            )


async def lock_agency(session: WriteSession, key: MonthKey) -> None:
    """Serialise writers of the agency's statistics and drafts until the transaction ends."""
    parameters = {"region": key.region, "agencies": [key.agency]}
    await session.execute(text(queries.LOCK_AGENCIES), parameters)


async def find_draft(session: ReadSession | WriteSession, key: MonthKey) -> Draft:
    """Return the draft of a month: of one that was not saved yet the stored figures."""
    rows = await session.execute(text(FIND_DRAFT), key.parameters)
    row = rows.mappings().one_or_none()
    if row is None:
        item = StatisticDraftItem(
            agency=key.agency,
            period=f"{key.period:%Y-%m}",
            state="none",
            revision=0,
            authors=[],
            **dict.fromkeys(_MOMENTS_AND_PEOPLE),
        )
        return Draft(await _stored_content(session, key), item)
    item = _item(row)
    content = parse_stored(StatisticDraftContent, row["content"])
    return Draft(await _stored_content(session, key) if item.approved_at else content, item)


async def list_drafts(
    session: ReadSession,
    region: str,
    agency: str | None,
    *,
    first: date,
    last: date,
    only_submitted: bool = False,
) -> list[StatisticDraftItem]:
    """Return the drafts of an agency, or of all, in a span of months."""
    parameters = {
        "region": region,
        "agency": agency,
        "first": first,
        "last": last,
        "only_submitted": only_submitted,
    }
    rows = await session.execute(text(LIST_DRAFTS), parameters)
    return [_item(row) for row in rows.mappings()]


async def save_draft(
    session: WriteSession,
    key: MonthKey,
    content: StatisticDraftContent,
    *,
    caller: Caller,
    now: datetime,
) -> None:
    """Save the content of a draft."""
    stored = StatisticDraftContent(figures=content.figures, reason=content.reason)
    await _change(session, SAVE, key, caller, now, content=stored.model_dump_json())


async def submit_draft(
    session: WriteSession, key: MonthKey, *, caller: Caller, now: datetime
) -> None:
    """Record who submitted a draft."""
    await _change(session, SUBMIT, key, caller, now)


async def approve_draft(
    session: WriteSession, key: MonthKey, *, caller: Caller, now: datetime
) -> None:
    """Record who approved a draft."""
    await _change(session, APPROVE, key, caller, now)


async def reopen_draft(
    session: WriteSession, key: MonthKey, reason: str, *, caller: Caller, now: datetime
) -> None:
    """Open a submitted or approved draft again."""
    stored = (await _stored_content(session, key)).model_copy(update={"reason": reason})
    values = {"reason": reason, "stored": stored.model_dump_json()}
    await _change(session, REOPEN, key, caller, now, **values)


async def statistics_of(
    session: WriteSession,
    key: MonthKey,
    draft: Draft,
    *,
    caller: Caller,
    now: datetime,
    zone: ZoneInfo,
) -> list[Statistic]:
    """Return the figures of a draft as a report, corrections with their reason.

    As in a spreadsheet a correction needs one, since a figure is easily overwritten by mistake.
    """
    statistics = [
        Statistic(
            agency=key.agency,
            service=each.service,
            channel=each.channel,
            period=f"{key.period:%Y-%m}",
            counters=each.counters,
            reason=None,
        )
        for each in draft.content.figures
    ]
    figures = figures_of(statistics, caller, now=now, zone=zone)
    if not figures:
        error = FieldError.at(
            "#/figures", localized(N_("belum ada angkanya; isi paling sedikit satu"))
        )
        raise Invalid(localized(N_("Bulan ini belum mempunyai angka.")), errors=[error])
    changes = await compare_figures(session, key.region, figures)
    corrected = {change.figure.item for change in changes if change.result == "revised"}
    reason = draft.content.reason
    if corrected and reason is None:
        corrections = ", ".join(
            f"{change.figure.service} {change.figure.measure} "
            f"{change.previous} -> {change.figure.value}"
            for change in [each for each in changes if each.result == "revised"][:20]
        )
        needed = N_("wajib diisi karena angka yang tersimpan dikoreksi: %(corrections)s")
        error = FieldError.at("#/reason", localized(needed, corrections=corrections))
        raise Invalid(localized(N_("Koreksi memerlukan alasan.")), errors=[error])
    return [
        each.model_copy(update={"reason": reason}) if index in corrected else each
        for index, each in enumerate(statistics)
    ]


async def _change(
    session: WriteSession,
    statement: str,
    key: MonthKey,
    caller: Caller,
    now: datetime,
    **values: str,
) -> None:
    who = {"person": caller.person, "by": caller.subject, "now": now}
    await session.execute(text(statement), key.parameters | who | values)


async def _stored_content(
    session: ReadSession | WriteSession, key: MonthKey
) -> StatisticDraftContent:
    rows = await session.execute(text(STORED_FIGURES), key.parameters)
    figures: dict[tuple[str, ChannelKind], dict[Measure, int]] = {}
    for row in rows:
        figures.setdefault((row.service, row.channel), {})[row.measure] = row.value
    return StatisticDraftContent(
        figures=[
            StatisticDraftFigures(service=service, channel=channel, counters=Counters(**counters))
            for (service, channel), counters in figures.items()
        ],
        reason=None,
    )


_MOMENTS_AND_PEOPLE: Sequence[str] = (
    "saved_at",
    "saved_by",
    "submitted_at",
    "submitted_by",
    "approved_at",
    "approved_by",
    "reopened_at",
    "reopened_by",
    "reopened_reason",
)


def _item(row: RowMapping) -> StatisticDraftItem:
    state: DraftState = "draft"
    if row["approved_at"] is not None:
        state = "approved"
    elif row["submitted_at"] is not None:
        state = "submitted"
    return StatisticDraftItem(
        agency=row["agency"],
        period=f"{row['period']:%Y-%m}",
        state=state,
        revision=row["revision"],
        authors=list(row["authors"]),
        **{name: row[name] for name in _MOMENTS_AND_PEOPLE},
    )
