"""TLS as browsers speak it, and certificates of servers that leave out a part of the chain."""

import ssl
from collections.abc import Sequence
from functools import cache, cached_property

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:RSA+AESGCM:RSA+AES:!aNULL:!eNULL:!PSK:!SRP"
"""Of TLS 1.2, what Chromium offers: also key exchange by RSA, and AES in CBC mode."""

OP_LEGACY_SERVER_CONNECT = 0x4
"""Of OpenSSL; `ssl` names it from Python 3.12 on. Allows servers without RFC 5746."""

PARTIAL_CHAIN = 0x80000
"""Of OpenSSL (X509_V_FLAG_PARTIAL_CHAIN): trust in a chain that ends before its root."""


class BrowserTls:
    """The TLS contexts of requests that accept what browsers accept.

    Certificates are verified as always. What is wider than Python's default are ciphers, servers
    without secure renegotiation (RFC 5746), and connections that end without a closing message.
    """

    def __init__(self, *, roots: Sequence[bytes] | None = None) -> None:
        """Trust the roots of this machine, or only `roots` (DER)."""
        self._roots = roots

    @cached_property
    def context(self) -> ssl.SSLContext:
        """Context of HTTP/2 and HTTP/1.1."""
        return self._create(["h2", "http/1.1"])

    @cached_property
    def http1(self) -> ssl.SSLContext:
        """Context of HTTP/1.1 alone."""
        return self._create(["http/1.1"])

    @cached_property
    def unverified(self) -> ssl.SSLContext:
        """Context that accepts any certificate, to look at one that was refused."""
        context = self._create(["http/1.1"])
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def with_intermediates(self, certificates: Sequence[bytes]) -> ssl.SSLContext:
        """Return a context that completes chains with these; they must still lead to a root."""
        return self._create(["h2", "http/1.1"], certificates)

    def _create(self, protocols: list[str], intermediates: Sequence[bytes] = ()) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self._roots is None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        for certificate in (*(self._roots or ()), *intermediates):
            context.load_verify_locations(cadata=certificate)
        # A loaded intermediate would be trusted by itself with this flag.
        context.verify_flags &= ~ssl.VerifyFlags(PARTIAL_CHAIN)
        context.set_ciphers(CIPHERS)
        context.set_alpn_protocols(protocols)
        context.options |= OP_LEGACY_SERVER_CONNECT | ssl.OP_IGNORE_UNEXPECTED_EOF
        return context


@cache
def default_browser_tls() -> BrowserTls:
    """Return the contexts with this machine's roots, cached: loading them takes 25 to 100 ms."""
    return BrowserTls()
