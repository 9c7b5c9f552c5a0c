"""Stand-ins for portals of others: real sockets, every way to answer and to fail."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived

PAGE = b"<!doctype html><title>Portal</title><p>Selamat datang."


@dataclass(frozen=True)
class Asked:
    """A request as a portal gets it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


Answer = Callable[[Asked, socket.socket], bytes | None]
"""What to send back; None closes without a word. Whatever else is to happen, it does itself."""


def answer(
    status: int = 200,
    body: bytes = PAGE,
    *,
    kind: str = "text/html; charset=utf-8",
    **headers: str,
) -> bytes:
    """Return an HTTP answer; header names are written with underscores."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def always(
    status: int = 200, body: bytes = PAGE, *, kind: str = "text/html", **headers: str
) -> Answer:
    def reply(asked: Asked, connection: socket.socket) -> bytes:
        whole = answer(status, body, kind=kind, **headers)
        return whole if asked.method != "HEAD" else whole[: len(whole) - len(body)]

    return reply


@dataclass
class Portal:
    """A running stand-in: its address, what it was asked, and how it answers, which may change."""

    address: str
    reply: Answer
    asked: list[Asked] = field(default_factory=list[Asked])


@contextmanager
def accepting(serve: Callable[[socket.socket], None]) -> Generator[int]:
    """Serve each connection to a port of the loopback in a thread of its own; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve_and_close(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(20)
            serve(connection)

    def accept() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve_and_close, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@contextmanager
def portal(reply: Answer | None = None, *, tls: ssl.SSLContext | None = None) -> Generator[Portal]:
    """Serve a portal on the loopback that answers each connection once."""
    scheme = "https" if tls is not None else "http"
    running = Portal("", reply or always())

    def serve(connection: socket.socket) -> None:
        stream = tls.wrap_socket(connection, server_side=True) if tls else connection
        asked = read_request(stream)
        if asked is None:
            return
        running.asked.append(asked)
        reply = running.reply(asked, stream)
        if reply is not None:
            stream.sendall(reply)
        with suppress(OSError):
            stream.shutdown(socket.SHUT_WR)
            stream.recv(1)

    with accepting(serve) as port:
        running.address = f"{scheme}://127.0.0.1:{port}"
        yield running


@contextmanager
def http2_portal(
    tls: ssl.SSLContext,
    send: Callable[[H2Connection, int], None] | None = None,
    *,
    has_http1: bool = False,
) -> Generator[str]:
    """Serve a portal that speaks HTTP/2 alone; `send` answers a stream, by default with a page.

    With `has_http1` it answers with a page over HTTP/1.1 too, but prefers HTTP/2.
    """
    tls.set_alpn_protocols(["h2", "http/1.1"] if has_http1 else ["h2"])

    def page(connection: H2Connection, stream: int) -> None:
        connection.send_headers(stream, [(":status", "200"), ("content-type", "text/html")])
        connection.send_data(stream, PAGE, end_stream=True)

    def serve(connection: socket.socket) -> None:
        stream = tls.wrap_socket(connection, server_side=True)
        if stream.selected_alpn_protocol() != "h2":
            if has_http1 and read_request(stream):
                stream.sendall(answer())
            return
        spoken = H2Connection(H2Configuration(client_side=False, validate_outbound_headers=False))
        spoken.initiate_connection()
        stream.sendall(spoken.data_to_send())
        while data := stream.recv(65536):
            for event in spoken.receive_data(data):
                if isinstance(event, RequestReceived):
                    (send or page)(spoken, event.stream_id)
            stream.sendall(spoken.data_to_send())

    with accepting(serve) as port:
        yield f"https://127.0.0.1:{port}"


def read_request(stream: socket.socket) -> Asked | None:
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = stream.recv(4096)
        if not chunk:
            return None
        head += chunk
    head, _, body = head.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in rest)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    while len(body) < int(headers.get("content-length", "0")):
        body += stream.recv(65536)
    return Asked(method, target, headers, body)


@dataclass(frozen=True)
class Certificate:
    """A certificate with its key, in files, as servers want them."""

    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def server(self, *above: Certificate) -> ssl.SSLContext:
        """Return the context of a server that sends this certificate and those `above` it."""
        files = self.folder / "cert.pem", self.folder / "key.pem"
        pem = serialization.Encoding.PEM
        sent = (self, *above)
        files[0].write_bytes(b"".join(one.certificate.public_bytes(pem) for one in sent))
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        files[1].write_bytes(self.key.private_bytes(pem, *plain))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        return context

    def trusted(self) -> ssl.SSLContext:
        pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)


def certificate(
    folder: Path,
    *,
    name: str = "portal.example",
    days: float = 90,
    by: Certificate | None = None,
    is_authority: bool | None = None,
    issuer_at: str | None = None,
    days_old: float = 400,
) -> Certificate:
    """Create a certificate for this name and number of days, self-signed without an issuer.

    `issuer_at` is the address of its issuer's certificate, as the certificate states it.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    may_issue = by is None if is_authority is None else is_authority
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=days_old))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=may_issue, path_length=None), critical=True)
    )
    if issuer_at is not None:
        issuers = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(issuer_at)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([issuers]), critical=False)
    built = builder.sign(by.key if by else key, hashes.SHA256())
    folder.mkdir(parents=True, exist_ok=True)
    return Certificate(folder, built, key)
