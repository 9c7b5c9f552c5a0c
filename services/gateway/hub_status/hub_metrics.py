"""What the gateway measures beside its requests; not imported without `EMALL_METRICS_PORT`."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from services.gateway.audit.log import AuditLog
from services.gateway.connectors.base import Connectors
from services.gateway.http_cache.middleware import HttpCache
from services.gateway.hub_status.backups import last_backup
from services.gateway.hub_status.routes import ask_service
from services.gateway.link_monitoring.clicks.outbox import ClickOutbox
from services.gateway.outbound.circuit_breaker import BreakerState
from services.gateway.proxy.dependencies import ProxyDependencies
from services.gateway.rate_limits.admission import QUOTA, Admission
from services.gateway.rate_limits.policies import KINDS
from services.platform.database import ReadSession
from services.platform.disk_spool import DiskSpool
from services.platform.health.findings import HealthCheck, worst
from services.platform.metrics import definitions as m
from services.platform.metrics.definitions import Sample
from services.platform.metrics.service_metrics import ServiceMetrics
from services.platform.service_line import ServiceLine
from services.platform.settings import Service

COUNT_LINKS = """
-- Links by the state that monitoring gives them.
SELECT state, count(*) AS links FROM gateway.link_status WHERE region = :region GROUP BY state
"""

POLICIES = (*KINDS, QUOTA)
LINK_STATES = ("ok", "caution", "broken", "pending")
BREAKER_VALUES: Mapping[BreakerState, float] = {"closed": 0, "half_open": 1, "open": 2}


def add_gateway_metrics(metrics: ServiceMetrics, app: FastAPI) -> None:
    """Add what the parts of a gateway measure."""
    dependencies: ProxyDependencies = app.state.proxy_dependencies
    cache: HttpCache = app.state.cache
    connectors: Connectors = app.state.connectors
    metrics.add_jobs(app.state.jobs)
    metrics.add(memory=lambda: _cache_samples(cache))
    metrics.add(memory=lambda: _refusal_samples(dependencies.admission))
    metrics.add(memory=lambda: _audit_samples(dependencies.audit))
    lines: Sequence[ServiceLine] = app.state.service_lines
    clicks: ClickOutbox = app.state.click_outbox
    metrics.add(memory=lambda: _breaker_samples(connectors, lines))
    metrics.add(memory=lambda: _visit_samples(clicks.spool))
    metrics.add(stored=_count_links)
    metrics.add(stored=_read_backup)
    metrics.add_health(app.state.health)
    metrics.add(remote=lambda: _read_services(metrics, app.state.clients))


def _cache_samples(cache: HttpCache) -> Iterator[Sample]:
    counts = cache.counts
    answered = {
        "hit": counts.fresh - counts.fast_path,
        "hit_fast_path": counts.fast_path,
        "stale": counts.stale,
        "coalesced": counts.coalesced,
        "miss": counts.forwarded - counts.revalidated - counts.stale_if_error,
        "revalidated": counts.revalidated,
        "stale_if_error": counts.stale_if_error,
        "bypassed": counts.bypassed,
    }
    for result, responses in answered.items():
        yield Sample(m.CACHE_RESPONSES, (result,), responses)
    yield Sample(m.CACHE_BYTES, (), cache.store.size)


def _refusal_samples(admission: Admission) -> Iterator[Sample]:
    for policy in POLICIES:
        yield Sample(m.RATE_LIMIT_REFUSALS, (policy,), admission.refusals[policy])


def _audit_samples(audit: AuditLog) -> Iterator[Sample]:
    yield Sample(m.AUDIT_QUEUE, (), audit.queued)


def _breaker_samples(connectors: Connectors, lines: Sequence[ServiceLine]) -> Iterator[Sample]:
    for name, client in connectors.clients().items():
        state = client.connector.breaker.state
        yield Sample(m.CIRCUIT_BREAKER, (name,), BREAKER_VALUES[state])
    for line in lines:
        yield Sample(m.CIRCUIT_BREAKER, (line.label,), BREAKER_VALUES[line.state])


def _visit_samples(spool: DiskSpool) -> Iterator[Sample]:
    yield Sample(m.VISITS_ON_DISK, (), spool.waiting)
    yield Sample(m.VISITS_LOST, (), spool.lost)


async def _read_services(
    metrics: ServiceMetrics, clients: Mapping[Service, httpx.AsyncClient]
) -> list[Sample]:
    """Return whether the services answer, which `emall_check` of each says of itself."""
    answers = await asyncio.gather(
        *(ask_service(service, client) for service, client in clients.items())
    )
    severity = worst(
        found.severity
        for answer in answers
        for found in answer.findings
        if found.check is HealthCheck.services
    )
    return [metrics.check_sample(HealthCheck.services, severity)]


async def _read_backup(session: ReadSession, region: str) -> list[Sample]:
    backup = await last_backup(session, region)
    if backup is None:
        return []
    made_at = backup.made_at.timestamp()
    return [Sample(m.BACKUP_TIME, (), made_at), Sample(m.BACKUP_SIZE, (), backup.size)]


async def _count_links(session: ReadSession, region: str) -> list[Sample]:
    rows = await session.execute(text(COUNT_LINKS), {"region": region})
    links = {row.state: row.links for row in rows}
    return [Sample(m.LINKS, (state,), links.get(state, 0)) for state in LINK_STATES]
