"""Traces of a gateway and a service in processes of their own, as a collector receives them."""

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.conftest import Server
from tests.servers import LOOPBACK, free_port
from tests.system.processes import Process, environment_of, forked
from tests.waiting import until

pytestmark = pytest.mark.slow

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
SERVICE = "/api/v1/services/{slug}"


@dataclass(frozen=True)
class ReceivedSpan:
    """A span with the name of the service that sent it."""

    sender: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]


@dataclass
class Collector:
    """An OTLP/HTTP receiver on a socket."""

    address: str = ""
    bodies: list[bytes] = field(default_factory=list[bytes])

    @property
    def spans(self) -> list[ReceivedSpan]:
        return [span for body in list(self.bodies) for span in decode(body)]

    def trace(self, trace: str) -> dict[str, ReceivedSpan]:
        """Return the spans of a trace by sender and name."""
        spans = [span for span in self.spans if span.trace == trace]
        return {f"{span.sender}: {span.name}": span for span in spans}


def decode(body: bytes) -> Iterator[ReceivedSpan]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        named = {each.key: each.value.string_value for each in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield ReceivedSpan(
                    named["service.name"],
                    span.name,
                    span.kind,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    {
                        each.key: each.value.string_value or each.value.int_value
                        for each in span.attributes
                    },
                )


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    received = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            received.bodies.append(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield received
        server.shutdown()


@dataclass
class Traced:
    """A gateway and a catalogue with traces; the other services do not run."""

    address: str
    collector: Collector
    gateway: Process

    def get(self, path: str, **headers: str) -> httpx.Response:
        return LOOPBACK.get(self.address + path, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def traced(
    server: Server, toba: str, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Traced]:
    folder = tmp_path_factory.mktemp("traced")
    ports = {name: free_port() for name in ("gateway", "catalog", "nothing")}
    with server.database_from(toba) as name:
        environment = environment_of(
            server.address_of(name),
            folder,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.address,
            OTEL_BSP_SCHEDULE_DELAY="100",
            EMALL_CATALOG_URL=f"http://127.0.0.1:{ports['catalog']}",
            EMALL_FEEDBACK_URL=f"http://127.0.0.1:{ports['nothing']}",
            EMALL_ASSESSMENT_URL=f"http://127.0.0.1:{ports['nothing']}",
        )
        with (
            forked(
                *("serve", "gateway", "--port", str(ports["gateway"])),
                environment=environment,
                log=folder / "gateway.log",
            ) as gateway,
            forked(
                *("serve", "catalog", "--port", str(ports["catalog"])),
                environment=environment,
                log=folder / "catalog.log",
            ) as catalog,
        ):
            gateway.wait_until(f"http://127.0.0.1:{ports['gateway']}", "/health/live")
            catalog.wait_until(f"http://127.0.0.1:{ports['catalog']}", "/health/live")
            hub = Traced(f"http://127.0.0.1:{ports['gateway']}", collector, gateway)
            until(lambda: knows_routes(hub))
            yield hub


def knows_routes(hub: Traced) -> bool:
    hub.get("/api/v1/services/ktp-el")
    wanted = ("emall-gateway", f"GET {SERVICE}")
    return any((span.sender, span.name) == wanted for span in hub.collector.spans)


def test_a_request_is_one_trace_from_the_caller_to_the_statement(traced: Traced) -> None:
    answer = traced.get("/api/v1/services/pbg", traceparent=f"00-{TRACE}-{CALLER}-01")
    assert answer.status_code == 200
    assert answer.headers["X-Request-ID"] == TRACE
    names = ("emall-gateway: GET " + SERVICE, "emall-gateway: GET catalog")
    names += ("emall-catalog: GET " + SERVICE, "emall-catalog: catalog.queries.DETAIL")
    until(lambda: len(traced.collector.trace(TRACE)) >= len(names))
    spans = traced.collector.trace(TRACE)
    edge, call, service, statement = (spans[name] for name in names)
    assert edge.parent == CALLER
    assert (call.parent, service.parent, statement.parent) == (edge.id, call.id, service.id)
    assert edge.attributes["http.response.status_code"] == 200


def test_a_trace_that_starts_here_has_the_id_of_its_request(traced: Traced) -> None:
    answer = traced.get("/layanan/ktp-el")
    trace = answer.headers["X-Request-ID"]
    page, service = "emall-gateway: GET /layanan/{slug}", f"emall-catalog: GET {SERVICE}"
    until(lambda: {page, service} <= traced.collector.trace(trace).keys())
    assert traced.collector.trace(trace)[page].parent == ""


def test_no_span_carries_what_a_client_sent(traced: Traced) -> None:
    secret = "Zx81"
    traced.get(f"/aduan/{secret}-ticket?kunci={secret}", **{"User-Agent": secret})
    traced.get(f"/api/v1/services/{secret}?q={secret}")
    last = traced.get("/api/v1/status").headers["X-Request-ID"]
    until(lambda: bool(traced.collector.trace(last)))
    assert not any(secret.encode() in body for body in traced.collector.bodies)


def test_responses_to_surveys_are_not_traced(traced: Traced) -> None:
    survey = f"{traced.address}/api/v1/surveys/awareness/responses"
    response = LOOPBACK.post(survey, json={}, headers={"traceparent": f"00-{'a' * 32}-{CALLER}-01"})
    assert response.headers["X-Request-ID"] == "a" * 32
    last = traced.get("/api/v1/status").headers["X-Request-ID"]
    until(lambda: bool(traced.collector.trace(last)))
    assert traced.collector.trace("a" * 32) == {}
