"""Months of the audit log: partitions ahead, signed heads of closed ones, retention.

A month is that (UTC) in which its lines were chained. When it is over, its first and last line
numbers and its last hash are signed with the gateway's identity key. The lines of a signed month
may be dropped; the chain then continues from its head.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import text

from services.gateway.audit.chain import NO_LINE, AuditEntry, Head
from services.gateway.audit.records import insert_entries
from services.platform.database import Database, ReadSession, WriteSession
from services.platform.months import add_months
from services.platform.request_id import new_request_id

CLOSED_AFTER = timedelta(hours=1)
"""After the end of a month, when no process chains lines of it any more."""
PRUNE_ACTION = "prune"

CREATE_PARTITION = """
-- Create the partition of a month if it is missing.
SELECT gateway.create_audit_partition(:month)
"""

LOCK_CHAIN = """
-- Wait until nobody chains lines.
SELECT pg_advisory_xact_lock(hashtextextended('emall audit ' || CAST(:region AS text), 0))
"""

SELECT_UNSIGNED = """
-- Select first and last line of each closed month that is not signed, with the hashes.
WITH month AS (
    SELECT month, min(number) AS first, max(number) AS last FROM gateway.audit_line
    WHERE region = :region AND month < :current AND month > coalesce(
        (SELECT max(month) FROM gateway.audit_month WHERE region = :region), '-infinity')
    GROUP BY month
)
SELECT m.month, m.first, m.last, f.previous, l.hash
FROM month m
JOIN gateway.audit_line f ON f.region = :region AND f.month = m.month AND f.number = m.first
JOIN gateway.audit_line l ON l.region = :region AND l.month = m.month AND l.number = m.last
ORDER BY m.month
"""

INSERT_SIGNED = """
-- Store a signed head.
INSERT INTO gateway.audit_month (region, month, first_number, last_number, previous, head,
                                 signed_at, public_key, signature)
VALUES (:region, :month, :first_number, :last_number, :previous, :head, :signed_at, :public_key,
        :signature)
"""

SELECT_SIGNED = """
-- Select the signed heads, oldest first.
SELECT month, first_number, last_number, previous, head, public_key, signature
FROM gateway.audit_month WHERE region = :region ORDER BY month
"""

DROP_MONTHS = """
-- Drop the signed months before one.
SELECT gateway.drop_audit_months(:region, :before) AS month
"""

FIRST_NUMBER = """
-- Select the number of the first line that is stored.
SELECT min(number) FROM gateway.audit_line WHERE region = :region
"""


@dataclass(frozen=True)
class SignedMonth:
    """The head of a closed month with its signature."""

    month: date
    first_number: int
    last_number: int
    previous: str
    """Hash before the first line."""
    head: str
    """Hash of the last line."""
    public_key: str
    """Raw Ed25519 key that verifies the signature, in hexadecimal digits."""
    signature: str
    """Ed25519 signature of `statement`, in hexadecimal digits."""


@dataclass(frozen=True)
class MaintenanceResult:
    """What one run did."""

    signed: tuple[date, ...]
    dropped: tuple[date, ...]


def statement(region: str, month: SignedMonth) -> bytes:
    """Return what is signed, as canonical JSON; it names its purpose, as the key has others."""
    content = {
        "purpose": "emall audit month",
        "region": region,
        "month": f"{month.month:%Y-%m}",
        "first_number": month.first_number,
        "last_number": month.last_number,
        "lines": month.last_number - month.first_number + 1,
        "previous": month.previous,
        "head": month.head,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def raw_public_key(key: Ed25519PublicKey) -> str:
    """Return a public key as `SignedMonth` has it."""
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def verify_months(
    region: str, months: Sequence[SignedMonth], trusted: Collection[Ed25519PublicKey]
) -> str | None:
    """Return what is wrong with the signed heads, or None; they must follow one another."""
    keys = {raw_public_key(key): key for key in trusted}
    end = NO_LINE
    for month in months:
        name = f"the signed head of {month.month:%Y-%m}"
        if (month.first_number - 1, month.previous) != (end.number, end.hash):
            return f"{name} does not follow line {end.number}: a head before it is missing"
        key = keys.get(month.public_key)
        if key is None:
            return (
                f"{name} is signed with the key {month.public_key}, which is not this hub's: if it "
                "was, pass its file to --public-key"
            )
        try:
            key.verify(bytes.fromhex(month.signature), statement(region, month))
        except (InvalidSignature, ValueError):
            return f"{name} was changed: its signature does not match"
        end = Head(month.last_number, month.head)
    return None


def unexplained_month(
    pruned: Sequence[SignedMonth], prunings: Collection[str], *, retained_since: date
) -> str | None:
    """Return which pruned month should still be there, or None.

    `prunings` are the targets of the lines that record what was pruned.
    """
    for month in pruned:
        if month.month >= retained_since and f"audit {month.month:%Y-%m}" not in prunings:
            return (
                f"the lines of {month.month:%Y-%m} are missing: they are retained, and no line "
                "says that they were pruned"
            )
    return None


async def list_signed(session: ReadSession | WriteSession, region: str) -> list[SignedMonth]:
    """Return the signed heads, oldest first."""
    rows = await session.execute(text(SELECT_SIGNED), {"region": region})
    return [SignedMonth(**row) for row in rows.mappings()]


async def list_pruned(
    session: ReadSession, region: str, months: Sequence[SignedMonth]
) -> list[SignedMonth]:
    """Return those of the signed months whose lines are not stored: all before the first line."""
    first = await session.scalar(text(FIRST_NUMBER), {"region": region})
    return [month for month in months if first is None or month.last_number < first]


def month_before(moment: datetime, months: int) -> date:
    """Return the first day of the month (UTC) so many months before that of a moment."""
    return add_months(moment.astimezone(UTC).date(), -months)


class AuditMonths:
    """Creates partitions ahead, signs closed months and drops those past their retention."""

    def __init__(
        self,
        database: Database,
        region: str,
        key: Ed25519PrivateKey | None,
        *,
        retention_months: int,
    ) -> None:
        """Without a key nothing is signed."""
        self._database = database
        self._region = region
        self._key = key
        self._retention_months = retention_months

    async def maintain_now(self) -> None:
        """Run for the present time."""
        await self.maintain(now=datetime.now(UTC))

    async def maintain(self, *, now: datetime) -> MaintenanceResult:
        """Run once; safe in several processes at once."""
        async with self._database.write_session() as session:
            for month in (month_before(now, 0), month_before(now, -1)):
                await session.execute(text(CREATE_PARTITION), {"month": month})
        async with self._database.write_session() as session:
            signed = await self._sign_closed(session, now=now)
        async with self._database.write_session() as session:
            dropped = await self._drop_expired(session, now=now)
        return MaintenanceResult(tuple(signed), tuple(dropped))

    async def _sign_closed(self, session: WriteSession, *, now: datetime) -> list[date]:
        if self._key is None:
            return []
        await session.execute(text(LOCK_CHAIN), {"region": self._region})
        parameters = {"region": self._region, "current": month_before(now - CLOSED_AFTER, 0)}
        rows = (await session.execute(text(SELECT_UNSIGNED), parameters)).all()
        for row in rows:
            head = SignedMonth(
                month=row.month,
                first_number=row.first,
                last_number=row.last,
                previous=row.previous,
                head=row.hash,
                public_key=raw_public_key(self._key.public_key()),
                signature="",
            )
            values: Mapping[str, object] = vars(head) | {
                "region": self._region,
                "signed_at": now,
                "signature": self._key.sign(statement(self._region, head)).hex(),
            }
            await session.execute(text(INSERT_SIGNED), values)
        return [row.month for row in rows]

    async def _drop_expired(self, session: WriteSession, *, now: datetime) -> list[date]:
        """Drop what is past its retention, with a line in the log for each month."""
        parameters = {"region": self._region, "before": month_before(now, self._retention_months)}
        rows = await session.execute(text(DROP_MONTHS), parameters)
        months = [row.month for row in rows]
        if months:
            entries = [
                pruning_entry(month, at=now + timedelta(microseconds=number))
                for number, month in enumerate(months)
            ]
            await insert_entries(session, self._region, entries)
        return months


def pruning_entry(month: date, *, at: datetime) -> AuditEntry:
    """Return the line that records the pruning of a month."""
    return AuditEntry(
        at=at,
        key_id="hub",
        agency=None,
        action=PRUNE_ACTION,
        target=f"audit {month:%Y-%m}",
        status=None,
        problem=None,
        request_id=new_request_id().decode(),
        body_hash=None,
    )
