"""What can be wrong with a hub: the checks, their findings, and a report of both."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

RUNBOOK = "docs/runbook.md"


class Severity(StrEnum):
    """How bad something is."""

    ok = "ok"
    unknown = "unknown"
    """Not measured yet, or not measurable from here."""
    warning = "warning"
    """Works, and will not for long or not as it should."""
    error = "error"
    """Something does not work, or data are at risk."""


SEVERITIES = tuple(Severity)
"""From the best to the worst."""


class HealthCheck(StrEnum):
    """What is checked. The value is the check's name in health, status, metrics and `emall doctor`,
    and the anchor of its section of the runbook."""

    database = "database"
    schema = "schema"
    pack = "pack"
    writable = "database-writable"
    keys = "keys"
    clock = "clock"
    queues = "queues"
    jobs = "jobs"
    replica = "replica"
    disk = "disk"
    certificate = "certificate"
    services = "services"
    backup = "backup"
    postgresql = "postgresql-version"
    pooler = "pooler"
    database_tls = "database-tls"
    roles = "roles"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, and what to do about it.

    `message` is public: numbers and names of the program, no addresses, paths, accounts or
    versions; these are in `detail`, for the operator only.
    """

    check: HealthCheck
    severity: Literal[Severity.warning, Severity.error]
    message: str
    remedy: str
    detail: str = ""
    blocks: bool = False
    """Whether the process cannot serve: readiness answers 503."""

    @property
    def runbook(self) -> str:
        """The section of the runbook about the check."""
        return f"{RUNBOOK}#{self.check.value}"


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found, and which of what it checks it could not measure."""

    findings: tuple[Finding, ...] = ()
    unknown: frozenset[HealthCheck] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """What the checks of a process found."""

    checks: tuple[HealthCheck, ...]
    """What was checked, in the order of `HealthCheck`."""
    findings: tuple[Finding, ...]
    """The worst first."""
    unknown: frozenset[HealthCheck] = frozenset()
    """Checks without a result."""

    @property
    def state(self) -> Literal["ok", "degraded", "down"]:
        """`down` if the process cannot serve, `degraded` if anything else was found."""
        if any(finding.blocks for finding in self.findings):
            return "down"
        return "degraded" if self.findings else "ok"

    def severity_of(self, check: HealthCheck) -> Severity:
        """Return the severity of a check's worst finding."""
        found = [finding.severity for finding in self.findings if finding.check is check]
        if not found:
            return Severity.unknown if check in self.unknown else Severity.ok
        return worst(found)


def merge_reports(own: Report, others: Iterable[Report]) -> Report:
    """Return the report of a process: a service's own, and of others that it also runs.

    Only its own findings keep it from serving.
    """
    checks, unknown, findings = set(own.checks), set(own.unknown), list(own.findings)
    for other in others:
        checks.update(other.checks)
        unknown.update(other.unknown)
        findings += (replace(finding, blocks=False) for finding in other.findings)
    return make_report(checks, findings, unknown=unknown)


def worst(severities: Iterable[Severity]) -> Severity:
    """Return the worst of some severities; `ok` of none."""
    return max(severities, key=SEVERITIES.index, default=Severity.ok)


def make_report(
    checks: Collection[HealthCheck],
    findings: Iterable[Finding],
    *,
    unknown: Collection[HealthCheck] = (),
) -> Report:
    """Return a report with its parts in order and without repetitions."""
    return Report(
        tuple(check for check in HealthCheck if check in checks),
        tuple(
            sorted(
                dict.fromkeys(findings),
                key=lambda found: (not found.blocks, -SEVERITIES.index(found.severity)),
            )
        ),
        frozenset(unknown),
    )
