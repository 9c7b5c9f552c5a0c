"""The gateway's checks: those of each service, backups, and the hub's public address."""

from collections.abc import Sequence
from functools import partial

from services.gateway.hub_status.backup_check import check_backup
from services.platform.database import Database
from services.platform.disk_spool import DiskSpool
from services.platform.health import rules
from services.platform.health.findings import HealthCheck, Result
from services.platform.health.machine_checks import check_certificate
from services.platform.health.monitor import CachedCheck, HealthMonitor
from services.platform.health.process import create_monitor
from services.platform.jobs import BackgroundJob
from services.platform.settings import Service, Settings

SPOOL_TTL = 2.0
BACKUP_TTL = 60.0
CERTIFICATE_TTL = 600.0


def create_gateway_monitor(
    settings: Settings, database: Database, jobs: Sequence[BackgroundJob], spool: DiskSpool
) -> HealthMonitor:
    """Create the gateway's monitor; `spool` keeps visits while the database does not."""
    monitor = create_monitor(settings, database, Service.gateway, lambda: jobs)

    async def check_spool() -> Result:
        lost = rules.judge_lost_visits(spool.lost)
        return Result((lost,) if lost else ())

    monitor.add(CachedCheck(frozenset({HealthCheck.queues}), check_spool, ttl=SPOOL_TTL))
    if settings.public_url is not None and settings.public_url.scheme == "https":
        check = partial(check_certificate, settings.public_url)
        monitor.add(
            CachedCheck(
                frozenset({HealthCheck.certificate}), check, ttl=CERTIFICATE_TTL, deadline=8
            )
        )
    if settings.backup_warning_hours > 0:
        monitor.add(
            CachedCheck(
                frozenset({HealthCheck.backup}),
                partial(check_backup, database, settings),
                ttl=BACKUP_TTL,
            )
        )
    return monitor
