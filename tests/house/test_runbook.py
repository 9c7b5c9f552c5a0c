"""Every check has a section of the runbook, and a row in the table of checks."""

import re

from services.platform.health.findings import RUNBOOK, Finding, HealthCheck, Severity
from services.platform.settings import ROOT

SECTION = re.compile(r"^### ([a-z-]+)\n\*.+\*\n\n(- .+\n- .+\n- .+)$", re.MULTILINE)


def test_every_finding_leads_to_a_section_that_says_what_to_notice_look_at_and_do() -> None:
    sections = dict(SECTION.findall((ROOT / RUNBOOK).read_text()))
    assert sections.keys() == {check.value for check in HealthCheck}
    for check, text in sections.items():
        starts = [line.partition(":**")[0] for line in text.splitlines()]
        assert starts == ["- **Citizens", "- **Look", "- **Do"], check
    finding = Finding(HealthCheck.disk, Severity.warning, "", "")
    assert finding.runbook == f"{RUNBOOK}#disk"


def test_every_check_is_documented() -> None:
    listed = re.findall(
        r"^\| `([a-z-]+)` \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE
    )
    assert {check.value for check in HealthCheck} <= set(listed)
