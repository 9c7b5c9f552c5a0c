"""OpenTelemetry traces, configured by its standard environment variables.

Needs the extra `emall-hub[otel]`; imported only if a process is told where to send traces.

Spans carry route templates, statuses and names of statements: no paths, queries, addresses or
texts, which may be secrets or stand for a person. A trace has the id of its request. Responses to
surveys are not traced, for a time would tell whose a response is.
"""

import atexit
import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

import httpx
from opentelemetry import context as trace_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext, ExecutionContext
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.platform import trace_hooks
from services.platform.logging import Outage, get_logger
from services.platform.request_id import current_request_id
from services.platform.route_templates import RouteTemplates
from services.platform.settings import Service
from services.platform.version import VERSION

log = get_logger(__name__)

UNTRACED = re.compile(r"/api/v1/surveys/|/survei/")
"""Paths to which people's responses are posted."""
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN)\s+([a-z_]+\.[a-z_]+)")
_VERB = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|LOCK|SET)\b")
_MAX_STATEMENTS = 2048


def start_tracing(service: Service) -> None:
    """Trace the requests and statements of this process, of which `service` is the outermost."""
    # Each failed export would be a line: an outage of the collector is one at its start and end.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    resource = Resource.create({"service.version": VERSION})
    if "OTEL_SERVICE_NAME" not in os.environ:
        resource = resource.merge(Resource({SERVICE_NAME: f"emall-{service.value}"}))
    provider = TracerProvider(
        resource=resource,
        id_generator=_RequestIdGenerator(),
        shutdown_on_exit=False,
    )
    exporter = _Exporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    atexit.register(_finish, provider, exporter)
    tracer = provider.get_tracer("emall", VERSION)
    trace_hooks.active = OpenTelemetry(tracer)
    _trace_statements(tracer)


def _finish(provider: TracerProvider, exporter: "_Exporter") -> None:
    """Send the last spans, unless the collector is away: that would delay the end for seconds."""
    if exporter.is_failing:
        exporter.shutdown()
    provider.shutdown()


class _RequestIdGenerator(RandomIdGenerator):
    """Gives a trace that starts here the id of its request, which log lines and answers carry."""

    def generate_trace_id(self) -> int:
        request_id = current_request_id()
        return super().generate_trace_id() if request_id is None else int(request_id, 16)


class _Exporter(SpanExporter):
    """Sends spans to the collector and logs its outages."""

    def __init__(self) -> None:
        self._otlp = OTLPSpanExporter()
        self._outage = Outage(log, "collector of traces")

    @property
    def is_failing(self) -> bool:
        """Whether the collector did not take the last spans."""
        return self._outage.is_ongoing

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._otlp.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._outage.succeeded()
        else:
            self._outage.failed(ConnectionError("spans were not taken and are dropped"))
        return result

    def shutdown(self) -> None:
        self._otlp.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._otlp.force_flush(timeout_millis)


class OpenTelemetry:
    """Spans of requests and of calls between services."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._templates = {service.value: RouteTemplates() for service in Service}
        self._propagator = TraceContextTextMapPropagator()

    def server(self, app: ASGIApp, service: str) -> ASGIApp:
        """Return an application with a span for each request that it answers."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            with self._server_span(scope, service) as span:
                await _run(app, scope, receive, send, span=span)

        return traced

    def client(self, app: ASGIApp, service: str) -> ASGIApp:
        """Return an application that forwards to a service, with a span for each request."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            with self.client_span(scope["method"], service) as span:
                await _run(app, scope, receive, send, span=span)

        return traced

    def transport(
        self, transport: httpx.AsyncBaseTransport, service: str
    ) -> httpx.AsyncBaseTransport:
        """Return a transport to a service with a span for each request."""
        return _TracedTransport(self, transport, service)

    def add_routes(self, service: str, templates: Iterable[str]) -> None:
        """Add route templates, by which spans of a service are named."""
        self._templates[service].add(templates)

    def traceparent(self) -> bytes | None:
        """Return the field value that hands the current span on; None outside a span."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier["traceparent"].encode() if "traceparent" in carrier else None

    def client_span(self, method: str, service: str) -> AbstractContextManager[Span]:
        """Start the span of a call to another service."""
        return self._tracer.start_as_current_span(
            f"{method} {service}",
            kind=SpanKind.CLIENT,
            attributes={"http.request.method": method, "emall.service": service},
            record_exception=False,
            set_status_on_exception=False,
        )

    def _server_span(self, scope: Scope, service: str) -> AbstractContextManager[Span]:
        method, path = scope["method"], scope["path"]
        if method == "POST" and UNTRACED.match(path):
            return trace.use_span(NonRecordingSpan(_unsampled()))
        template = self._templates[service].find(path)
        return self._tracer.start_as_current_span(
            f"{method} {template}",
            context=self._parent(scope),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "http.route": template,
                "emall.service": service,
            },
            record_exception=False,
            set_status_on_exception=False,
        )

    def _parent(self, scope: Scope) -> trace_context.Context | None:
        """Return the context that a caller sent; None for a call within this process."""
        if trace.get_current_span().get_span_context().is_valid:
            return None
        headers = {
            name.decode(): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in {b"traceparent", b"tracestate"}
        }
        return self._propagator.extract(headers, context=trace_context.Context())


class _TracedTransport(httpx.AsyncBaseTransport):
    def __init__(
        self, tracing: OpenTelemetry, transport: httpx.AsyncBaseTransport, service: str
    ) -> None:
        self._tracing = tracing
        self._transport = transport
        self._service = service

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with self._tracing.client_span(request.method, self._service) as span:
            try:
                response = await self._transport.handle_async_request(request)
            except Exception as error:
                _fail(span, type(error).__name__)
                raise
            _set_status(span, response.status_code)
            return response

    async def aclose(self) -> None:
        await self._transport.aclose()


async def _run(app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, span: Span) -> None:
    """Run an application within a span that gets the status of its response."""

    async def send_traced(message: Message) -> None:
        if message["type"] == "http.response.start":
            _set_status(span, message["status"])
        await send(message)

    try:
        await app(scope, receive, send_traced)
    except Exception as error:
        _fail(span, type(error).__name__)
        raise


def _set_status(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        _fail(span, str(status))


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)


def _unsampled() -> SpanContext:
    """Return the context of a span that is not recorded, nor are those within it."""
    ids = RandomIdGenerator()
    trace_id = _RequestIdGenerator().generate_trace_id()
    return SpanContext(trace_id, ids.generate_span_id(), False, TraceFlags(TraceFlags.DEFAULT))


def _trace_statements(tracer: Tracer) -> None:
    """Make a span for each statement that runs within a request."""

    @event.listens_for(Engine, "before_cursor_execute")
    def start(  # pyright: ignore[reportUnusedFunction]
        _connection: object,
        _cursor: object,
        statement: str,
        _parameters: object,
        context: ExecutionContext,
        _many: object,
    ) -> None:
        if trace.get_current_span().get_span_context().trace_flags.sampled:
            invoked: Any = context.invoked_statement
            name = statement_name(getattr(invoked, "text", None) or statement)
            attributes: Mapping[str, str] = {
                "db.system.name": "postgresql",
                "db.query.summary": name,
            }
            span = tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
            context.emall_span = span  # type: ignore[attr-defined]

    @event.listens_for(Engine, "after_cursor_execute")
    def end(  # pyright: ignore[reportUnusedFunction]
        _connection: object,
        _cursor: object,
        _statement: str,
        _parameters: object,
        context: ExecutionContext,
        _many: object,
    ) -> None:
        span: Span | None = getattr(context, "emall_span", None)
        if span is not None:
            span.end()

    @event.listens_for(Engine, "handle_error")
    def fail(context: ExceptionContext) -> None:  # pyright: ignore[reportUnusedFunction]
        span: Span | None = getattr(context.execution_context, "emall_span", None)
        if span is not None and span.is_recording():
            _fail(span, type(context.original_exception).__name__)
            span.end()


@lru_cache(_MAX_STATEMENTS)
def statement_name(statement: str) -> str:
    """Return what a statement is called in the program, or what it does to which table.

    A constant `PRUNE_CHECKS` of `services.gateway.link_monitoring.retention` is named
    `gateway.link_monitoring.retention.PRUNE_CHECKS`.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("services."):
            for constant, value in vars(module).items():
                if constant.isupper() and value == statement and isinstance(value, str):
                    return f"{name.removeprefix('services.')}.{constant}"
    verb, table = _VERB.search(statement), _TABLE.search(statement)
    return " ".join(found[1] for found in (verb, table) if found is not None) or "statement"
