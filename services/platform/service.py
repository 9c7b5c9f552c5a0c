"""Application factory of the services: problems, middleware, health, OpenAPI document."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig
from pydantic import BaseModel
from starlette.middleware import Middleware

from services.platform import trace_hooks
from services.platform.cache_control import CacheControlMiddleware
from services.platform.database import Database, add_database_error_handlers
from services.platform.examples import add_examples
from services.platform.georeport import describe_georeport_errors
from services.platform.health.findings import merge_reports
from services.platform.health.monitor import HealthMonitor
from services.platform.health.process import create_monitor
from services.platform.health.schemas import Health, health_of
from services.platform.identity import TokenVerifier, load_public_key
from services.platform.installation_keys import ServiceKeys
from services.platform.job_status import jobs_router
from services.platform.logging import Outage, get_logger
from services.platform.middleware import (
    BodyLimitMiddleware,
    EntityTagMiddleware,
    ParsedBodyMiddleware,
    TokenMiddleware,
)
from services.platform.problems import (
    FieldError,
    Problem,
    Unavailable,
    add_problem_handlers,
)
from services.platform.request_id import RequestIdMiddleware
from services.platform.route_templates import RouteTemplates, templates_of
from services.platform.router import Router
from services.platform.settings import Service, Settings
from services.platform.slash_redirect import SlashRedirect
from services.platform.version import VERSION

if TYPE_CHECKING:
    from services.platform.metrics.service_metrics import ServiceMetrics

log = get_logger(__name__)

API = "/api/v1"

_making_document = threading.Lock()

NO_TELEMETRY: TelemetryConfig = {
    "auto_configure": False,
    "tracing": False,
    "metrics": False,
    "logs": False,
}
"""FastAPI's own spans would carry paths and queries, in which there are secrets."""

Lifespan = (
    Callable[[FastAPI], AbstractAsyncContextManager[None]]
    | Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any]]]
)


def create_service_app(
    service: Service,
    settings: Settings,
    *,
    title: str,
    routers: Sequence[Router],
    lifespan: Lifespan,
    models: Sequence[type[BaseModel]] = (),
    examples: Path | None = None,
    app_class: type[FastAPI] = FastAPI,
    is_published: Callable[[str], bool] = lambda _: False,
) -> FastAPI:
    """Create a service's application; its database is `app.state.database`, its keys `.keys`.

    `examples` is the file for `add_examples`. `models` are added to the OpenAPI document although
    no route declares them. An `app_class` that answers requests itself authenticates them with
    `app.state.verifier()`. `is_published` returns whether a path serves published data, which
    caches may store briefly.
    """
    verifier: list[TokenVerifier] = []
    key_outage = Outage(
        log, f"public key of the gateway ({settings.public_key_file}):", level="error"
    )

    def verify_with() -> TokenVerifier:
        if not verifier:
            try:
                key = load_public_key(settings.public_key_file)
            except (OSError, ValueError, TypeError) as error:
                key_outage.failed(error)
                raise Unavailable(
                    "This service cannot read the gateway's public key yet; see its log."
                ) from None
            key_outage.succeeded()
            verifier.append(TokenVerifier(key, settings.region))
        return verifier[0]

    database = Database(settings, service)
    metrics = create_metrics(settings, service, database)
    app = app_class(
        title=title,
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        separate_input_output_schemas=False,
        telemetry=NO_TELEMETRY,
        middleware=[
            Middleware(
                RequestIdMiddleware,
                service=service.value,
                observe=metrics[0].requests.observe if metrics else None,
            ),
            Middleware(BodyLimitMiddleware, limit=settings.max_body_bytes),
            Middleware(TokenMiddleware, verifier=verify_with),
            Middleware(ParsedBodyMiddleware),
            Middleware(CacheControlMiddleware, is_published=is_published),
            Middleware(EntityTagMiddleware),
        ],
    )
    app.state.settings = settings
    app.state.verifier = verify_with
    app.state.database = database
    app.state.local_health = ()
    app.state.health = create_monitor(
        settings, database, service, lambda: getattr(app.state, "jobs", ())
    )
    app.state.metrics = metrics
    app.state.keys = ServiceKeys(database, settings, service)
    add_problem_handlers(app)
    add_database_error_handlers(app)
    add_routers(app, (*routers, health_router(service), jobs_router(service)))
    add_openapi_route(app)
    if trace_hooks.active is not None:
        trace_hooks.active.add_routes(service.value, templates_of(app.routes))
    for own in metrics:
        own.add_health(app.state.health)
        own.requests.templates.add(templates_of(app.routes))
    app.openapi = lambda: build_openapi(app, examples=examples, models=models)
    return app


def create_metrics(
    settings: Settings, service: Service, database: Database
) -> "tuple[ServiceMetrics, ...]":
    """Create the metrics of a service, if the process serves any; nothing is imported if not.

    Its route templates are added when its routes are.
    """
    if settings.metrics_port is None:
        return ()
    from services.platform.metrics.requests import RequestMetrics  # noqa: PLC0415
    from services.platform.metrics.service_metrics import ServiceMetrics  # noqa: PLC0415

    requests = RequestMetrics(service, RouteTemplates())
    return (ServiceMetrics(requests, database, settings.region),)


def add_routers(app: FastAPI, routers: Iterable[Router]) -> None:
    """Add the routes of these routers to an application, built as they are.

    `include_router` builds each route a second time, and only when the first request arrives: on
    the event loop, 180 ms for the whole hub.
    """
    for router in routers:
        app.router.routes.extend(router.routes)
    app.router.redirect_slashes = False
    app.router.default = SlashRedirect(app.router)


def health_router(service: Service) -> Router:
    """Return `/health/live` (the process) and `/health/ready` (whether it can serve).

    Readiness is 503 only if the service cannot serve; what else is wrong is in the body of the 200,
    also of other services in this process.
    """
    router = Router(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        return {"service": service.value, "state": "ok", "version": VERSION}

    @router.get("/health/ready")
    async def ready(request: Request, response: Response) -> Health:
        monitor: HealthMonitor = request.app.state.health
        local: tuple[HealthMonitor, ...] = request.app.state.local_health
        own, *others = await asyncio.gather(*(each.report() for each in (monitor, *local)))
        health = health_of(service, merge_reports(own, others))
        response.headers["Cache-Control"] = "no-store"
        if health.state == "down":
            response.status_code = 503
        return health

    return router


def build_openapi(
    app: FastAPI, *, examples: Path | None, models: Sequence[type[BaseModel]] = ()
) -> dict[str, Any]:
    """Return FastAPI's document with the problem schemas, these models, and the examples."""
    # FastAPI keeps its own document before it is complete, and another thread may ask for it.
    with _making_document:
        if app.openapi_schema is None:
            document = FastAPI.openapi(app)
            app.openapi_schema = None
            _complete(document, examples=examples, models=models)
            app.openapi_schema = document
        return app.openapi_schema


def _complete(
    document: dict[str, Any], *, examples: Path | None, models: Sequence[type[BaseModel]]
) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in (Problem, FieldError, *models):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        for name, inner in schema.pop("$defs", {}).items():
            schemas.setdefault(name, inner)
        schemas[model.__name__] = schema
    for schema in schemas.values():
        _normalise_schema(schema)
    _add_max_items(document)
    describe_georeport_errors(document)
    if examples is not None:
        add_examples(document, examples)


def add_openapi_route(app: FastAPI) -> None:
    """Serve an application's document at `/openapi.json`.

    FastAPI's own route would make it on the event loop, where it reads all routes: a second.
    """

    def make() -> Response:
        return JSONResponse(app.openapi())

    async def document(_: Request) -> Response:
        return await asyncio.to_thread(make)

    app.add_route("/openapi.json", document, include_in_schema=False)


def _add_max_items(document: dict[str, Any]) -> None:
    """Set `maxItems` of each page to the maximum of its `limit` parameter."""
    schemas: dict[str, dict[str, Any]] = document["components"]["schemas"]
    for methods in document["paths"].values():
        for operation in methods.values():
            parameters = {each["name"]: each for each in operation.get("parameters", ())}
            content = operation["responses"].get("200", {}).get("content", {})
            page = content.get("application/json", {}).get("schema", {}).get("$ref")
            if "limit" in parameters and page is not None:
                items = schemas[page.rpartition("/")[2]]["properties"]["items"]
                items["maxItems"] = parameters["limit"]["schema"]["maximum"]


def _normalise_schema(schema: Any) -> None:
    """Replace what client generators cannot read.

    Pydantic's `patternProperties` allows any other key: `propertyNames` with
    `additionalProperties` does not. Defaults that are objects are removed.
    """
    if isinstance(schema, list):
        for item in cast("list[Any]", schema):
            _normalise_schema(item)
    if not isinstance(schema, dict):
        return
    members = cast("dict[str, Any]", schema)
    # A map of properties may have one named `default`: only a schema has a text beside it.
    label = members.get("title", members.get("$ref"))
    if isinstance(members.get("default"), dict) and isinstance(label, str):
        del members["default"]
    patterns: dict[str, Any] = members.get("patternProperties", {})
    if len(patterns) == 1 and "additionalProperties" not in members:
        [(pattern, values)] = members.pop("patternProperties").items()
        members["propertyNames"] = {"pattern": pattern} | members.get("propertyNames", {})
        members["additionalProperties"] = values
    for member in members.values():
        _normalise_schema(member)


def get_region(request: Request) -> str:
    """Return the region of this hub, the first column of every primary key."""
    settings: Settings = request.app.state.settings
    return settings.region
