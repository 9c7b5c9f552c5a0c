"""What `emall doctor` looks at: the checks of a running hub, and those that need its operator."""

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from services.platform.health import rules
from services.platform.health.findings import (
    RUNBOOK,
    Finding,
    HealthCheck,
    Report,
    Result,
    make_report,
)
from services.platform.logging import summarise
from services.platform.settings import Service, Settings

if TYPE_CHECKING:
    import httpx

    from services.gateway.hub_status.routes import HubFinding
    from services.platform.database import Database
    from services.platform.health.doctor_checks import DatabaseFacts
    from services.platform.health.schemas import HealthFinding
    from services.platform.jobs import BackgroundJob

DATABASE_SECONDS = 25.0
"""How long the checks of a service's database may take together."""
SERVICE_SECONDS = 5.0


@dataclass
class Diagnosis:
    """What was found, and what it was found about."""

    checks: set[HealthCheck] = field(default_factory=set[HealthCheck])
    unknown: set[HealthCheck] = field(default_factory=set[HealthCheck])
    found_by: dict[Finding, list[str]] = field(default_factory=dict[Finding, list[str]])
    """What was found, with the services of which it is true; none: of the hub."""
    databases: "dict[str, DatabaseFacts]" = field(default_factory=dict)
    """How each service is connected; without those whose database does not answer."""
    notes: list[str] = field(default_factory=list[str])
    """What could not be looked at, and is no fault."""

    def add(
        self,
        checks: Sequence[HealthCheck] | frozenset[HealthCheck],
        result: Result,
        service: Service | None = None,
    ) -> None:
        """Add what some checks found, of a service or of the hub."""
        self.checks.update(checks)
        self.unknown.update(result.unknown)
        for finding in result.findings:
            services = self.found_by.setdefault(finding, [])
            if service is not None:
                services.append(service.value)

    def hear(self, findings: "Sequence[HealthFinding | HubFinding]", detail: str) -> None:
        """Add what a running service found, unless it was found here, perhaps a minute later."""
        known = {(finding.check, _without_numbers(finding.message)) for finding in self.found_by}
        for heard in findings:
            if (heard.check, _without_numbers(heard.message)) not in known:
                remedy = f"see {RUNBOOK}#{heard.check.value}"
                finding = Finding(heard.check, heard.severity, heard.message, remedy, detail=detail)
                self.found_by[finding] = []

    @property
    def report(self) -> Report:
        """Everything, each finding once, with the services of which it is true."""
        findings: list[Finding] = []
        for finding, services in self.found_by.items():
            parts = [", ".join(services)] if 0 < len(services) < len(Service) else []
            parts += [finding.detail] if finding.detail else []
            findings.append(replace(finding, detail=": ".join(parts)))
        return make_report(self.checks, findings, unknown=self.unknown)


def _without_numbers(message: str) -> str:
    return re.sub(r"\d+", "0", message)


async def diagnose(settings: Settings) -> Diagnosis:
    """Look at everything that can be looked at from here; nothing is changed."""
    from services.platform.health.machine_checks import (
        check_certificate,
        check_disks,
        disk_folders,
    )

    found = Diagnosis()
    embedded = any(_uses_embedded(settings, service) for service in Service)
    has_database = (settings.data_dir / "postgres" / "PG_VERSION").exists()
    folders = disk_folders(settings.data_dir, embedded=embedded)
    disks = check_disks(folders, limit_percent=settings.disk_warning_percent)
    found.add([HealthCheck.disk], await disks)
    if settings.public_url is not None and settings.public_url.scheme == "https":
        try:
            async with asyncio.timeout(SERVICE_SECONDS):
                result = await check_certificate(settings.public_url)
        except TimeoutError:
            result = Result(unknown=frozenset({HealthCheck.certificate}))
        found.add([HealthCheck.certificate], result)
        if result.unknown:
            found.notes.append(
                f"{settings.public_url} does not answer from here: its certificate is not checked"
            )
    for service in Service:
        if _uses_embedded(settings, service) and not has_database:
            found.add(
                [HealthCheck.database],
                Result((rules.no_database(str(settings.data_dir / "postgres")),)),
            )
        else:
            await _diagnose_database(settings, service, found)
    key = settings.private_key_file
    if not key.exists() and not any(known.check is HealthCheck.keys for known in found.found_by):
        found.add([HealthCheck.keys], Result((rules.no_signing_key(str(key)),)))
    await _ask_services(settings, found)
    return found


def _uses_embedded(settings: Settings, service: Service) -> bool:
    return settings.service_database_url(service) is None and settings.database_url is None


async def _diagnose_database(settings: Settings, service: Service, found: Diagnosis) -> None:
    """Check a service's database as the service does, then how it is reached."""
    from services.cli.jobs import declared_jobs
    from services.gateway.hub_status.backup_check import check_backup
    from services.platform.database import Database
    from services.platform.health.database_checks import (
        DATABASE_CHECKS,
        CheckedDatabase,
        check_database,
    )

    # Only a running hub knows whether a job is overdue, or is just not running.
    checks = DATABASE_CHECKS - {HealthCheck.jobs}
    async with AsyncExitStack() as stack:
        jobs: Sequence[BackgroundJob] = ()
        if settings.private_key_file.exists():
            jobs, database = await stack.enter_async_context(declared_jobs(settings, service))
        else:
            database = Database(settings, service)
            stack.push_async_callback(database.close)
        checked = CheckedDatabase(
            database,
            service,
            settings,
            jobs,
            datetime.now(UTC),
            clock="this machine",
            has_keys=settings.service_url(service) is None,
        )
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                result = await check_database(checked)
                found.add(checks, Result(result.findings, result.unknown & checks), service)
                if not any(finding.blocks for finding in result.findings):
                    await _diagnose_paths(settings, service, database, found)
                    if service is Service.gateway and settings.backup_warning_hours > 0:
                        found.add([HealthCheck.backup], await check_backup(database, settings))
        except TimeoutError:
            silent = rules.unreachable(f"no answer within {DATABASE_SECONDS:.0f} s")
            found.add(checks, Result((silent,)), service)


async def _diagnose_paths(
    settings: Settings, service: Service, database: "Database", found: Diagnosis
) -> None:
    from services.platform.database import DATABASE_ERRORS
    from services.platform.database_address import parse_database_address
    from services.platform.health.doctor_checks import PATH_CHECKS, check_paths

    embedded = _uses_embedded(settings, service)
    owner = settings.database_url.get_secret_value() if settings.database_url else None
    url = settings.service_database_url(service) or owner
    declines_tls = url is not None and parse_database_address(url).tls_mode == "disable"
    try:
        facts, findings = await check_paths(
            database, is_embedded=embedded, declines_tls=declines_tls
        )
    except DATABASE_ERRORS as error:
        found.add(PATH_CHECKS, Result((rules.unreachable(summarise(error)),)), service)
        return
    found.databases[service.value] = facts
    found.add(PATH_CHECKS, Result(tuple(findings)), service)


async def _ask_services(settings: Settings, found: Diagnosis) -> None:
    """Ask the services that run elsewhere, and the hub if it runs here, what they found."""
    import httpx

    from services.platform.tls import default_ssl_context

    async with httpx.AsyncClient(
        timeout=SERVICE_SECONDS, verify=default_ssl_context(), trust_env=False
    ) as client:
        for service in Service:
            for url in settings.service_urls(service):
                await _ask_service(client, service, url, found)
        await _ask_hub(client, settings, found)


async def _ask_service(
    client: "httpx.AsyncClient", service: Service, url: str, found: Diagnosis
) -> None:
    import httpx

    from services.platform.health.schemas import Health
    from services.platform.service_client import parse

    before = time.time()
    try:
        health = parse(Health, await client.get(f"{url}/health/ready"))
    except httpx.HTTPError as error:
        down = rules.down_service(service.value, f"{url} is not ready: {summarise(error)}")
        found.add([HealthCheck.services], Result((down,)))
        return
    took = timedelta(seconds=time.time() - before)
    found.add([HealthCheck.services], Result())
    found.hear(health.findings, f"{service.value} at {url} says so")
    found.checks.update(each.check for each in health.checks)
    if health.time is not None:
        clock = rules.judge_clock(
            health.time - datetime.fromtimestamp(before, UTC) - took / 2,
            uncertainty=took / 2,
            whose=f"the process of {service.value}",
            other="this machine's",
        )
        found.add([HealthCheck.clock], Result((clock,) if clock else ()))


async def _ask_hub(client: "httpx.AsyncClient", settings: Settings, found: Diagnosis) -> None:
    import httpx

    from services.gateway.hub_status.routes import HubStatus
    from services.platform.service_client import parse

    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    address = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    try:
        response = await client.get(f"{address}/api/v1/status")
        status = parse(HubStatus, response.raise_for_status())
    except httpx.HTTPError:
        status = None
    if status is None or status.region != settings.region:
        found.notes.append(
            f"no hub of region {settings.region} answers at {address}: its jobs and its clock "
            "are not checked"
        )
        return
    found.hear(status.findings, f"the hub at {address} says so")
    found.checks.update(each.check for each in status.checks)
