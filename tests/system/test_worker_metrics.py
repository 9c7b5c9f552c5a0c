"""Metrics of several worker processes: a port for each, and nothing is counted twice or lost."""

from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Server
from tests.servers import LOOPBACK, free_port
from tests.system.processes import environment_of, process
from tests.waiting import until

pytestmark = pytest.mark.slow

REQUESTS = 20
LIVE = {"route": "/health/live", "service": "catalog"}


def test_the_ports_of_all_workers_add_up(server: Server, migrated: str, tmp_path: Path) -> None:
    port, metrics = free_port(), free_port()
    with server.database_from(migrated) as name:
        environment = environment_of(
            server.address_of(name), tmp_path, EMALL_METRICS_PORT=str(metrics)
        )
        arguments = ("serve", "catalog", "--workers", "2", "--port", str(port))
        with process(*arguments, environment=environment, log=tmp_path / "log") as running:
            running.wait_until(f"http://127.0.0.1:{port}", "/health/live")
            ports = (metrics, metrics + 1)
            until(lambda: all(is_served(each) for each in ports))
            before = [counted(each) for each in ports]
            for _ in range(REQUESTS):
                LOOPBACK.get(f"http://127.0.0.1:{port}/health/live")
            after = [counted(each) for each in ports]
    assert sum(after) - sum(before) == REQUESTS


def is_served(port: int) -> bool:
    try:
        return LOOPBACK.get(f"http://127.0.0.1:{port}/metrics").is_success
    except httpx.TransportError:
        return False


def counted(port: int) -> float:
    """Return how many requests the worker with this port of metrics answered."""
    text = LOOPBACK.get(f"http://127.0.0.1:{port}/metrics").text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "emall_http_requests_total" and LIVE.items() <= sample.labels.items()
    )
