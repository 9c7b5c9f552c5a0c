"""Reports of the catalog and feedback services, fetched over HTTP with the caller's token."""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from services.assessment.methods.definition import TreeMethod
from services.assessment.methods.measure_definitions import (
    AgenciesReporting,
    CatalogShare,
    CommentsInTime,
    Measure,
    Reported,
    SatisfactionIndex,
    SurveyMean,
    SurveyShare,
    Ties,
    UsageShare,
    nested_measures,
)
from services.assessment.scoring.items import Item
from services.assessment.scoring.reports import REPORTS, ReportName
from services.assessment.years import FIRST_YEAR, end_of_year, is_provisional
from services.platform.logging import get_logger, summarise
from services.platform.recent_results import RecentResults
from services.platform.revision import REVISION, Revision
from services.platform.service import API
from services.platform.service_line import ServiceLines, remote_transport
from services.platform.settings import Service, Settings
from services.platform.tls import ssl_context_for

log = get_logger(__name__)

MAX_CACHED = 256
TIMEOUT_SECONDS = 10
NOT_COUNTED: frozenset[ReportName] = frozenset({"usage"})
"""Reports of events, whose changes the revision of their service does not count."""
MAX_CONCURRENT = 4
"""Reports that one assessment asks for at a time."""

Transports = Mapping[Service, httpx.AsyncBaseTransport]


@dataclass(frozen=True, order=True)
class ReportRequest:
    """A report that a method needs, and its address."""

    service: Service
    name: ReportName
    key: str
    path: str


@dataclass
class FetchedReports:
    """Reports that were fetched, and reasons for those that are missing."""

    items: list[Item] = field(default_factory=list[Item])
    missing: dict[str, str] = field(default_factory=dict[str, str])
    notices: list[str] = field(default_factory=list[str])
    digests: list[str] = field(default_factory=list[str])
    """Of each report: its address with the SHA-256 of its content."""

    @property
    def digest(self) -> str:
        """The SHA-256 of all that scores read of these reports, and of the notices."""
        missing = (f"{service}: {reason}" for service, reason in sorted(self.missing.items()))
        return _sha256("\n".join((*self.digests, *missing, *self.notices)).encode())


@dataclass(frozen=True)
class _Content:
    """A report as it was received."""

    at: datetime
    fields: dict[str, Any] | None
    """None if there is no such report."""
    digest: str
    revision: str | None
    """The revision of its service's data before it was asked for; None if that is not known."""


def required_reports(
    method: TreeMethod, period: int, *, now: datetime, zone: ZoneInfo
) -> list[ReportRequest]:
    """Return the reports of other services that the indicators of a method read.

    The catalogue is asked for its state when the year ended; for the present one if it has not.
    """
    ended = None
    if not is_provisional(period, at=now, zone=zone):
        ended = end_of_year(period, zone).astimezone(UTC)
    measures = (indicator.measure for indicator in method.indicators())
    return sorted({one for measure in measures for one in _reports_of(measure, period, ended)})


def reads_reports(measure: Measure) -> bool:
    """Return whether a measure reads reports of other services, and not only evidence."""
    return next(_reports_of(measure, FIRST_YEAR, None), None) is not None


def _reports_of(measure: Measure, period: int, ended: datetime | None) -> Iterator[ReportRequest]:
    """Yield the reports that a measure reads; `ended` is when the year did, None if it has not."""
    for part in nested_measures(measure):
        match part:
            case SurveyShare() | SurveyMean() | SatisfactionIndex():
                path = f"{API}/surveys/{part.survey}/results?period={period}"
                for sample in sorted(set(part.samples or ())):
                    path += f"&sample={sample}"
                yield ReportRequest(Service.feedback, "survey", part.report_key, path)
            case Ties() if part.reported is not None:
                yield ties_request(part.survey, period)
            case Reported() | AgenciesReporting():
                yield _reporting_request(period)
            case CommentsInTime():
                path = f"{API}/comments/summary?period={period}&by=agency"
                yield ReportRequest(Service.feedback, "comments", "comments", path)
            case UsageShare():
                span = f"from={period}-01-01&to={period}-12-31"
                path = f"{API}/usage/summary?{span}&group_by=channel"
                yield ReportRequest(Service.feedback, "usage", "channel", path)
                yield _reporting_request(period)
            case CatalogShare():
                path = f"{API}/catalog/summary"
                if ended is not None:
                    path += f"?as_of={ended:%Y-%m-%dT%H:%M:%SZ}"
                yield ReportRequest(Service.catalog, "catalog", "summary", path)
            case _:
                pass


def _reporting_request(period: int) -> ReportRequest:
    path = f"{API}/usage/reporting?period={period}"
    return ReportRequest(Service.feedback, "reporting", "reporting", path)


def ties_request(survey: str, period: int) -> ReportRequest:
    """Return the request for the ties that stakeholders reported in a year."""
    path = f"{API}/surveys/{survey}/ties?period={period}"
    return ReportRequest(Service.feedback, "ties", survey, path)


class ReportClient:
    """Client of the catalog and feedback services, in this process or at their addresses."""

    def __init__(self, settings: Settings, transports: Transports | None) -> None:
        local = transports or {}
        self.lines = {
            service: ServiceLines(service, urls, silence=settings.silence_seconds)
            for service in (Service.catalog, Service.feedback)
            if service not in local and (urls := settings.service_urls(service))
        }
        addresses = {
            service: settings.service_url(service) or f"http://{service.value}"
            for service in (Service.catalog, Service.feedback)
        }
        self._clients = {
            service: httpx.AsyncClient(
                base_url=address,
                transport=remote_transport(self.lines[service])
                if service in self.lines
                else local.get(service),
                timeout=TIMEOUT_SECONDS,
                verify=ssl_context_for(address),
                trust_env=False,
            )
            for service, address in addresses.items()
        }
        self._cache = RecentResults[ReportRequest, _Content](MAX_CACHED)

    @property
    def catalogue(self) -> httpx.AsyncClient:
        """The client of the catalog service."""
        return self._clients[Service.catalog]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        for line in self.lines.values():
            await line.stop()

    async def fetch(
        self, requests: Iterable[ReportRequest], *, authorization: str
    ) -> FetchedReports:
        """Return the requested reports; if a service is down, cached ones and a notice."""
        wanted = list(requests)
        reports = FetchedReports()
        revisions = await self._find_revisions(wanted, authorization)
        limit = asyncio.Semaphore(MAX_CONCURRENT)

        async def ask(report: ReportRequest) -> httpx.Response | httpx.HTTPError | _Content:
            known, revision = self._cache.find(report), revisions.get(report.service)
            is_counted = report.name not in NOT_COUNTED
            if known is not None and is_counted and known.revision == revision is not None:
                return known
            async with limit:
                return await self._ask(report.service, report.path, authorization)

        answers = await asyncio.gather(*map(ask, wanted))
        for report, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, _Content):
                _include(report, answer, reports)
            else:
                self._add(report, answer, reports, revision=revisions.get(report.service))
        return reports

    async def _ask(
        self, service: Service, path: str, authorization: str
    ) -> httpx.Response | httpx.HTTPError:
        try:
            return await self._clients[service].get(path, headers={"Authorization": authorization})
        except httpx.HTTPError as error:
            return error

    async def _find_revisions(
        self, requests: Iterable[ReportRequest], authorization: str
    ) -> dict[Service, str]:
        """Return the revisions of the services that these reports are of, as far as they answer."""
        services = sorted({one.service for one in requests if one.name not in NOT_COUNTED})
        answers = await asyncio.gather(
            *(self._ask(service, REVISION, authorization) for service in services)
        )
        return {
            service: Revision.model_validate_json(answer.content).revision
            for service, answer in zip(services, answers, strict=True)
            if isinstance(answer, httpx.Response) and answer.is_success
        }

    def _add(
        self,
        report: ReportRequest,
        answer: httpx.Response | httpx.HTTPError,
        reports: FetchedReports,
        *,
        revision: str | None,
    ) -> None:
        """Add a report that was received, or the last known one if its service failed."""
        try:
            if isinstance(answer, httpx.HTTPError):
                raise answer
            fields: dict[str, Any] | None = None
            if answer.status_code != HTTPStatus.NOT_FOUND:
                fields = answer.raise_for_status().json()
                REPORTS[report.name].model_validate(fields)
        except (httpx.HTTPError, ValueError) as error:
            if not isinstance(error, httpx.TransportError):  # its line logs an outage
                log.warning(
                    "report not fetched, using the last one",
                    source=str(report.service),
                    path=report.path,
                    error=summarise(error),
                )
            self._fall_back(report, reports)
            return
        digest = "none" if fields is None else _sha256(answer.content)
        content = _Content(datetime.now(UTC), fields, digest, revision)
        self._cache.keep(report, content)
        _include(report, content, reports)

    def _fall_back(self, report: ReportRequest, reports: FetchedReports) -> None:
        known = self._cache.find(report)
        reason = f"the {report.service} service did not answer"
        if known is None or known.fields is None:
            reports.missing[report.service] = reason
            reports.notices.append(f"{report.path}: {reason}")
            return
        _include(report, known, reports)
        reports.notices.append(f"{report.path}: {reason}; figures of {known.at:%Y-%m-%dT%H:%M:%SZ}")


def _include(report: ReportRequest, content: _Content, reports: FetchedReports) -> None:
    if content.fields is None:
        return
    item = Item(kind=report.name, key=report.key, href=report.path, content=content.fields)
    reports.items.append(item)
    reports.digests.append(f"{report.path} {content.digest}")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
