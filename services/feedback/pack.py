"""Load a pack's surveys and reporting obligations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from services.feedback.reference_data import ReferenceCodes, store_reference_codes
from services.feedback.reporting_obligations import ReportingObligation, store_obligations
from services.feedback.surveys.definition import Survey
from services.feedback.surveys.pack import load_surveys, read_surveys
from services.platform.database import WriteSession
from services.platform.packs import (
    Change,
    PackError,
    SourceFile,
    parse,
    read_yaml,
)


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

    Changes of reference codes are reported by the services that define them.
    """
    await store_reference_codes(session, region, references)
    changes = await load_surveys(session, region, pack.surveys)
    changes += await store_obligations(session, region, obligations, month=month)
    return changes
