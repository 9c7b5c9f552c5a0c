"""Whether the latest lines of the audit log are intact, fast enough for a page."""

from dataclasses import dataclass
from datetime import date

from services.gateway.audit.chain import ChainVerifier, Head
from services.gateway.audit.months import list_signed
from services.gateway.audit.records import AuditFilter, count_pending, list_latest
from services.platform.database import ReadSession

LINES = 1000
"""Lines that are recomputed; `emall audit verify` does all of them."""


@dataclass(frozen=True)
class RecentVerification:
    """What recomputing the latest lines found."""

    lines: int
    """How many were recomputed."""
    fault: str | None
    """The first fault; None if they are intact."""
    pending: int
    """Lines that are stored and not chained yet."""
    signed_until: date | None
    """The last month whose head is signed."""


async def verify_recent(session: ReadSession, region: str) -> RecentVerification:
    """Recompute the hashes of the latest lines, and compare them with signed heads."""
    lines = list(
        reversed(await list_latest(session, region, AuditFilter(), before=None, limit=LINES))
    )
    signed = await list_signed(session, region)
    fault = None
    if lines:
        after = Head(lines[0].number - 1, lines[0].previous)
        heads = {month.last_number: month.head for month in signed}
        verifier = ChainVerifier(region, after=after, signed=heads)
        fault = next(filter(None, map(verifier.verify_next, lines)), None)
    return RecentVerification(
        len(lines),
        fault,
        await count_pending(session, region),
        signed[-1].month if signed else None,
    )
