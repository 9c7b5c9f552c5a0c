"""Alert rules, dashboard and runbook belong together, and name figures that exist."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.platform.health.findings import HealthCheck
from services.platform.metrics.definitions import METRICS
from services.platform.settings import ROOT
from tests.conftest import required_program
from tests.house.test_docs import heading_of

RULES = ROOT / "deploy" / "prometheus" / "emall.rules.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "emall.json"
NAME = re.compile(r"\b(?:emall|process)_[a-z_]+\b")
LARGEST = re.compile(r"max(?: by \([^)]*\) )?\(emall_hub_[a-z_]+(?:\{[^}]*\})?\)")


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[str]:
    """Return every expression of the rules and of the dashboard."""
    for alert in alerts():
        yield " ".join(alert["expr"].split())
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


def exposed_names() -> set[str]:
    """Return the names of the samples that the hub and the client library expose."""
    names = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
    names |= {"process_open_fds", "process_max_fds"}
    for metric in METRICS:
        ends = ("_bucket", "_count", "_sum") if metric.kind == "histogram" else ("",)
        names |= {metric.name + end for end in ends}
    return names


def test_every_alert_has_a_section_of_the_runbook() -> None:
    page, anchors = "docs/runbook.md", set[str]()
    for line in (ROOT / page).read_text().splitlines():
        if line.startswith("#"):
            anchors.add(heading_of(line))
    for alert in alerts():
        path, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert path == page
        if anchor == "{{ $labels.check }}":
            assert {check.value for check in HealthCheck} <= anchors
        else:
            assert anchor in anchors
            assert anchor == heading_of(alert["alert"])


def test_every_section_says_what_citizens_notice_and_what_to_do() -> None:
    sections = (ROOT / "docs" / "runbook.md").read_text().split("\n### ")[1:]
    known = {alert["alert"] for alert in alerts()}
    for section in sections:
        if section.partition("\n")[0] in known:
            places = [section.index(f"- **{part}:**") for part in ("Citizens", "Look", "Do")]
            assert places == sorted(places)


def test_rules_and_dashboard_use_metrics_that_exist() -> None:
    used = {name for expression in expressions() for name in NAME.findall(expression)}
    assert used - exposed_names() == set()


def test_figures_of_the_whole_hub_are_never_added() -> None:
    for expression in expressions():
        assert "emall_hub_" not in LARGEST.sub("", expression), expression


HUB_WITH_EVERY_FAULT = {
    'up{job="emall", instance="a"}': "0x90",
    'emall_database_up{service="catalog"}': "0x90",
    'emall_http_requests_total{service="gateway", status="2xx"}': "0+600x90",
    'emall_http_requests_total{service="gateway", status="5xx"}': "0+60x90",
    'emall_http_request_duration_seconds_bucket{service="gateway", le="1.0"}': "0+10x90",
    'emall_http_request_duration_seconds_bucket{service="gateway", le="5.0"}': "0+100x90",
    'emall_http_request_duration_seconds_bucket{service="gateway", le="+Inf"}': "0+100x90",
    'emall_rate_limit_refusals_total{policy="reads"}': "0+100x90",
    'emall_database_pool_waiting{service="catalog", instance="a"}': "3x90",
    "emall_event_queue_events": "50000x90",
    "emall_event_queue_events_max": "60000x90",
    "emall_event_queue_lag_seconds": "0x90",
    "emall_audit_queue_lines": "500x90",
    'emall_hub_outbox_oldest_age_seconds{service="gateway", job="deliver-clicks"}': "9000x90",
    "emall_visits_lost_total": "0+1x90",
    'emall_hub_outbox_refused_items{service="gateway", job="deliver-clicks"}': "1x90",
    'emall_hub_job_consecutive_failures{service="gateway", job="deliver-clicks"}': "5x90",
    'emall_hub_job_last_run_timestamp_seconds{service="gateway", job="prune"}': "0x90",
    'emall_hub_job_interval_seconds{service="gateway", job="prune"}': "60x90",
    'emall_circuit_breaker_state{system="oss"}': "2x90",
    'emall_hub_links{state="broken"}': "5x90",
    'emall_hub_links{state="ok"}': "5x90",
    'emall_stored_figures_age_seconds{service="gateway"}': "500x90",
    'emall_event_loop_lag_seconds{instance="a"}': "1x90",
    'process_open_fds{job="emall", instance="a"}': "900x90",
    'process_max_fds{job="emall", instance="a"}': "1000x90",
    'emall_check{service="gateway", check="disk"}': "2x90",
    'emall_check{service="gateway", check="backup"}': "1x90",
    'emall_check{service="gateway", check="replica"}': "1x90",
    # Each of these has an alert of its own.
    'emall_check{service="gateway", check="queues"}': "1x90",
    'emall_check{service="gateway", check="jobs"}': "1x90",
    'emall_check{service="gateway", check="database"}': "2x90",
}
"""Series of 90 minutes, in the notation of promtool."""

HUB_WITHOUT_FAULT = dict.fromkeys(HUB_WITH_EVERY_FAULT, "0x90") | {
    'up{job="emall", instance="a"}': "1x90",
    'emall_database_up{service="catalog"}': "1x90",
    'emall_http_requests_total{service="gateway", status="2xx"}': "0+600x90",
    'emall_http_request_duration_seconds_bucket{service="gateway", le="1.0"}': "0+100x90",
    'emall_http_request_duration_seconds_bucket{service="gateway", le="5.0"}': "0+100x90",
    'emall_http_request_duration_seconds_bucket{service="gateway", le="+Inf"}': "0+100x90",
    "emall_event_queue_events_max": "60000x90",
    'emall_hub_job_last_run_timestamp_seconds{service="gateway", job="prune"}': "0+60x90",
    'emall_hub_job_interval_seconds{service="gateway", job="prune"}': "60x90",
    'emall_hub_links{state="ok"}': "5x90",
    'process_max_fds{job="emall", instance="a"}': "1000x90",
}


@pytest.mark.parametrize("has_faults", [True, False])
def test_every_alert_fires_for_its_fault_and_none_without(
    tmp_path: Path, *, has_faults: bool
) -> None:
    series = HUB_WITH_EVERY_FAULT if has_faults else HUB_WITHOUT_FAULT
    labels = [f'{{alertname="{alert["alert"]}"}}' for alert in alerts() if has_faults]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": "80m",
                "exp_samples": [{"labels": each, "value": 1} for each in labels],
            }
        ],
    }
    file = tmp_path / "alerts.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": [test]}))
    command = [required_program("promtool"), "test", "rules", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_the_rules() -> None:
    promtool = required_program("promtool")
    for arguments in (("rules", RULES), ("config", RULES.with_name("prometheus.yml"))):
        subprocess.run([promtool, "check", *arguments], check=True, capture_output=True)
