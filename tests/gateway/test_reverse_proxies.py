"""The shipped configurations of nginx and Caddy, run by these programs before a hub."""

import os
import socket
import ssl
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.cli.server import PROTOCOLS
from services.gateway.app import create_app
from services.gateway.link_monitoring.clicks.visit_identity import REQUEST_ID, STARTED
from services.platform.settings import ROOT, Service
from tests.conftest import Server, required_program
from tests.servers import LOOPBACK, free_port, serving

DEPLOY = ROOT / "deploy"
NAME = "emall.example.go.id"
HUB = "127.0.0.1:8000"
"""Where the configurations expect the hub."""
EXPORTS = 4
MAX_BODY_BYTES = 64 * 1024
CLAIMS = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "X-Forwarded-Host", "True-Client-IP")
"""Headers in which a client claims another address."""


@dataclass(frozen=True)
class Proxied:
    """A hub behind a reverse proxy, as a browser reaches it."""

    port: int
    plain_port: int

    def get(self, path: str, *, host: str = NAME, **headers: str) -> httpx.Response:
        return self.ask("GET", path, headers={"Host": host} | headers)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        more["headers"] = {"Host": NAME} | more.get("headers", {})
        address = f"https://127.0.0.1:{self.port}{path}"
        return LOOPBACK.request(method, address, extensions={"sni_hostname": NAME}, **more)

    def get_plain(self, path: str) -> httpx.Response:
        address = f"http://127.0.0.1:{self.plain_port}{path}"
        return LOOPBACK.get(address, headers={"Host": NAME})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Files of a certificate for the hub's name, signed by its own key, and of this key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    folder.chmod(0o755)
    public, private = folder / "fullchain.pem", folder / "privkey.pem"
    public.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return public, private


@pytest.fixture(scope="module")
def hub_address(server: Server, migrated: str) -> Iterator[str]:
    """Address of a hub with small limits."""
    with server.database_from(migrated) as name:
        settings = server.settings(
            name, address_exports_per_minute=EXPORTS, max_body_bytes=MAX_BODY_BYTES
        )
        protocol = PROTOCOLS[Service.gateway]
        with serving(create_app(settings), http=protocol, proxy_headers=False) as address:
            yield address.removeprefix("http://")


@contextmanager
def running(*command: str | Path, folder: Path, port: int) -> Generator[None]:
    """Run a program until the block ends; it listens on this port."""
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                LOOPBACK.get(f"http://127.0.0.1:{port}/", timeout=5)
                break
            except httpx.TransportError:
                said = (folder / "output.log").read_text()
                assert process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def nginx(
    hub_address: str, certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    """Run nginx with the shipped file, on other ports and with another certificate."""
    with running_nginx(hub_address, certificate, tmp_path_factory.mktemp("nginx")) as proxied:
        yield proxied


@contextmanager
def running_nginx(
    hub_address: str, certificate: tuple[Path, Path], folder: Path
) -> Generator[Proxied]:
    program = required_program("nginx")
    plain, secure = free_port(), free_port()
    text = (DEPLOY / "nginx" / "emall.conf").read_text()
    for shipped, tested in (
        (HUB, hub_address),
        ("listen 80", f"listen 127.0.0.1:{plain}"),
        ("listen 443", f"listen 127.0.0.1:{secure}"),
        ("/etc/ssl/emall/fullchain.pem", str(certificate[0])),
        ("/etc/ssl/emall/privkey.pem", str(certificate[1])),
    ):
        assert shipped in text
        text = text.replace(shipped, tested)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = folder / "nginx.conf"
    # Workers of root would else be a user who cannot read pytest's folders.
    user = "user root;" if os.geteuid() == 0 else ""
    file.write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log stderr warn;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{text}}}\n"
    )
    arguments = ("-p", folder, "-c", file, "-e", "stderr")
    with running(program, *arguments, folder=folder, port=plain):
        yield Proxied(secure, plain)


@pytest.fixture(scope="module")
def caddy(
    hub_address: str, certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    """Run Caddy with the shipped file, on other ports and with another certificate."""
    program = required_program("caddy")
    folder = tmp_path_factory.mktemp("caddy")
    plain, secure = free_port(), free_port()
    text = (DEPLOY / "caddy" / "Caddyfile").read_text()
    site = f"\n{NAME} {{\n"
    assert site in text
    assert HUB in text
    public, private = certificate
    text = text.replace(HUB, hub_address).replace(site, f"{site}\ttls {public} {private}\n")
    file = folder / "Caddyfile"
    file.write_text(
        f"{{\n\tadmin off\n\tstorage file_system {folder}\n\thttp_port {plain}\n"
        f"\thttps_port {secure}\n\tdefault_bind 127.0.0.1\n}}\n{text}"
    )
    arguments = ("run", "--adapter", "caddyfile", "--config", file)
    with running(program, *arguments, folder=folder, port=plain):
        yield Proxied(secure, plain)


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def proxied(request: pytest.FixtureRequest) -> Proxied:
    """Provide a hub behind each of the proxies."""
    return request.getfixturevalue(request.param)


def test_what_a_client_claims_of_its_address_is_without_effect(proxied: Proxied) -> None:
    def export(number: int) -> int:
        address = f"198.51.100.{number}"
        claimed = dict.fromkeys(CLAIMS, address) | {"Forwarded": f"for={address};proto=http"}
        return proxied.get(f"/nothing-{number}.csv", **claimed).status_code

    statuses = [export(number) for number in range(1, EXPORTS + 3)]
    assert statuses[-1] == 429


def test_the_scheme_arrives_and_only_from_the_proxy(proxied: Proxied) -> None:
    claimed = proxied.get("/", **{"X-Forwarded-Proto": "http", "Forwarded": "proto=http"})
    assert claimed.headers["strict-transport-security"]


def test_http_is_redirected_to_https(proxied: Proxied) -> None:
    redirected = proxied.get_plain("/layanan?q=ktp")
    assert redirected.status_code in {301, 308}
    assert redirected.headers["location"] == f"https://{NAME}/layanan?q=ktp"


@pytest.mark.parametrize("path", ["/api/v1/keys", "/open311/v2/requests.json", "/openapi.json"])
def test_a_program_that_asks_in_clear_is_told_so(proxied: Proxied, path: str) -> None:
    refused = proxied.get_plain(path)
    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/problem+json"
    assert "https" in refused.json()["detail"]
    assert "location" not in refused.headers


def test_only_recommended_ciphers_are_offered(proxied: Proxied) -> None:
    def cipher_of(offered: str) -> str | None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(offered)
        with (
            socket.create_connection(("127.0.0.1", proxied.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=NAME) as secured,
        ):
            chosen = secured.cipher()
        return chosen[0] if chosen else None

    for older in ("ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-CCM"):
        with pytest.raises(ssl.SSLError):
            cipher_of(older)
    for recommended in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"):
        assert cipher_of(recommended) == recommended


def test_refusals_of_the_hub_reach_the_client(proxied: Proxied) -> None:
    body = b"x" * (MAX_BODY_BYTES + 1)
    large = proxied.ask("POST", "/api/v1/comments", content=body)
    assert (large.status_code, large.json()["status"]) == (413, 413)
    for headers in ({"X-Long": "x" * 40_000}, {f"X-{number}": "1" for number in range(120)}):
        refused = proxied.get("/", **headers)
        assert (refused.status_code, refused.json()["status"]) == (431, 431)


def test_a_name_that_is_not_the_hubs_shows_no_content(proxied: Proxied) -> None:
    assert "x-request-id" not in proxied.get("/", host="evil.example").headers


@pytest.mark.slow
def test_nginx_names_a_request_the_same_when_it_asks_a_second_gateway(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    """The first one ends after it has read the request, as one that is killed does."""
    asked: list[dict[str, str]] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append({name.lower(): value for name, value in self.headers.items()})
            if len(asked) == 2:
                self.send_response(204)
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ExitStack() as stack:
        servers = [stack.enter_context(HTTPServer(("127.0.0.1", 0), Gateway)) for _ in range(2)]
        for server in servers:
            Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        both = ";\n    server ".join(f"127.0.0.1:{server.server_port}" for server in servers)
        proxied = stack.enter_context(running_nginx(both, certificate, tmp_path))
        claimed = {"X-Request-ID": "0" * 32, "X-Request-Start": "t=1"}
        assert proxied.get("/go/simbg", **claimed).status_code == 204
    first, second = [(one["x-request-id"], one["x-request-start"]) for one in asked]
    assert first == second != tuple(claimed.values())
    assert REQUEST_ID.fullmatch(first[0])
    assert STARTED.fullmatch(first[1])
