"""`emall doctor`: the settings in force, what is wrong, and what to do about it."""

import asyncio
import json
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from services.cli.console import echo_err
from services.cli.diagnosis import Diagnosis, diagnose
from services.platform.health.findings import Finding, Severity, worst
from services.platform.settings import Settings, load_settings
from services.platform.version import VERSION, git_commit

EXIT_CODES = {Severity.ok: 0, Severity.unknown: 0, Severity.warning: 1, Severity.error: 2}
"""As monitoring plugins exit: fine, warning, critical."""


@dataclass(frozen=True)
class CheckResult:
    """A check with the worst that it found."""

    check: str
    severity: str


@dataclass(frozen=True)
class FindingResult:
    """Something that is wrong, and what to do about it."""

    check: str
    severity: str
    message: str
    detail: str
    remedy: str
    runbook: str


@dataclass(frozen=True)
class DatabaseResult:
    """How a service is connected to its database."""

    service: str
    postgresql: str
    role: str
    pooler: str
    tls: bool


@dataclass(frozen=True)
class DoctorResult:
    """What `emall doctor --json` prints."""

    version: str
    commit: str
    severity: str
    """The worst of the findings; `ok` without any."""
    findings: list[FindingResult]
    checks: list[CheckResult]
    databases: list[DatabaseResult]
    notes: list[str]
    """What could not be looked at from here."""
    settings: dict[str, str | None]


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check databases, services, keys, disks and more, and say what to do about each fault.

    Exit with 0 if nothing is wrong, with 1 after warnings, with 2 after errors.
    """
    settings = load_settings()
    diagnosis = asyncio.run(diagnose(settings))
    severity = worst(finding.severity for finding in diagnosis.report.findings)
    if as_json:
        typer.echo(json.dumps(asdict(_result(settings, diagnosis, severity)), indent=2))
    else:
        _print(settings, diagnosis)
    if code := EXIT_CODES[severity]:
        raise typer.Exit(code)


def _result(settings: Settings, diagnosis: Diagnosis, severity: Severity) -> DoctorResult:
    report = diagnosis.report
    return DoctorResult(
        version=VERSION,
        commit=git_commit(),
        severity=severity.value,
        findings=[
            FindingResult(
                check=finding.check.value,
                severity=finding.severity.value,
                message=finding.message,
                detail=finding.detail,
                remedy=finding.remedy,
                runbook=finding.runbook,
            )
            for finding in report.findings
        ],
        checks=[CheckResult(each.value, report.severity_of(each).value) for each in report.checks],
        databases=[
            DatabaseResult(service, facts.version, facts.role, facts.pooler, facts.has_tls)
            for service, facts in diagnosis.databases.items()
        ],
        notes=diagnosis.notes,
        settings=_settings(settings),
    )


def _settings(settings: Settings) -> dict[str, str | None]:
    return {
        f"EMALL_{name.upper()}": None if value is None else str(value) for name, value in settings
    }


def _print(settings: Settings, diagnosis: Diagnosis) -> None:
    """Print settings and checks on standard output, what is wrong on standard error, last."""
    for name, value in _settings(settings).items():
        typer.echo(f"{name}={value or ''}")
    report = diagnosis.report
    for check in report.checks:
        typer.echo(f"{report.severity_of(check).value:<8} {check.value}")
    for service, facts in diagnosis.databases.items():
        typer.echo(
            f"{service}: PostgreSQL {facts.version}, role {facts.role}, pooler: {facts.pooler}, "
            f"TLS: {'yes' if facts.has_tls else 'no'}"
        )
    for note in diagnosis.notes:
        echo_err(f"Note: {note}.")
    for finding in report.findings:
        echo_err(_describe(finding))
    counts = [
        f"{number} {severity.value}{'s' if number > 1 else ''}"
        for severity in (Severity.error, Severity.warning)
        if (number := sum(finding.severity is severity for finding in report.findings))
    ]
    echo_err(f"emall {VERSION} ({git_commit()}): {', '.join(counts) or 'no errors'}.")


def _describe(finding: Finding) -> str:
    detail = f"\n    Detail: {finding.detail}." if finding.detail else ""
    return (
        f"{finding.severity.value.capitalize()} ({finding.check.value}): {finding.message}{detail}"
        f"\n    To do: {finding.remedy}.\n    More: {finding.runbook}"
    )
