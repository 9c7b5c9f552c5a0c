"""Stores messages of OSS before they are acknowledged, each once, without personal data.

Of a message the hub stores the facts that statistics need, and a keyed digest that detects
repetitions. Both are one statement, so a crash leaves both or neither. A status that the hub
submits to OSS is a new message each time: the clock of one licence may stop several times.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, TypeGuard, get_args
from zoneinfo import ZoneInfo

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
from services.platform.local_time import start_of_day

MIN_GROUP_SIZE = 5
"""Published figures hide any group smaller than this."""

INSERT = """
-- A message that was not received before.
INSERT INTO gateway.oss_message (region, id, message, digest, received_at, version, facts)
VALUES (:region, :id, :message, :digest, :at, :version, CAST(:facts AS jsonb))
ON CONFLICT (region, message, digest) DO NOTHING
RETURNING id
"""

BY_MONTH = """
-- Messages of a year by month and kind.
SELECT to_char(received_at AT TIME ZONE :zone, 'YYYY-MM') AS month, message,
    count(*) AS count
FROM gateway.oss_message
WHERE region = :region AND message = ANY(:messages)
    AND to_char(received_at AT TIME ZONE :zone, 'YYYY') = :year
GROUP BY 1, 2 ORDER BY 1, 2
"""

CLOCK_BY_MONTH = """
-- States of licences that the hub submitted to OSS in a year, by month and effect on the clock.
SELECT to_char(received_at AT TIME ZONE :zone, 'YYYY-MM') AS month,
    count(*) FILTER (WHERE facts ->> 'kd_status' = ANY(:stops)) AS stopped,
    count(*) FILTER (WHERE facts ->> 'kd_status' = ANY(:restarts)) AS restarted,
    count(*) FILTER (WHERE facts ->> 'kd_status' = ANY(:approved)) AS approved,
    count(*) FILTER (WHERE facts ->> 'kd_status' = ANY(:rejected)) AS rejected
FROM gateway.oss_message
WHERE region = :region AND message = 'receiveLicenseStatus'
    AND to_char(received_at AT TIME ZONE :zone, 'YYYY') = :year
GROUP BY 1 ORDER BY 1
"""

CLOCK_EVENTS = """
-- Submitted states of licences in a span that stop a clock or end a pause.
SELECT facts ->> 'licence' AS licence, facts ->> 'kd_status' AS code, received_at AS at
FROM gateway.oss_message
WHERE region = :region AND message = 'receiveLicenseStatus' AND facts ? 'licence'
    AND facts ->> 'kd_status' = ANY(:codes) AND received_at >= :start AND received_at < :end
ORDER BY received_at, id
"""

FACTS = ("kd_daerah", "jenis_pelaku_usaha", "skala_usaha", "status_nib", "kd_izin", "kd_status")

CLOCK = ("stopped", "restarted", "approved", "rejected")

StoredMessage = Inbound | Literal["receiveLicenseStatus"]
"""Messages that are stored: those from OSS, and the states of licences submitted to it."""


class OssMonth(ApiModel):
    """Messages of one kind that were received in a month."""

    month: str
    message: Inbound = Field(description="Kind of message, by its name at OSS.")
    count: int | None = Field(description=f"Null below {MIN_GROUP_SIZE}.")


class OssClockMonth(ApiModel):
    """Stops and restarts of the clocks of service standards in a month."""

    month: str
    stopped: int | None = Field(description=f"Codes 41 and 43; null below {MIN_GROUP_SIZE}.")
    restarted: int | None = Field(description=f"Codes 42 and 44; null below {MIN_GROUP_SIZE}.")
    approved: int | None = Field(description=f"Codes 50 and 57; null below {MIN_GROUP_SIZE}.")
    rejected: int | None = Field(description=f"Codes 90 and 93; null below {MIN_GROUP_SIZE}.")
    pauses: int | None = Field(
        description="Pauses that ended in this month, by a restart or a decision; null if they "
        f"belong to fewer than {MIN_GROUP_SIZE} licences."
    )
    days_stopped: float | None = Field(
        description="Total length of these pauses, by the times of submission; null as `pauses`."
    )


def extract_facts(message: StoredMessage, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored part of a message: codes that reveal nothing about a person."""
    content: Mapping[str, Any] = body[guide().messages[message].root]
    facts: dict[str, Any] = {name: content[name] for name in FACTS if _is_code(content.get(name))}
    # Whether it reports a change of an existing NIB, without the date of the change.
    facts["change"] = "yes" if content.get("tgl_perubahan_nib") else "no"
    licences = content.get("data_checklist")
    if isinstance(licences, list):
        codes = [item.get("kd_izin") for item in licences if isinstance(item, dict)]
        facts["licences"] = sorted({code for code in codes if _is_code(code)})
    return facts


def _is_code(value: object) -> TypeGuard[str]:
    """Return whether a value is a code: no name, and no character that cannot be stored."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9.-]{1,25}", value) is not None


def digest_of(key: bytes, body: Mapping[str, Any]) -> bytes:
    """Return a digest of the content; the key prevents guessing content from it."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, canonical.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def licence_digest(key: bytes, body: Mapping[str, Any]) -> str:
    """Return a digest of the licence's id, which pairs its stops with its restarts."""
    [content] = body.values()
    identity = f"licence:{content.get('id_izin')}".encode()
    return hmac.new(key, identity, hashlib.sha256).hexdigest()[:32]


async def store_message(
    session: WriteSession,
    region: str,
    message: StoredMessage,
    body: Mapping[str, Any],
    *,
    key: bytes,
    now: datetime,
) -> bool:
    """Store a message; False if OSS sent it before."""
    facts, id_, salt = extract_facts(message, body), new_id(), dict[str, str]()
    if message == "receiveLicenseStatus":
        # OSS repeats a message when it is unsure; an equal state of an agency is a new event.
        salt = {"id": str(id_)}
        facts["licence"] = licence_digest(key, body)
    inserted = await session.scalar(
        text(INSERT),
        {
            "region": region,
            "id": id_,
            "message": message,
            "digest": digest_of(key, {**body, **salt}),
            "at": now,
            "version": VERSION,
            "facts": json.dumps(facts),
        },
    )
    return inserted is not None


async def message_counts(
    session: ReadSession, region: str, *, year: int, zone: ZoneInfo
) -> list[OssMonth]:
    """Return the message counts of a year; small counts are null."""
    parameters = {
        "region": region,
        "year": str(year),
        "messages": list(get_args(Inbound)),
        "zone": zone.key,
    }
    rows = await session.execute(text(BY_MONTH), parameters)
    return [
        OssMonth(
            month=row["month"],
            message=row["message"],
            count=row["count"] if row["count"] >= MIN_GROUP_SIZE else None,
        )
        for row in rows.mappings()
    ]


async def clock_statistics(
    session: ReadSession, region: str, *, year: int, zone: ZoneInfo
) -> list[OssClockMonth]:
    """Return how often and how long clocks stopped in a year; small groups are null."""
    clock = guide().clock
    codes = {name: list(clock[name]) for name in ("stops", "restarts", "approved", "rejected")}
    parameters = {"region": region, "year": str(year), "zone": zone.key, **codes}
    rows = await session.execute(text(CLOCK_BY_MONTH), parameters)
    completed = await _pauses(session, region, year=year, zone=zone)
    pauses = pauses_by_month(completed, min_licences=MIN_GROUP_SIZE, zone=zone)
    hidden = (None, None)
    return [
        OssClockMonth(
            month=row["month"],
            **{name: row[name] if row[name] >= MIN_GROUP_SIZE else None for name in CLOCK},
            pauses=pauses.get(row["month"], hidden)[0],
            days_stopped=pauses.get(row["month"], hidden)[1],
        )
        for row in rows.mappings()
    ]


async def _pauses(session: ReadSession, region: str, *, year: int, zone: ZoneInfo) -> list[Pause]:
    """Return pauses that ended in a year and started in it or in the year before."""
    clock = guide().clock
    ends = (*clock["restarts"], *clock["approved"], *clock["rejected"])
    span = {
        "start": start_of_day(date(year - 1, 1, 1), zone),
        "end": start_of_day(date(year + 1, 1, 1), zone),
    }
    parameters = {"region": region, "codes": [*clock["stops"], *ends], **span}
    rows = await session.execute(text(CLOCK_EVENTS), parameters)
    events = [LicenceEvent(row.licence, row.code, row.at) for row in rows]
    return pair_pauses(events, stops=clock["stops"], ends=ends)
