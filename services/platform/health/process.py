"""The monitor of a service's process: its database and its disks."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from services.platform.database import Database
from services.platform.health.database_checks import (
    DATABASE_CHECKS,
    CheckedDatabase,
    check_database,
)
from services.platform.health.findings import HealthCheck, Result
from services.platform.health.machine_checks import check_disks, disk_folders
from services.platform.health.monitor import WAIT_SECONDS, CachedCheck, HealthMonitor
from services.platform.health.rules import unreachable
from services.platform.jobs import BackgroundJob
from services.platform.settings import Service, Settings

DATABASE_TTL = 2.0
DISK_TTL = 30.0


def create_monitor(
    settings: Settings,
    database: Database,
    service: Service,
    jobs: Callable[[], Sequence[BackgroundJob]],
) -> HealthMonitor:
    """Create the monitor of a service with the jobs that it has once it runs."""
    monitor = HealthMonitor(service.value)
    started_at = datetime.now(UTC)

    async def run() -> Result:
        checked = CheckedDatabase(
            database,
            service,
            settings,
            jobs(),
            started_at,
            clock="this process",
        )
        return await check_database(checked)

    monitor.add(
        CachedCheck(
            DATABASE_CHECKS,
            run,
            ttl=DATABASE_TTL,
            late=unreachable(f"no answer within {WAIT_SECONDS:.0f} s"),
        )
    )
    embedded = settings.service_database_url(service) is None and settings.database_url is None
    folders = disk_folders(settings.data_dir, embedded=embedded)
    monitor.add(
        CachedCheck(
            frozenset({HealthCheck.disk}),
            partial(check_disks, folders, limit_percent=settings.disk_warning_percent),
            ttl=DISK_TTL,
        )
    )
    return monitor
