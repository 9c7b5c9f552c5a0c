"""What health and status show of a report: no `detail`, no `remedy`."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from services.platform.api_model import ApiModel
from services.platform.health.findings import Finding, HealthCheck, Report, Severity
from services.platform.settings import Service
from services.platform.types import UtcDatetime
from services.platform.version import VERSION

State = Literal["ok", "degraded", "down"]


class HealthFinding(ApiModel):
    """Something that is wrong."""

    check: HealthCheck
    severity: Literal[Severity.warning, Severity.error]
    message: str

    @classmethod
    def of(cls, finding: Finding) -> "HealthFinding":
        return cls(check=finding.check, severity=finding.severity, message=finding.message)


class CheckState(ApiModel):
    """A check, and how bad what it found is."""

    check: HealthCheck
    severity: Severity = Field(description="`unknown`: not measured yet, or not measurable.")


class Health(ApiModel):
    """State of one service: `down` if it cannot serve, `degraded` if anything else is wrong."""

    service: str
    state: State
    version: str
    time: UtcDatetime | None = Field(
        None, description="The clock of the process; null if the service did not answer."
    )
    findings: list[HealthFinding] = Field(default_factory=list[HealthFinding])
    checks: list[CheckState] = Field(default_factory=list[CheckState])


def health_of(service: Service, report: Report) -> Health:
    """Return what a service shows of its report."""
    return Health(
        service=service.value,
        state=report.state,
        version=VERSION,
        time=datetime.now(UTC),
        findings=[HealthFinding.of(finding) for finding in report.findings],
        checks=[
            CheckState(check=check, severity=report.severity_of(check)) for check in report.checks
        ],
    )
