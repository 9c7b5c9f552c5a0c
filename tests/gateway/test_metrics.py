"""Metrics of a running hub, scraped over a socket as Prometheus does."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from services.catalog.app import create_app as create_catalog
from services.gateway.app import create_app
from services.gateway.http_cache.fast_path import CachedReadProtocol
from services.platform.metrics.server import serve_metrics
from services.platform.route_templates import OTHER, templates_of
from services.platform.settings import Settings
from tests.conftest import Server
from tests.gateway.click_rows import queue_click, queue_click_of, refuse_click
from tests.gateway.link_rows import set_link_state
from tests.house.test_monitoring import NAME, expressions
from tests.rows import silent_database, store_backup
from tests.servers import LOOPBACK, free_port, serving, silent
from tests.waiting import until

REQUESTS = "emall_http_requests_total"


@dataclass
class Measured:
    """A hub that serves metrics."""

    app: FastAPI
    settings: Settings
    address: str
    metrics: str

    def scrape(self) -> "Scrape":
        answer = LOOPBACK.get(self.metrics, timeout=10).raise_for_status()
        return Scrape(answer.text)


class Scrape:
    """What a scrape returned."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    @property
    def names(self) -> set[str]:
        return {sample.name for sample in self._samples}

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the samples with these labels; 0 without any."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def labels(self, name: str, label: str, **labels: str) -> set[str]:
        """Return the values of a label in the samples with these labels."""
        return {
            sample.labels[label]
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        }


@contextmanager
def measuring(server: Server, database: str, **more: Any) -> Generator[Measured]:
    """Serve a hub with metrics until the block ends."""
    port = free_port()
    settings = server.settings(database, metrics_port=port, **more)
    app = create_app(settings)
    serve_metrics(app, settings, port=port, workers=1)
    with serving(app, http=CachedReadProtocol) as address:
        yield Measured(app, settings, address, f"http://127.0.0.1:{port}/metrics")


@pytest.fixture(scope="module")
def measured(server: Server, toba: str) -> Iterator[Measured]:
    """Start a hub of one process with metrics, once for the module."""
    with (
        server.database_from(toba) as name,
        measuring(server, name, address_exports_per_minute=4) as hub,
    ):
        yield hub


@pytest.fixture(scope="module")
def apart(server: Server, toba: str) -> Iterator[Measured]:
    """Start a gateway with metrics; the catalogue runs elsewhere, feedback does not run."""
    with ExitStack() as stack:
        oss = stack.enter_context(silent())
        name = stack.enter_context(server.database_from(toba))
        catalog = stack.enter_context(serving(create_catalog(server.settings(name))))
        away = f"http://127.0.0.1:{free_port()}"
        elsewhere = {"catalog_url": catalog, "feedback_url": away, "oss_url": oss}
        yield stack.enter_context(measuring(server, name, **elsewhere))


def test_requests_are_counted_by_template_and_class_of_status(measured: Measured) -> None:
    before = measured.scrape()
    for path in ("/api/v1/services/ktp-el", "/api/v1/services/nobody", "/a/b", "/c?d=e"):
        LOOPBACK.get(measured.address + path)
    LOOPBACK.request("PURGE", f"{measured.address}/c")
    after = measured.scrape()

    def counted(**labels: str) -> float:
        return after.value(REQUESTS, **labels) - before.value(REQUESTS, **labels)

    template = "/api/v1/services/{slug}"
    assert counted(service="gateway", route=template, method="GET", status="2xx") == 1
    assert counted(service="gateway", route=template, status="4xx") == 1
    assert counted(service="catalog", route=template) == 2
    assert counted(service="gateway", route="other", method="GET", status="4xx") == 2
    assert counted(service="gateway", route="other", method="other", status="4xx") == 1
    duration = "emall_http_request_duration_seconds"
    labels = {"service": "gateway", "route": template}
    assert after.value(f"{duration}_count", **labels) == after.value(REQUESTS, **labels)
    assert after.value(f"{duration}_bucket", le="+Inf", **labels) == after.value(REQUESTS, **labels)
    assert after.value(f"{duration}_sum", **labels) > 0


def test_no_label_comes_from_a_client(measured: Measured) -> None:
    paths = ("/api/v1/comments/Zx81-secret", "/aduan/Zx81-secret", "/Zx81-secret", "/static/Zx81-s")
    for path in paths:
        LOOPBACK.get(measured.address + path, headers={"User-Agent": "Zx81-agent"})
    scrape = measured.scrape()
    assert "Zx81" not in scrape.text
    known = {*templates_of(measured.app.routes), OTHER}
    for part in measured.app.state.metrics[1:]:
        known |= set(scrape.labels(REQUESTS, "route", service=part.requests.service.value))
    assert scrape.labels(REQUESTS, "route", service="gateway") <= known


def test_answers_of_the_cache_are_counted_with_those_of_the_fast_path(measured: Measured) -> None:
    before = measured.scrape()
    with httpx.Client(base_url=measured.address, verify=False, trust_env=False) as client:
        for _ in range(5):  # stored, parsed, then by the fast path
            client.get("/api/v1/services/pbg").raise_for_status()
        client.get("/api/v1/services/pbg", headers={"Cache-Control": "no-cache"})
        client.get("/api/v1/services/pbg", headers={"Authorization": "Bearer emk_0_0"})
    after = measured.scrape()

    def counted(result: str) -> float:
        name = "emall_cache_responses_total"
        return after.value(name, result=result) - before.value(name, result=result)

    fast = counted("hit_fast_path")
    assert fast > 0
    assert counted("miss") == 1
    assert counted("hit") == 4 - fast
    assert counted("revalidated") == 1
    route = {"service": "gateway", "route": "/api/v1/services/{slug}"}
    assert after.value(REQUESTS, **route) - before.value(REQUESTS, **route) == 7


def test_refusals_are_counted_by_policy(measured: Measured) -> None:
    before = measured.scrape()
    export = f"{measured.address}/api/v1/network.graphml/export"
    refused = sum(LOOPBACK.get(export).status_code == 429 for _ in range(6))
    after = measured.scrape()
    name = "emall_rate_limit_refusals_total"
    assert refused > 0
    assert after.value(name, policy="exports") - before.value(name, policy="exports") == refused


def test_routes_of_services_in_other_processes_are_known(apart: Measured) -> None:
    def is_known() -> bool:
        LOOPBACK.get(f"{apart.address}/api/v1/services/ktp-el")
        return "/api/v1/services/{slug}" in apart.scrape().labels(REQUESTS, "route")

    until(is_known)


@pytest.mark.slow
def test_items_of_outboxes_are_counted_with_their_age(apart: Measured) -> None:
    def outbox(name: str) -> float:
        return apart.scrape().value(f"emall_hub_outbox_{name}", job="deliver-clicks")

    at = datetime.now(UTC) - timedelta(hours=1)
    queue_click_of(apart.settings, at)
    refuse_click(apart.settings, queue_click(apart.settings, 1, {"id": "of no form"}))
    until(lambda: outbox("waiting_items") == 1)
    until(lambda: outbox("refused_items") == 1)
    assert 3600 <= outbox("oldest_age_seconds") < 3900
    failures = "emall_hub_job_consecutive_failures"
    until(lambda: apart.scrape().value(failures, job="deliver-clicks") > 0)


@pytest.mark.slow
def test_links_are_counted_by_state(apart: Measured) -> None:
    before = apart.scrape().value("emall_hub_links", state="broken")
    set_link_state(apart.settings, "simbg", "broken")
    until(lambda: apart.scrape().value("emall_hub_links", state="broken") == before + 1)


@pytest.mark.slow
def test_the_last_backup_is_told(apart: Measured) -> None:
    name = "emall_hub_backup_last_timestamp_seconds"
    made_at = datetime.now(UTC) - timedelta(hours=3)
    store_backup(apart.settings, made_at, size=1234)
    until(lambda: apart.scrape().value(name) == pytest.approx(made_at.timestamp()))
    assert apart.scrape().value("emall_hub_backup_size_bytes") == 1234


@pytest.mark.slow
def test_a_silent_database_does_not_hold_a_scrape(apart: Measured) -> None:
    set_link_state(apart.settings, "oss", "ok")
    until(lambda: apart.scrape().value("emall_hub_links", state="ok") > 0)
    known = apart.scrape()
    name = "emall_scrape_errors_total"
    with silent_database(apart.settings) as silence_new_connections:

        def is_late() -> bool:
            silence_new_connections()
            return apart.scrape().value(name) > known.value(name)

        until(is_late)
        scrape = apart.scrape()
    assert scrape.value("emall_hub_links") == known.value("emall_hub_links")
    age = "emall_stored_figures_age_seconds"
    assert scrape.value(age, service="gateway") > known.value(age, service="gateway")
    until(lambda: apart.scrape().value(age, service="gateway") < 1)


@pytest.mark.slow
def test_the_second_of_two_workers_takes_the_next_port(server: Server, toba: str) -> None:
    port = free_port()
    with ExitStack() as stack:
        name = stack.enter_context(server.database_from(toba))
        settings = server.settings(name, metrics_port=port)
        for _ in range(2):
            app = create_catalog(settings)
            serve_metrics(app, settings, port=port, workers=2)
            stack.enter_context(serving(app))
        for number in range(2):
            metrics = f"http://127.0.0.1:{port + number}/metrics"
            until(lambda address=metrics: is_served(address))


def is_served(address: str) -> bool:
    try:
        return "emall_build_info" in LOOPBACK.get(address).text
    except httpx.TransportError:
        return False


def test_findings_of_health_are_exposed(apart: Measured) -> None:
    until(lambda: apart.scrape().value("emall_check", service="gateway", check="services") == 2)
    scrape = apart.scrape()
    assert scrape.value("emall_check", service="gateway", check="schema") == 0
    assert {"database", "schema", "clock", "disk"} <= scrape.labels("emall_check", "check")


def test_rules_and_dashboard_find_their_figures_in_a_running_hub(
    measured: Measured, apart: Measured
) -> None:
    LOOPBACK.get(measured.address)
    store_backup(apart.settings, datetime.now(UTC), size=1)
    queue_click_of(apart.settings, datetime.now(UTC) - timedelta(minutes=2))
    used = {name for expression in expressions() for name in NAME.findall(expression)}

    def missing() -> set[str]:
        return used - measured.scrape().names - apart.scrape().names

    until(lambda: not missing(), f"not exposed: {missing()}")
