"""Inventory of personal data: per table its purpose, legal basis, retention and amount.

A test compares both lists with the database: a table of the gateway or of feedback that is in
neither list fails it.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field
from sqlalchemy import TextClause, text

from services.platform.api_model import ApiModel
from services.platform.database import Database
from services.platform.settings import Service, Settings

CONSENT = "consent (Law 27/2022, article 20 (2) a)"
PUBLIC_TASK = "public service and the exercise of authority (Law 27/2022, article 20 (2) e)"


@dataclass(frozen=True)
class PersonalDataTable:
    """A table that holds, or may hold, personal data."""

    service: Service
    table: str
    data: str
    purpose: str
    basis: str
    retention: str
    age_column: str
    """Column with the age of a row."""
    condition: str = "true"
    """SQL condition of the rows that still hold personal data."""


PERSONAL_DATA: tuple[PersonalDataTable, ...] = (
    PersonalDataTable(
        Service.feedback,
        "comment_contact",
        "e-mail address or telephone number, encrypted (AES-256-GCM)",
        "to answer a person who asked for it",
        CONSENT,
        "until the case closes (at the latest after a year without activity) or consent is "
        "withdrawn; then erased at once, at the latest within 72 hours",
        "consented_at",
    ),
    PersonalDataTable(
        Service.feedback,
        "comment",
        "text of comments, with the location if given; no name is asked for",
        "to handle complaints, questions and comments",
        PUBLIC_TASK,
        "{comment_retention_months} months after the case closed; then text and location are "
        "erased",
        "created_at",
        condition="content <> ''",
    ),
    PersonalDataTable(
        Service.feedback,
        "comment_entry",
        "replies of citizens and agencies, and the actor and time of each action",
        "to handle comments and to account for it",
        PUBLIC_TASK,
        "{comment_retention_months} months after the case closed; then the texts are erased, but "
        "the record of consent to be contacted, with its wording, remains",
        "recorded_at",
        condition="content <> '' AND action <> 'contact_given'",
    ),
    PersonalDataTable(
        Service.feedback,
        "comment_attachment",
        "photographs without metadata",
        "to understand a complaint",
        PUBLIC_TASK,
        "{comment_retention_months} months after the case closed",
        "created_at",
    ),
    PersonalDataTable(
        Service.feedback,
        "sender_count",
        "hash of IP address (and browser, for comments), with a new salt each day",
        "to hold bursts of comments and of survey responses for review",
        PUBLIC_TASK,
        "until the next day, with its salt",
        "day",
    ),
    PersonalDataTable(
        Service.feedback,
        "sender_salt",
        "salt of the day, needed to link a hash to a sender",
        "to hold bursts of comments and of survey responses for review",
        PUBLIC_TASK,
        "until the next day",
        "day",
    ),
    PersonalDataTable(
        Service.feedback,
        "response",
        "anonymous survey responses, some with district, age group and sex; while they wait, with "
        "the day's hash of their sender",
        "to measure awareness and satisfaction (PermenPANRB 14/2017)",
        PUBLIC_TASK,
        "unlimited; published only in groups of five or more people; the hash is deleted when the "
        "response is published or refused",
        "answered_on",
    ),
    PersonalDataTable(
        Service.feedback,
        "event",
        "single usage events of pages and applications, without any user identifier",
        "to count usage",
        PUBLIC_TASK,
        "{event_retention_months} months; then dropped by whole months",
        "occurred_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "oss_message",
        "OSS messages about licences: fields for statistics, and a keyed digest of the licence",
        "to count licences",
        PUBLIC_TASK,
        "unlimited",
        "received_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "announcement",
        "announcements of the regency's websites, which may name people",
        "to show them while a website is down",
        PUBLIC_TASK,
        "the newest 500; deleted when the website is removed from the pack",
        "first_seen_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "connector_answer",
        "the last OSS answers about a licence",
        "to answer while OSS is unavailable",
        PUBLIC_TASK,
        "until the next answer to the same request",
        "fetched_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "rate_limit_bucket",
        "keyed hash of the client address, and when its rate limit is fully restored",
        "to protect the hub from overload",
        PUBLIC_TASK,
        "one minute after its last request; in an unlogged table, so not in backups",
        "full_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "api_key",
        "hashes of API keys of agencies, with time of last use",
        "to authenticate agencies and to account for their actions",
        PUBLIC_TASK,
        "unlimited, with the end of the key",
        "created_at",
    ),
)

NO_PERSONAL_DATA: dict[Service, frozenset[str]] = {
    Service.feedback: frozenset(
        {
            "regency",
            "job_run",
            "comment_bundle",
            "idempotency_key",
            "event_retention",
            "event_id",
            "reporting_obligation",
            "event_dimensions",
            "follow_up",
            "hourly_usage",
            "monthly_usage",
            "dropped_events",
            "rating_token",
            "reference_code",
            "retracted_usage",
            "retraction",
            "statistic",
            "statistic_flag",
            "survey",
            "survey_bundle",
        }
    ),
    Service.gateway: frozenset(
        {
            "audit_line",
            "breaker_override",
            "connected_source",
            "consumption",
            "idempotency_key",
            "district",
            "incident",
            "incident_update",
            "job_run",
            "link",
            "link_check",
            "link_uptime_day",
            "link_status",
            "link_host",
            "link_response_day",
            "maintenance",
            "connector_config",
            "click_outbox",
            "poster",
            "regency",
            "reporting_reminder",
            "service",
            "upload_session",
            "webhook",
            "webhook_delivery",
            "webhook_event",
        }
    ),
}
"""Tables of totals, definitions and operation. The catalogue and the evidence are published data
about services and organisations."""


class StoredData(ApiModel):
    """A table with the amount of data stored now."""

    table: str
    data: str
    purpose: str
    basis: str = Field(description="Legal basis in Law 27/2022 on the protection of personal data.")
    retention: str
    rows: int
    oldest: str | None = Field(description="Date of the oldest row; null without rows.")


class PrivacyReport(ApiModel):
    """The personal data that the hub stores."""

    region: str
    at: datetime
    tables: list[StoredData]


async def privacy_report(settings: Settings, *, now: datetime) -> PrivacyReport:
    """Count what is stored now, with each service's own database role."""
    tables: list[StoredData] = []
    for service in (Service.feedback, Service.gateway):
        database = Database(settings, service)
        try:
            async with database.read_session() as session:
                for table in (each for each in PERSONAL_DATA if each.service is service):
                    count = (
                        await session.execute(_count(table), {"region": settings.region})
                    ).one()
                    tables.append(_stored(table, settings, rows=count.n, oldest=count.oldest))
        finally:
            await database.close()
    return PrivacyReport(region=settings.region, at=now, tables=tables)


def _count(table: PersonalDataTable) -> TextClause:
    return text(
        f"SELECT count(*) AS n, min(CAST({table.age_column} AS date))::text AS oldest "  # noqa: S608
        f"FROM {table.service.value}.{table.table} "
        f"WHERE region = :region AND {table.condition}"
    )


def _stored(
    table: PersonalDataTable, settings: Settings, *, rows: int, oldest: str | None
) -> StoredData:
    return StoredData(
        table=f"{table.service.value}.{table.table}",
        data=table.data,
        purpose=table.purpose,
        basis=table.basis,
        retention=table.retention.format_map(settings.model_dump()),
        rows=rows,
        oldest=oldest,
    )


def format_report(report: PrivacyReport) -> str:
    """Return the report as text for a person."""
    lines = [f"Personal data in region {report.region} at {report.at:%Y-%m-%d %H:%M %Z}"]
    for table in report.tables:
        oldest = f", the oldest from {table.oldest}" if table.oldest else ""
        lines += ["", f"{table.table}: {table.rows} rows{oldest}", *_details(table)]
    return "\n".join(lines)


def _details(table: StoredData) -> list[str]:
    names = ("data", "purpose", "basis", "retention")
    return [f"  {name:10}{getattr(table, name)}" for name in names]
