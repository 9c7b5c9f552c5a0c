"""The gateway's application: creates and wires all parts of the hub."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from anyio import CapacityLimiter
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from services.catalog.client import CatalogClient
from services.feedback.client import FeedbackClient
from services.gateway.announcements import display_times
from services.gateway.announcements.display_times import DisplayTimes
from services.gateway.announcements.draft_routes import router as announcement_drafts
from services.gateway.announcements.routes import router as written_announcements
from services.gateway.api_docs.openapi import HubDocuments
from services.gateway.api_docs.routes import router as api_document
from services.gateway.api_keys import metering
from services.gateway.api_keys.consumption_routes import router as consumption_counts
from services.gateway.api_keys.metering import delete_old_consumption
from services.gateway.api_keys.routes import router as keys
from services.gateway.audit import refused_writes
from services.gateway.audit.log import CHAIN_INTERVAL
from services.gateway.audit.months import AuditMonths
from services.gateway.audit.records import DUE_LINES
from services.gateway.audit.routes import router as audit_lines
from services.gateway.connectors import polling
from services.gateway.connectors.base import ConnectorContext, Connectors
from services.gateway.connectors.polling import SourcePoller
from services.gateway.connectors.registry import REGISTRY
from services.gateway.connectors.routes import router as connectors
from services.gateway.handovers.routes import router as handovers
from services.gateway.http_cache.cacheable_paths import cache_areas
from services.gateway.http_cache.fast_path import STATE_KEY
from services.gateway.http_cache.invalidation import CacheInvalidation
from services.gateway.http_cache.middleware import HttpCache
from services.gateway.http_cache.store import CacheStore
from services.gateway.hub_status.monitor import create_gateway_monitor
from services.gateway.hub_status.operation_routes import router as hub_operation
from services.gateway.hub_status.routes import router as hub_status
from services.gateway.link_monitoring import domain_expiry, scheduler
from services.gateway.link_monitoring.check_routes import router as link_health
from services.gateway.link_monitoring.clicks import outbox as click_outbox
from services.gateway.link_monitoring.clicks.outbox import ClickOutbox
from services.gateway.link_monitoring.domain_expiry import DomainExpiryScheduler
from services.gateway.link_monitoring.edit_routes import router as link_edits
from services.gateway.link_monitoring.incident_routes import router as incidents
from services.gateway.link_monitoring.link_directory import LinkDirectory
from services.gateway.link_monitoring.probe import Prober
from services.gateway.link_monitoring.rdap import SERVERS, RdapClient
from services.gateway.link_monitoring.retention import prune_checks
from services.gateway.link_monitoring.routes import router as links
from services.gateway.link_monitoring.scheduler import POLL_JITTER, LinkCheckScheduler
from services.gateway.link_monitoring.version_routes import router as link_versions
from services.gateway.meetings.attendance import AttendanceTokens, delete_old_entries
from services.gateway.meetings.attendance_routes import router as attendance_lists
from services.gateway.meetings.plans import delete_old_plans
from services.gateway.meetings.routes import router as meeting_plans
from services.gateway.outbound.source_clients import SourceClients
from services.gateway.outbound.ssrf_guard import DEFAULT_PORTS, SsrfGuard
from services.gateway.people.mail import case_notices
from services.gateway.people.mail import delivery as mail_delivery
from services.gateway.people.mail.case_notices import CaseNotices, delete_old_notices
from services.gateway.people.mail.delivery import MailDispatcher
from services.gateway.people.mail.outbox import MailOutbox, delete_old_mail
from services.gateway.people.mail.unsubscribing import UnsubscribeLinks
from services.gateway.people.mail.working_hours import WorkingHours
from services.gateway.people.month_reminder_routes import router as month_reminders
from services.gateway.people.oidc import create_provider
from services.gateway.people.routes import router as people
from services.gateway.people.sessions import delete_old_person_sessions
from services.gateway.people.sign_in import SignIn, delete_old_attempts
from services.gateway.portal.about import router as about_pages
from services.gateway.portal.agencies import router as agency_pages
from services.gateway.portal.announcements import router as announcement_pages
from services.gateway.portal.appearance import router as appearance
from services.gateway.portal.assets import Assets
from services.gateway.portal.attendance import router as attendance_pages
from services.gateway.portal.charts.raster import RasterImages
from services.gateway.portal.complaints.routes import router as comment_pages
from services.gateway.portal.components import router as component_page
from services.gateway.portal.cross_site import CrossSiteRefusal
from services.gateway.portal.dashboard.chart_routes import router as charts
from services.gateway.portal.dashboard.embeds import router as embeds
from services.gateway.portal.dashboard.known_methods import KnownMethods
from services.gateway.portal.dashboard.network_page import router as network_page
from services.gateway.portal.dashboard.node_pages import router as dashboard_nodes
from services.gateway.portal.dashboard.presentation import router as presentation
from services.gateway.portal.dashboard.routes import router as dashboard
from services.gateway.portal.dashboard.scenario_page import router as scenario_page
from services.gateway.portal.dashboard.use_page import router as use_page
from services.gateway.portal.discovery import router as discovery
from services.gateway.portal.error_pages import add_error_pages
from services.gateway.portal.key_sessions import delete_expired_sessions
from services.gateway.portal.life_events import router as life_event_pages
from services.gateway.portal.offline.routes import router as offline
from services.gateway.portal.posters.codes import store_posters_of
from services.gateway.portal.posters.routes import router as posters
from services.gateway.portal.privacy import router as privacy_page
from services.gateway.portal.routes import router as pages
from services.gateway.portal.search import router as search_page
from services.gateway.portal.security_txt import router as security_txt
from services.gateway.portal.service_page import router as service_page
from services.gateway.portal.status import router as status_page
from services.gateway.portal.surveys.device_routes import router as survey_devices
from services.gateway.portal.surveys.invitation import router as survey_invitations
from services.gateway.portal.surveys.rating import router as ratings
from services.gateway.portal.surveys.results import router as survey_results
from services.gateway.portal.surveys.routes import router as surveys
from services.gateway.portal.templating import compile_templates
from services.gateway.portal.unsubscribing import router as unsubscribing
from services.gateway.portal.upload.completeness import router as reporting
from services.gateway.portal.upload.routes import router as upload
from services.gateway.portal.workspace.access import add_workspace_handlers
from services.gateway.portal.workspace.digests import Digests
from services.gateway.portal.workspace.routes import WORKSPACE_ROUTERS
from services.gateway.proxy.cross_site import host_of_url
from services.gateway.proxy.dependencies import ProxyDependencies, create_proxy_dependencies
from services.gateway.proxy.fast_path_hooks import create_fast_path_cache
from services.gateway.proxy.proxy import Proxy
from services.gateway.proxy.remote_routes import AddRoutes, RemoteRoutes
from services.gateway.proxy.remote_service import RemoteService
from services.gateway.proxy.resolved_client import ResolvedClientMiddleware
from services.gateway.proxy.routing import owner_of
from services.gateway.regency import published_names
from services.gateway.regency.published_names import NameDistribution
from services.gateway.webhooks import delivery
from services.gateway.webhooks.delivery import WebhookDispatcher
from services.gateway.webhooks.delivery_routes import router as webhook_deliveries
from services.gateway.webhooks.reporting_reminders import ReportingReminders
from services.gateway.webhooks.routes import router as webhooks
from services.platform import trace_hooks
from services.platform.cache_control import CacheControlMiddleware
from services.platform.cross_origin import CrossOriginMiddleware
from services.platform.database import Database, add_database_error_handlers
from services.platform.disk_spool import DiskSpool
from services.platform.identity import (
    ANONYMOUS,
    GATEWAY_CALLER,
    HUB_READER,
    Caller,
    TokenSigner,
    load_private_key,
)
from services.platform.in_process_transport import InProcessTransport
from services.platform.installation_keys import KEYS_OF, create_missing_key
from services.platform.jobs import BackgroundJob, PeriodicJob
from services.platform.local_time import LocalTime
from services.platform.middleware import (
    BodyLimitMiddleware,
    EntityTagMiddleware,
    ParsedBodyMiddleware,
)
from services.platform.problems import add_problem_handlers
from services.platform.request_body import ANONYMOUS_LIMITS, KEY_LIMITS, ParsedBodyLimits
from services.platform.request_id import RequestIdMiddleware
from services.platform.retention import Retention
from services.platform.route_templates import templates_of
from services.platform.security_headers import SecurityHeadersMiddleware
from services.platform.service import (
    API,
    NO_TELEMETRY,
    add_routers,
    build_openapi,
    create_metrics,
    health_router,
)
from services.platform.service_line import remote_transport
from services.platform.settings import Service, Settings
from services.platform.version import VERSION

if TYPE_CHECKING:
    from services.platform.metrics.requests import RequestMetrics
    from services.platform.metrics.service_metrics import ServiceMetrics

BACKENDS = (Service.catalog, Service.feedback, Service.assessment)
MAX_ENTRY_BYTES = 2 * 1024 * 1024
"""Size of the longest body that the cache stores."""
EXAMPLES = Path(__file__).parent / "api_docs" / "examples.json"


class ServiceAuth(httpx.Auth):
    """Authentication of the gateway's own requests to a service."""

    def __init__(self, signer: TokenSigner, caller: Caller) -> None:
        self._signer = signer
        self._caller = caller

    def auth_flow(self, request: httpx.Request) -> Any:
        """Add a signed token to a request."""
        request.headers["Authorization"] = f"Bearer {self._signer.sign(self._caller)}"
        yield request


class GatewayApp(FastAPI):
    """The gateway's own pages and routes behind `edge`, the outermost ASGI application.

    Responses of services pass only `edge`; the middleware of the framework applies to the
    gateway's own routes.
    """

    edge: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle HTTP requests by `edge`, and the lifespan by the framework."""
        if scope["type"] == "http":
            await self.edge(scope, receive, send)
        else:
            await self.handle_locally(scope, receive, send)

    async def handle_locally(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request to one of the gateway's own routes."""
        await super().__call__(scope, receive, send)


def local_services(
    settings: Settings, remote: Mapping[Service, httpx.AsyncBaseTransport] | None = None
) -> dict[Service, FastAPI]:
    """Create the services without a configured address in this process.

    A service that runs elsewhere is not imported, which saves memory and startup time; `remote` are
    the transports to those.
    """
    local: dict[Service, FastAPI] = {}
    if settings.catalog_url is None:
        from services.catalog.app import create_app as create_catalog  # noqa: PLC0415

        local[Service.catalog] = create_catalog(settings)
    if settings.feedback_url is None:
        from services.feedback.app import create_app as create_feedback  # noqa: PLC0415

        local[Service.feedback] = create_feedback(settings)
    if settings.assessment_url is None:
        from services.assessment.app import create_app as create_assessment  # noqa: PLC0415

        transports: dict[Service, httpx.AsyncBaseTransport] = dict(remote or {})
        transports |= {service: InProcessTransport(app) for service, app in local.items()}
        local[Service.assessment] = create_assessment(settings, transports)
    return local


def remote_services(settings: Settings) -> dict[Service, RemoteService]:
    """Return the services with a configured address."""
    return {
        service: RemoteService(
            service,
            urls,
            silence=settings.silence_seconds,
            timeout=settings.upstream_timeout_seconds,
        )
        for service in BACKENDS
        if (urls := settings.service_urls(service))
    }


def _load_signing_key(settings: Settings) -> Ed25519PrivateKey:
    """Return the key that signs internal tokens; keys of the gateway are created at first use."""
    for name in KEYS_OF[Service.gateway]:
        create_missing_key(settings, name)
    return load_private_key(settings.private_key_file)


def create_app(settings: Settings) -> FastAPI:
    """Create the hub; services with a configured address run elsewhere."""
    key = _load_signing_key(settings)
    signer = TokenSigner(key, settings.region)
    database = Database(settings, Service.gateway)
    local_time = LocalTime(database, Service.gateway, settings.region)
    dependencies = create_proxy_dependencies(settings, database, local_time, key)
    remote = remote_services(settings)
    transports = {service: remote_transport(part.lines) for service, part in remote.items()}
    local = local_services(settings, transports)
    cache = HttpCache(
        CacheStore(max_bytes=settings.cache_max_bytes),
        max_entry_bytes=min(MAX_ENTRY_BYTES, settings.cache_max_bytes // 8),
        owner=owner_of,
    )
    clients = {
        service: service_client(
            settings,
            service,
            InProcessTransport(local[service]) if service in local else transports[service],
            ServiceAuth(signer, caller),
        )
        for service, caller in (
            (Service.catalog, ANONYMOUS),
            (Service.feedback, GATEWAY_CALLER),
            (Service.assessment, ANONYMOUS),
        )
    }

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            await asyncio.gather(
                asyncio.to_thread(compile_templates),
                local_time.load(),
                app.state.link_directory.load(),
            )
            for service in local.values():
                await stack.enter_async_context(service.router.lifespan_context(service))
            for service in remote.values():
                stack.push_async_callback(service.close)
            for client in clients.values():
                stack.push_async_callback(client.aclose)
            # Closed after the jobs that use them have stopped.
            stack.push_async_callback(dependencies.audit.stop)
            stack.push_async_callback(app.state.connectors.close)
            stack.push_async_callback(app.state.domain_expiry_scheduler.close)
            jobs: tuple[BackgroundJob, ...] = app.state.jobs
            for job in jobs:
                job.start()
                stack.push_async_callback(job.stop)
            stack.push_async_callback(cache.close)
            fast_path = create_fast_path_cache(cache, dependencies.admission, _requests(app))
            yield {STATE_KEY: fast_path} if settings.fast_path and settings.cache_max_bytes else {}

    app = GatewayApp(
        title="emall gateway",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        separate_input_output_schemas=False,
        telemetry=NO_TELEMETRY,
        middleware=[
            Middleware(
                CacheControlMiddleware, is_published=lambda path: cache_areas(path) is not None
            ),
            Middleware(EntityTagMiddleware),
            Middleware(ParsedBodyMiddleware, limits=_body_limits),
        ],
    )
    app.state.settings = settings
    app.state.database = database
    app.state.metrics = create_metrics(settings, Service.gateway, database)
    app.state.local_time = local_time
    app.state.cache = cache
    app.state.clients = clients
    app.state.known_methods = KnownMethods()
    app.state.service_lines = [line for part in remote.values() for line in part.lines.lines]
    app.state.raster_images = RasterImages()
    app.state.signer = signer
    app.state.proxy_dependencies = dependencies
    _create_parts(app)
    app.state.jobs = _declare_jobs(app)
    _add_health(app, local)
    _add_error_handlers(app)
    proxy = Proxy(
        app.handle_locally,
        dependencies=dependencies,
        signer=signer,
        backends={**local, **_traced(remote)},
        cache=cache,
        own_hosts=[host_of_url(str(url)) for url in (settings.public_url,) if url is not None],
        refuse_cross_site=CrossSiteRefusal(app),
    )
    app.edge = _create_edge(app, proxy)
    routers = (
        link_health,
        incidents,
        webhooks,
        webhook_deliveries,
        connectors,
        written_announcements,  # before those that are read, which would take `written` for an id
        announcement_drafts,
        meeting_plans,
        attendance_lists,
        *(router for registration in REGISTRY for router in registration.routers),
        links,
        link_edits,
        link_versions,
        hub_status,
        hub_operation,
        api_document,
        pages,
        service_page,
        life_event_pages,
        agency_pages,
        about_pages,
        search_page,
        announcement_pages,
        survey_devices,
        survey_invitations,
        surveys,
        ratings,
        unsubscribing,
        attendance_pages,
        survey_results,
        upload,
        reporting,
        dashboard_nodes,
        network_page,
        charts,
        scenario_page,
        dashboard,  # after the other pages below `/dasbor`, which would be taken for years
        embeds,
        presentation,
        use_page,
        comment_pages,
        status_page,
        privacy_page,
        security_txt,
        discovery,
        appearance,
        component_page,
        posters,
        offline,
        *WORKSPACE_ROUTERS,
        keys,
        consumption_counts,
        people,
        month_reminders,
        handovers,
        audit_lines,
        health_router(Service.gateway),
    )
    add_routers(app, routers)
    app.mount("/static", Assets(), name="static")
    app.openapi = lambda: build_openapi(app, examples=EXAMPLES)
    _add_telemetry(app, local)

    return app


def _traced(remote: Mapping[Service, RemoteService]) -> Mapping[Service, ASGIApp]:
    """Return the services in other processes, with a span for each request if there are traces."""
    tracing = trace_hooks.active
    if tracing is None:
        return remote
    return {service: tracing.client(app, service.value) for service, app in remote.items()}


def _requests(app: FastAPI) -> "RequestMetrics | None":
    """Return what measures the gateway's requests; None if the process serves no metrics."""
    metrics: tuple[ServiceMetrics, ...] = app.state.metrics
    return metrics[0].requests if metrics else None


def _add_telemetry(app: FastAPI, local: Mapping[Service, FastAPI]) -> None:
    """Let metrics and traces, if the process has any, know all routes; measure the parts."""
    requests, tracing = _requests(app), trace_hooks.active
    learners: list[AddRoutes] = []
    if requests is not None:
        learners.append(requests.templates.add)
    if tracing is not None:
        learners.append(partial(tracing.add_routes, Service.gateway.value))
    for learn in learners:
        for service in (app, *local.values()):
            learn(templates_of(service.routes))
    clients: dict[Service, httpx.AsyncClient] = app.state.clients
    elsewhere = [client for service, client in clients.items() if service not in local]
    if learners and elsewhere:
        app.state.jobs += (RemoteRoutes(learners, elsewhere),)
    if requests is None:
        return
    from services.gateway.hub_status.hub_metrics import add_gateway_metrics  # noqa: PLC0415

    add_gateway_metrics(app.state.metrics[0], app)
    app.state.metrics += tuple(own for part in local.values() for own in part.state.metrics)


def _add_error_handlers(app: FastAPI) -> None:
    """Answer errors: with problem documents, and browsers with pages."""
    add_problem_handlers(app)
    add_error_pages(app)
    add_workspace_handlers(app)
    add_database_error_handlers(app)


def _add_health(app: FastAPI, local: Mapping[Service, FastAPI]) -> None:
    """Create the gateway's checks, and take those of the services in this process."""
    state = app.state
    state.health = create_gateway_monitor(
        state.settings, state.database, state.jobs, state.click_outbox.spool
    )
    state.local_health = tuple(service.state.health for service in local.values())


def _body_limits(scope: Scope) -> ParsedBodyLimits:
    """Return the limits of what the gateway's own routes parse; messages of OSS may be longer."""
    return KEY_LIMITS if scope["path"].startswith(f"{API}/oss/") else ANONYMOUS_LIMITS


def _create_edge(app: FastAPI, proxy: Proxy) -> ASGIApp:
    """Return the application that every request passes before the proxy."""
    settings: Settings = app.state.settings
    limited = BodyLimitMiddleware(proxy, limit=settings.max_body_bytes)
    guarded = ServerErrorMiddleware(limited, handler=app.exception_handlers[Exception])
    shared = CrossOriginMiddleware(guarded)
    resolved = ResolvedClientMiddleware(SecurityHeadersMiddleware(shared), proxy.admission.proxies)
    requests = _requests(app)
    return RequestIdMiddleware(
        resolved, service=Service.gateway.value, observe=requests.observe if requests else None
    )


def _create_parts(app: FastAPI) -> None:
    """Create what pages, routes and background jobs use, as state of the application."""
    state = app.state
    settings: Settings = state.settings
    database: Database = state.database
    clients: dict[Service, httpx.AsyncClient] = state.clients
    signer: TokenSigner = state.signer
    key = state.secrets_key = load_private_key(settings.secrets_key_file)
    local_time: LocalTime = state.local_time
    state.documents = HubDocuments(app)
    state.pdf_limiter = CapacityLimiter(1)  # reports rendered at a time, in a thread
    own_folder = settings.data_dir / "gateway"
    state.link_directory = LinkDirectory(database, settings.region, own_folder / "links.json")
    state.click_outbox = ClickOutbox(
        database, settings.region, clients[Service.feedback], DiskSpool(own_folder / "visits")
    )
    guard = SsrfGuard(
        allowed_hosts=settings.ssrf_allowed_hosts or (),
        allowed_ports=settings.ssrf_allowed_ports or DEFAULT_PORTS,
    )
    state.ssrf_guard = guard
    state.link_check_scheduler = LinkCheckScheduler(
        database,
        settings.region,
        Prober(guard),
        local_time,
        interval=timedelta(seconds=settings.link_check_seconds),
    )
    state.domain_expiry_scheduler = DomainExpiryScheduler(
        database,
        settings.region,
        RdapClient(settings.rdap_servers or SERVERS, guard),
        interval=timedelta(seconds=settings.domain_check_seconds),
    )
    state.audit_months = AuditMonths(
        database, settings.region, key, retention_months=settings.audit_retention_months
    )
    state.retention = Retention(
        database,
        local_time,
        {
            "checks of links": partial(
                prune_checks, region=settings.region, months=settings.link_check_retention_months
            ),
            "hours of consumption": partial(
                delete_old_consumption,
                region=settings.region,
                months=settings.metering_retention_months,
            ),
            "sessions of keys": partial(delete_expired_sessions, region=settings.region),
            "sessions of people": partial(delete_old_person_sessions, region=settings.region),
            "attempts to sign in": partial(delete_old_attempts, region=settings.region),
            "mails": partial(delete_old_mail, region=settings.region),
            "notices of cases": partial(delete_old_notices, region=settings.region),
            "names in attendance lists": partial(delete_old_entries, region=settings.region),
            "planned meetings": partial(delete_old_plans, region=settings.region),
        },
    )
    state.webhook_dispatcher = WebhookDispatcher(database, settings.region, guard, key)
    state.reporting_reminders = ReportingReminders(
        database, settings.region, clients[Service.feedback], local_time
    )
    state.auth_for = partial(ServiceAuth, signer)
    state.mail_outbox = MailOutbox(key, settings.region)
    public_address = settings.public_address or ""
    state.unsubscribe_links = UnsubscribeLinks(key, settings.region, public_address)
    state.mail_dispatcher = MailDispatcher(
        database, settings, state.mail_outbox, state.unsubscribe_links
    )
    hours = WorkingHours(local_time, settings.mail_hours_begin, settings.mail_hours_end)
    state.case_notices = CaseNotices(
        database,
        settings.region,
        state.mail_outbox,
        feedback=FeedbackClient(clients[Service.feedback], auth=state.auth_for(HUB_READER)),
        catalog=CatalogClient(clients[Service.catalog]),
        hours=hours,
        public_address=public_address,
    )
    state.digests = Digests(
        app,
        database,
        settings.region,
        state.mail_outbox,
        hours,
        state.unsubscribe_links,
        public_address,
    )
    state.attendance_tokens = AttendanceTokens(key, settings.region)
    state.sign_in = SignIn.create(database, settings.region, key)
    state.identity_provider = create_provider(settings)
    state.connectors = Connectors(
        REGISTRY,
        ConnectorContext(
            settings=settings,
            database=database,
            local_time=local_time,
            secrets_key=key,
            source_clients=SourceClients(settings, database, guard),
            catalog=clients[Service.catalog],
            feedback=clients[Service.feedback],
            auth_for=state.auth_for,
        ),
    )
    state.names = NameDistribution(
        database,
        settings.region,
        catalog=clients[Service.catalog],
        feedback=clients[Service.feedback],
        auth=state.auth_for(GATEWAY_CALLER),
        store_posters=partial(store_posters_of, settings.region),
    )
    state.source_poller = SourcePoller(
        database,
        settings.region,
        state.connectors,
        interval=timedelta(seconds=settings.source_poll_seconds),
    )


def _declare_jobs(app: FastAPI) -> tuple[BackgroundJob, ...]:
    """Declare every background job of the gateway, in the order of their start."""
    state = app.state
    settings: Settings = state.settings
    database: Database = state.database
    dependencies: ProxyDependencies = state.proxy_dependencies
    cache: HttpCache = state.cache
    meter = dependencies.meter
    clicks: ClickOutbox = state.click_outbox
    directory: LinkDirectory = state.link_directory
    links: LinkCheckScheduler = state.link_check_scheduler
    domains: DomainExpiryScheduler = state.domain_expiry_scheduler
    webhooks: WebhookDispatcher = state.webhook_dispatcher
    connectors: Connectors = state.connectors
    sources: SourcePoller = state.source_poller
    names: NameDistribution = state.names
    notices: CaseNotices = state.case_notices
    mails: MailDispatcher = state.mail_dispatcher
    sends_mail = settings.smtp_host is not None

    def on_change(area: str) -> None:
        directory.mark_changed()
        names.mark_changed(area)

    periodic = partial(PeriodicJob, database=database, region=settings.region)
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    return (
        state.local_time.refresh_job(),
        dependencies.keys.create_listener(),
        CacheInvalidation(
            database,
            settings.region,
            cache.store,
            on_change=on_change,
        ).create_listener(),
        periodic(
            "follow-announcement-times",
            DisplayTimes(database, settings.region, cache.store.invalidate).check,
            every=display_times.CHECK_INTERVAL,
        ),
        directory.refresh_job(),
        periodic(
            "distribute-names",
            names.distribute,
            every=published_names.REFRESH_INTERVAL,
            wake=names.changed,
        ),
        dependencies.limiter,
        periodic(
            "chain-audit-log",
            dependencies.audit.chain,
            every=CHAIN_INTERVAL,
            backlog=DUE_LINES,
        ),
        periodic(
            "close-audit-months",
            state.audit_months.maintain_now,
            every=hour,
            first_after=minute,
        ),
        periodic(
            "flush-metering",
            meter.flush,
            every=metering.FLUSH_INTERVAL,
            wake=meter.full,
            on_stop=meter.flush,
        ),
        periodic(
            "log-refused-writes",
            dependencies.refused_writes.flush,
            every=refused_writes.INTERVAL,
            on_stop=dependencies.refused_writes.flush,
        ),
        periodic(
            "store-spooled-clicks",
            clicks.store_spooled,
            every=click_outbox.DELIVERY_INTERVAL,
            first_after=timedelta(),
            on_stop=clicks.spool.close,
        ),
        periodic(
            "deliver-clicks",
            clicks.outbox.deliver_waiting,
            every=click_outbox.DELIVERY_INTERVAL,
            wake=clicks.outbox.wake,
            backlog=clicks.outbox.backlog,
            refused=clicks.outbox.refused,
            on_stop=clicks.outbox.deliver_waiting,
        ),
        periodic(
            "check-links",
            links.check_due,
            every=scheduler.POLL_INTERVAL,
            first_after=timedelta(),
            jitter=POLL_JITTER,
            enabled=settings.link_check_seconds > 0,
            on_stop=links.close,
        ),
        periodic(
            "check-domains",
            domains.check_next,
            every=domain_expiry.POLL_INTERVAL,
            jitter=POLL_JITTER,
            enabled=settings.domain_check_seconds > 0,
        ),
        *(
            periodic(
                f"poll-{name}",
                poll,
                every=polling.POLL_INTERVAL,
                jitter=POLL_JITTER,
                backlog=backlog,
                refused=refused,
                enabled=settings.source_poll_seconds > 0,
            )
            for name, poll, backlog, refused in (
                ("sources", sources.poll_all_due, None, None),
                *(
                    (name, system.poll, system.backlog, system.refused)
                    for name, system in connectors.systems.items()
                ),
            )
        ),
        periodic(
            "deliver-webhooks",
            webhooks.deliver_all_due,
            every=delivery.POLL_INTERVAL,
            first_after=timedelta(),
            backlog=delivery.PENDING_DELIVERIES,
            refused=delivery.GIVEN_UP_DELIVERIES,
            # A receiver that is away is tried again for that long.
            overdue_after=sum(delivery.BACKOFF, hour),
        ),
        periodic(
            "remind-agencies",
            state.reporting_reminders.send_now,
            every=hour,
            first_after=minute,
        ),
        periodic(
            "notice-new-cases",
            notices.tell_of_new,
            every=case_notices.NEW_INTERVAL,
            jitter=POLL_JITTER,
            enabled=sends_mail,
        ),
        periodic(
            "notice-due-cases",
            notices.tell_of_due_now,
            every=case_notices.DUE_INTERVAL,
            first_after=minute,
            enabled=sends_mail,
        ),
        periodic(
            "mail-digests",
            state.digests.send_now,
            every=timedelta(minutes=10),
            first_after=minute,
            enabled=sends_mail,
        ),
        periodic(
            "send-mail",
            mails.send_all_due,
            every=mail_delivery.POLL_INTERVAL,
            first_after=timedelta(),
            backlog=mail_delivery.PENDING_MAILS if sends_mail else None,
            refused=mail_delivery.GIVEN_UP_MAILS if sends_mail else None,
            overdue_after=mail_delivery.OVERDUE_AFTER,
            enabled=sends_mail,
        ),
        periodic("prune-gateway", state.retention.prune_now, every=hour, first_after=minute),
    )


def service_client(
    settings: Settings,
    service: Service,
    transport: httpx.AsyncBaseTransport | None,
    auth: httpx.Auth,
) -> httpx.AsyncClient:
    """Create the gateway's client of a service: over ASGI in this process, over HTTP elsewhere."""
    return httpx.AsyncClient(
        base_url=settings.service_url(service) or f"http://{service.value}",
        transport=transport,
        auth=auth,
        timeout=settings.upstream_timeout_seconds,
        trust_env=False,
    )
