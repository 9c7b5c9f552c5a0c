"""Messages from OSS: kept before they are acknowledged, each counted once, without personal data.

Of a message the hub keeps what statistics need, and a keyed digest by which it knows the same
message again. Storing and counting are one statement, so a crash leaves both or neither. What the
hub tells OSS is another message each time: the clock of one licence stops as often as it must.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeGuard, get_args

from pydantic import Field
from sqlalchemy import text

from services.gateway.connectors.oss.clock_stops import (
    LicenceEvent,
    Pause,
    pair_pauses,
    pauses_by_month,
)
from services.gateway.connectors.oss.messages import VERSION, Inbound, guide
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id
from services.platform.local_time import JAKARTA

FEWEST = 5
"""Published figures hide any group smaller than this."""

KEEP = """
-- A message that was not seen before.
INSERT INTO gateway.oss_message (region, id, message, digest, received_at, version, facts)
VALUES (:region, :id, :message, :digest, :at, :version, CAST(:facts AS jsonb))
ON CONFLICT (region, message, digest) DO NOTHING
RETURNING id
"""

BY_MONTH = """
-- Messages of a year by month and kind.
SELECT to_char(received_at AT TIME ZONE 'Asia/Jakarta', 'YYYY-MM') AS month, message,
    count(*) AS count
FROM gateway.oss_message
WHERE region = :region AND message = ANY(:messages)
    AND to_char(received_at AT TIME ZONE 'Asia/Jakarta', 'YYYY') = :year
GROUP BY 1, 2 ORDER BY 1, 2
"""

CLOCK_BY_MONTH = """
-- What the hub told OSS of licences in a year, by month and by what it does to the clock.
SELECT to_char(received_at AT TIME ZONE 'Asia/Jakarta', 'YYYY-MM') AS month,
    count(*) FILTER (WHERE facts ->> 'kd_status' = ANY(:stops)) AS stopped,
    count(*) FILTER (WHERE facts ->> 'kd_status' = ANY(:restarts)) AS restarted,
    count(*) FILTER (WHERE facts ->> 'kd_status' = ANY(:approved)) AS approved,
    count(*) FILTER (WHERE facts ->> 'kd_status' = ANY(:rejected)) AS rejected
FROM gateway.oss_message
WHERE region = :region AND message = 'receiveLicenseStatus'
    AND to_char(received_at AT TIME ZONE 'Asia/Jakarta', 'YYYY') = :year
GROUP BY 1 ORDER BY 1
"""

TOLD = """
-- What the hub told OSS of licences in a span, as far as it stops a clock or ends a pause.
SELECT facts ->> 'licence' AS licence, facts ->> 'kd_status' AS code, received_at AS at
FROM gateway.oss_message
WHERE region = :region AND message = 'receiveLicenseStatus' AND facts ? 'licence'
    AND facts ->> 'kd_status' = ANY(:codes) AND received_at >= :start AND received_at < :end
ORDER BY received_at, id
"""

FACTS = ("kd_daerah", "jenis_pelaku_usaha", "skala_usaha", "status_nib", "kd_izin", "kd_status")

CLOCK = ("stopped", "restarted", "approved", "rejected")

StoredMessage = Inbound | Literal["receiveLicenseStatus"]
"""Messages that are kept: those from OSS, and what the hub told it of the state of a licence."""


class OssMonth(ApiModel):
    """How many messages of a kind came in a month."""

    month: str
    message: Inbound
    count: int | None = Field(description=f"Null where there were fewer than {FEWEST}.")


class OssClockMonth(ApiModel):
    """What stopped and started the clocks of service promises in a month."""

    month: str
    stopped: int | None = Field(description=f"Codes 41 and 43; null below {FEWEST}.")
    restarted: int | None = Field(description=f"Codes 42 and 44; null below {FEWEST}.")
    approved: int | None = Field(description=f"Codes 50 and 57; null below {FEWEST}.")
    rejected: int | None = Field(description=f"Codes 90 and 93; null below {FEWEST}.")
    pauses: int | None = Field(
        description="Stops that ended in this month, by a restart or a decision; null where they "
        f"are of fewer than {FEWEST} licences."
    )
    days_stopped: float | None = Field(
        description="How many days these lasted together, by when OSS was told; null as `pauses`."
    )


def facts_of(message: StoredMessage, body: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a message: codes that tell nothing about a person."""
    content: Mapping[str, Any] = body[guide().messages[message].root]
    facts: dict[str, Any] = {name: content[name] for name in FACTS if _is_code(content.get(name))}
    # Whether it tells of a NIB that was there, and not when that changed.
    facts["change"] = "yes" if content.get("tgl_perubahan_nib") else "no"
    licences = content.get("data_checklist")
    if isinstance(licences, list):
        given = [item.get("kd_izin") for item in licences if isinstance(item, dict)]
        facts["licences"] = sorted({code for code in given if _is_code(code)})
    return facts


def _is_code(value: object) -> TypeGuard[str]:
    """Codes are letters and digits: no name slips in, and no character that cannot be stored."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9.-]{1,25}", value) is not None


def digest_of(key: bytes, body: Mapping[str, Any]) -> bytes:
    """The same for the same content; without the key nobody can try contents against it."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, canonical.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def licence_of(key: bytes, body: Mapping[str, Any]) -> str:
    """The same for the same licence, so that its stops and restarts find each other."""
    [content] = body.values()
    named = f"licence:{content.get('id_izin')}".encode()
    return hmac.new(key, named, hashlib.sha256).hexdigest()[:32]


async def store_message(
    session: WriteSession,
    region: str,
    message: StoredMessage,
    body: Mapping[str, Any],
    *,
    key: bytes,
    now: datetime,
) -> bool:
    """Keeps a message; False where OSS sent it before."""
    facts, id_, identity = facts_of(message, body), new_id(), dict[str, str]()
    if message == "receiveLicenseStatus":
        # OSS repeats what it is unsure of. What an agency tells in the same words happened again.
        identity = {"told": str(id_)}
        facts["licence"] = licence_of(key, body)
    kept = await session.scalar(
        text(KEEP),
        {
            "region": region,
            "id": id_,
            "message": message,
            "digest": digest_of(key, {**body, **identity}),
            "at": now,
            "version": VERSION,
            "facts": json.dumps(facts),
        },
    )
    return kept is not None


async def message_counts(session: ReadSession, region: str, *, year: int) -> list[OssMonth]:
    """The counts of a year, small ones hidden."""
    given = {"region": region, "year": str(year), "messages": list(get_args(Inbound))}
    rows = await session.execute(text(BY_MONTH), given)
    return [
        OssMonth(
            month=row["month"],
            message=row["message"],
            count=row["count"] if row["count"] >= FEWEST else None,
        )
        for row in rows.mappings()
    ]


async def clock_statistics(session: ReadSession, region: str, *, year: int) -> list[OssClockMonth]:
    """How often and how long clocks stopped in a year, small groups hidden."""
    clock = guide().clock
    codes = {name: list(clock[name]) for name in ("stops", "restarts", "approved", "rejected")}
    given = {"region": region, "year": str(year), **codes}
    rows = await session.execute(text(CLOCK_BY_MONTH), given)
    pauses = pauses_by_month(await _pauses(session, region, year=year), min_licences=FEWEST)
    nothing = (None, None)
    return [
        OssClockMonth(
            month=row["month"],
            **{name: row[name] if row[name] >= FEWEST else None for name in CLOCK},
            pauses=pauses.get(row["month"], nothing)[0],
            days_stopped=pauses.get(row["month"], nothing)[1],
        )
        for row in rows.mappings()
    ]


async def _pauses(session: ReadSession, region: str, *, year: int) -> list[Pause]:
    """Pauses that ended in a year and began in it or in the year before."""
    clock = guide().clock
    ends = (*clock["restarts"], *clock["approved"], *clock["rejected"])
    span = {
        "start": datetime(year - 1, 1, 1, tzinfo=JAKARTA),
        "end": datetime(year + 1, 1, 1, tzinfo=JAKARTA),
    }
    given = {"region": region, "codes": [*clock["stops"], *ends], **span}
    rows = await session.execute(text(TOLD), given)
    events = [LicenceEvent(row.licence, row.code, row.at) for row in rows]
    return pair_pauses(events, stops=clock["stops"], ends=ends)
