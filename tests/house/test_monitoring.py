"""Alert rules, dashboard and runbook belong together, and name figures that exist."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import yaml

from services.platform.health.findings import Check
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
            assert {check.value for check in Check} <= anchors
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


def test_prometheus_accepts_the_rules() -> None:
    promtool = required_program("promtool")
    for arguments in (("rules", RULES), ("config", RULES.with_name("prometheus.yml"))):
        subprocess.run([promtool, "check", *arguments], check=True, capture_output=True)
