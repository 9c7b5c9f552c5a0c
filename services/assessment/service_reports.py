"""Reports of the catalog and feedback services, fetched over HTTP with the caller's token."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
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
from services.assessment.years import end_of_year, is_provisional
from services.platform.logging import get_logger, summarise
from services.platform.service import API
from services.platform.service_line import ServiceLine, remote_transport
from services.platform.settings import Service, Settings
from services.platform.tls import ssl_context_for

log = get_logger(__name__)

MAX_CACHED = 256
TIMEOUT_SECONDS = 10

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


def required_reports(
    method: TreeMethod, period: int, *, now: datetime, zone: ZoneInfo
) -> list[ReportRequest]:
    """Return the reports of other services that the indicators of a method read.

    The catalogue is asked for its state when the year ended; for the present one if it has not.
    """
    requests: set[ReportRequest] = set()
    for indicator in method.indicators():
        for measure in nested_measures(indicator.measure):
            match measure:
                case SurveyShare() | SurveyMean() | SatisfactionIndex():
                    path = f"{API}/surveys/{measure.survey}/results?period={period}"
                    for sample in sorted(set(measure.samples or ())):
                        path += f"&sample={sample}"
                    key = measure.report_key
                    requests.add(ReportRequest(Service.feedback, "survey", key, path))
                case Ties() if measure.reported is not None:
                    requests.add(ties_request(measure.survey, period))
                case Reported() | AgenciesReporting():
                    path = f"{API}/usage/reporting?period={period}"
                    requests.add(ReportRequest(Service.feedback, "reporting", "reporting", path))
                case CommentsInTime():
                    path = f"{API}/comments/summary?period={period}&by=agency"
                    requests.add(ReportRequest(Service.feedback, "comments", "comments", path))
                case UsageShare():
                    span = f"from={period}-01-01&to={period}-12-31"
                    path = f"{API}/usage/summary?{span}&group_by=channel"
                    requests.add(ReportRequest(Service.feedback, "usage", "channel", path))
                    path = f"{API}/usage/reporting?period={period}"
                    requests.add(ReportRequest(Service.feedback, "reporting", "reporting", path))
                case CatalogShare():
                    path = f"{API}/catalog/summary"
                    if not is_provisional(period, at=now, zone=zone):
                        ended = end_of_year(period, zone).astimezone(UTC)
                        path += f"?as_of={ended:%Y-%m-%dT%H:%M:%SZ}"
                    requests.add(ReportRequest(Service.catalog, "catalog", "summary", path))
                case _:
                    pass
    return sorted(requests)


def ties_request(survey: str, period: int) -> ReportRequest:
    """Return the request for the ties that stakeholders reported in a year."""
    path = f"{API}/surveys/{survey}/ties?period={period}"
    return ReportRequest(Service.feedback, "ties", survey, path)


class ReportClient:
    """Client of the catalog and feedback services, in this process or at their addresses."""

    def __init__(self, settings: Settings, transports: Transports | None) -> None:
        local = transports or {}
        self.lines = {
            service: ServiceLine(service, url, silence=settings.silence_seconds)
            for service in (Service.catalog, Service.feedback)
            if service not in local and (url := settings.service_url(service)) is not None
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
        self._cache: OrderedDict[ReportRequest, tuple[datetime, dict[str, Any]]] = OrderedDict()

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
        reports = FetchedReports()
        for report in requests:
            try:
                answer = await self._clients[report.service].get(
                    report.path, headers={"Authorization": authorization}
                )
                if answer.status_code == HTTPStatus.NOT_FOUND:
                    continue
                content: dict[str, Any] = answer.raise_for_status().json()
                REPORTS[report.name].model_validate(content)
            except (httpx.HTTPError, ValueError) as error:
                if not isinstance(error, httpx.TransportError):  # its line logs an outage
                    log.warning(
                        "report not fetched, using the last one",
                        source=str(report.service),
                        path=report.path,
                        error=summarise(error),
                    )
                self._fall_back(report, reports)
                continue
            self._store(report, content)
            reports.items.append(_item(report, content))
        return reports

    def _store(self, report: ReportRequest, content: dict[str, Any]) -> None:
        self._cache[report] = (datetime.now(UTC), content)
        self._cache.move_to_end(report)
        while len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)

    def _fall_back(self, report: ReportRequest, reports: FetchedReports) -> None:
        known = self._cache.get(report)
        reason = f"the {report.service} service did not answer"
        if known is None:
            reports.missing[report.service] = reason
            reports.notices.append(f"{report.path}: {reason}")
            return
        at, content = known
        reports.items.append(_item(report, content))
        reports.notices.append(f"{report.path}: {reason}; figures of {at:%Y-%m-%dT%H:%M:%SZ}")


def _item(report: ReportRequest, content: dict[str, Any]) -> Item:
    return Item(kind=report.name, key=report.key, href=report.path, content=content)
