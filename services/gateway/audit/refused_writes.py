"""Writes without a key that stored nothing: counted by status, one audit line an hour for all.

Anybody can send them, so a line for each would let anybody grow a log that nothing may shorten.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

from services.gateway.audit.chain import AuditEntry
from services.gateway.audit.log import AuditLog
from services.platform.database import DATABASE_ERRORS
from services.platform.request_id import new_request_id

INTERVAL = timedelta(hours=1)
ACTION = "refusals"
STORED_STATUSES = frozenset({201, 202, 204, 303})
"""Statuses of a write that was stored; 303 is what a form's page answers. Of the others, 200 is a
repeated or computed answer, and any redirect but 303 asks to send the write elsewhere."""


class RefusedWrites:
    """Counts since the last audit line about them."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._counts: Counter[int] = Counter()

    def count(self, status: int) -> None:
        """Count a write that got this status."""
        self._counts[status] += 1

    async def flush(self) -> None:
        """Append the audit line; without the database the counts remain for the next one."""
        if not self._counts:
            return
        counts, self._counts = self._counts, Counter()
        entry = AuditEntry(
            at=datetime.now(UTC).replace(minute=0, second=0, microsecond=0),
            key_id="anonymous",
            agency=None,
            action=ACTION,
            target=", ".join(f"{status}: {count}" for status, count in sorted(counts.items())),
            status=None,
            problem=None,
            request_id=new_request_id().decode(),
            body_hash=None,
        )
        try:
            await self._audit.append(entry)
        except DATABASE_ERRORS:
            self._counts.update(counts)
            raise
