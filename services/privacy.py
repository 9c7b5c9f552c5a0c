"""What the hub holds about people: where, what for, on which ground, until when, and how much.

A test reads the database and fails where a table of the gateway or of feedback stands in neither
list below: whoever adds one says whether it tells of people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import text

from services.platform.api_model import ApiModel
from services.platform.database import Database
from services.platform.settings import Service, Settings

CONSENT = "consent (Law 27/2022, article 20 (2) a)"
PUBLIC_TASK = "public service and the exercise of authority (Law 27/2022, article 20 (2) e)"


@dataclass(frozen=True)
class Holding:
    """A table that tells, or may tell, of people."""

    service: Service
    table: str
    what: str
    purpose: str
    basis: str
    until: str
    since: str
    """The column that says how old a row is."""
    rows: str = "true"
    """Which of its rows hold the data still."""


HOLDINGS: tuple[Holding, ...] = (
    Holding(
        Service.feedback,
        "comment_contact",
        "e-mail address or telephone number, encrypted (AES-256-GCM)",
        "to answer somebody who asked for it",
        CONSENT,
        "the case closes (after a year without a word at the latest) or consent is withdrawn: "
        "erased at once, at the latest within 72 hours",
        "consented_at",
    ),
    Holding(
        Service.feedback,
        "comment",
        "what people wrote, with a place where they gave one; no name is asked for",
        "to handle complaints, questions and comments",
        PUBLIC_TASK,
        "{comment_retention_months} months after the case closed, then text and place are erased",
        "created_at",
        rows="content <> ''",
    ),
    Holding(
        Service.feedback,
        "comment_entry",
        "replies of citizens and agencies, who did what and when",
        "to handle comments, and to account for it",
        PUBLIC_TASK,
        "{comment_retention_months} months after the case closed, then the words are erased; that "
        "consent to a contact was given, and to which text, stays",
        "recorded_at",
        rows="content <> '' AND action <> 'contact_given'",
    ),
    Holding(
        Service.feedback,
        "comment_attachment",
        "photographs without their metadata",
        "to understand a complaint",
        PUBLIC_TASK,
        "{comment_retention_months} months after the case closed",
        "created_at",
    ),
    Holding(
        Service.feedback,
        "comment_sender",
        "a hash of address and browser, salted anew each day",
        "to hold floods of comments for a look",
        PUBLIC_TASK,
        "the next day, with its salt",
        "day",
    ),
    Holding(
        Service.feedback,
        "comment_salt",
        "the salt of the day, without which no hash can be told",
        "to hold floods of comments for a look",
        PUBLIC_TASK,
        "the next day",
        "day",
    ),
    Holding(
        Service.feedback,
        "response",
        "answers to surveys without a name, some with district, age group and sex",
        "to measure awareness and satisfaction (PermenPANRB 14/2017)",
        PUBLIC_TASK,
        "kept; published in groups of five and more alone",
        "answered_on",
    ),
    Holding(
        Service.feedback,
        "event",
        "single uses of pages and programs, without any mark of who",
        "to count use",
        PUBLIC_TASK,
        "{event_retention_months} months, then whole months are dropped",
        "occurred_at",
    ),
    Holding(
        Service.gateway,
        "oss_message",
        "messages of OSS about licences: what statistics need, and a keyed digest of the licence",
        "to count licences",
        PUBLIC_TASK,
        "kept",
        "received_at",
    ),
    Holding(
        Service.gateway,
        "announcement",
        "what the regency's websites announced, which may name people",
        "to show it while a website is down",
        PUBLIC_TASK,
        "the newest 500; all of a website that leaves the pack",
        "first_seen_at",
    ),
    Holding(
        Service.gateway,
        "connector_answer",
        "the last answers of OSS about a licence",
        "to answer while OSS does not",
        PUBLIC_TASK,
        "replaced by the next answer to the same question",
        "at",
    ),
    Holding(
        Service.gateway,
        "rate",
        "a keyed hash of the address that sends requests, and when it may send as many as at first",
        "to keep the hub usable for all",
        PUBLIC_TASK,
        "a minute after its last request; not in the log of the database nor in a backup",
        "full_at",
    ),
    Holding(
        Service.gateway,
        "api_key",
        "keys of agencies (hashes) and when they were used last",
        "to let agencies in, and to account for what they do",
        PUBLIC_TASK,
        "kept, with the end of the key",
        "created_at",
    ),
)

ABOUT_NOBODY: dict[Service, frozenset[str]] = {
    Service.feedback: frozenset(
        {
            "bundle",
            "comment_bundle",
            "creation",
            "event_horizon",
            "event_id",
            "expected_report",
            "facet",
            "follow_up",
            "hourly_usage",
            "monthly_usage",
            "rating_token",
            "statistic",
            "statistic_flag",
            "survey",
        }
    ),
    Service.gateway: frozenset(
        {
            "audit_line",
            "connected_source",
            "connector_switch",
            "consumption",
            "creation",
            "district",
            "incident",
            "incident_update",
            "link",
            "link_change",
            "link_check",
            "link_day",
            "link_health",
            "link_host",
            "link_response_day",
            "maintenance",
            "oss_counting_rules",
            "pending_event",
            "poster",
            "regency",
            "reporting_reminder",
            "webhook",
            "webhook_delivery",
        }
    ),
}
"""Tables of sums, definitions and machines. The catalogue and the evidence are published data about
services and organisations."""


class Held(ApiModel):
    """A table with what it holds now."""

    table: str
    what: str
    purpose: str
    basis: str = Field(description="The ground in Law 27/2022 on the protection of personal data.")
    until: str
    rows: int
    oldest: str | None = Field(description="Age of the oldest row: a day, or null without rows.")


class PrivacyReport(ApiModel):
    """What the hub holds about people."""

    region: str
    at: datetime
    holdings: list[Held]


async def privacy_report(settings: Settings, *, now: datetime) -> PrivacyReport:
    """Counts what is held now, each service's part as its own role."""
    held: list[Held] = []
    for service in (Service.feedback, Service.gateway):
        database = Database(settings, service)
        try:
            async with database.read_session() as session:
                for holding in (h for h in HOLDINGS if h.service is service):
                    row = (
                        await session.execute(_count(holding), {"region": settings.region})
                    ).one()
                    held.append(_held(holding, settings, rows=row.n, oldest=row.oldest))
        finally:
            await database.close()
    return PrivacyReport(region=settings.region, at=now, holdings=held)


def _count(holding: Holding) -> Any:
    return text(
        f"SELECT count(*) AS n, min(CAST({holding.since} AS date))::text AS oldest "  # noqa: S608
        f"FROM {holding.service.value}.{holding.table} "
        f"WHERE region = :region AND {holding.rows}"
    )


def _held(holding: Holding, settings: Settings, *, rows: int, oldest: str | None) -> Held:
    return Held(
        table=f"{holding.service.value}.{holding.table}",
        what=holding.what,
        purpose=holding.purpose,
        basis=holding.basis,
        until=holding.until.format_map(settings.model_dump()),
        rows=rows,
        oldest=oldest,
    )


def as_text(report: PrivacyReport) -> str:
    """The report for a person."""
    lines: list[str] = [f"Data about people in {report.region} at {report.at:%Y-%m-%d %H:%M %Z}"]
    for held in report.holdings:
        oldest = f", the oldest of {held.oldest}" if held.oldest else ""
        lines += ["", f"{held.table}: {held.rows} rows{oldest}", *_told(held)]
    return "\n".join(lines)


def _told(held: Held) -> Sequence[str]:
    return [f"  {name:8} {getattr(held, name)}" for name in ("what", "purpose", "basis", "until")]
