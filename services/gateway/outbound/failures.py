"""Why an outbound request got no answer."""

import ssl
from collections.abc import Iterator
from functools import cache
from typing import Literal

import anyio
import httpx

Failure = Literal[
    "dns",
    "tls",
    "tls_chain",
    "timeout",
    "refused",
    "cut",
    "private_address",
    "redirect_loop",
    "bad_redirect",
]
"""Why there was no answer at all."""


# OpenSSL: the portal leaves out an intermediate certificate. Many browsers find it by themselves.
CHAIN_CODES = frozenset({20, 21})


CUT_TLS = (ssl.SSLEOFError, ssl.SSLSyscallError, ssl.SSLZeroReturnError)


HUNG_UP = (anyio.EndOfStream, anyio.BrokenResourceError, ConnectionResetError)


@cache
def trusted_roots() -> ssl.SSLContext:
    """The roots that this machine trusts; read once, for reading takes a tenth of a second."""
    return ssl.create_default_context()


def failure_of(error: BaseException) -> Failure:
    """Which failure an error of the network is."""
    causes = list(_causes(error))
    failed_tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    failure: Failure = "dns"
    if isinstance(failed_tls, ssl.SSLCertVerificationError):
        failure = "tls_chain" if failed_tls.verify_code in CHAIN_CODES else "tls"
    elif failed_tls is not None:
        # A connection that ends in the middle of TLS is cut, whatever OpenSSL calls it.
        is_cut = isinstance(failed_tls, CUT_TLS) or any(isinstance(c, HUNG_UP) for c in causes)
        failure = "cut" if is_cut else "tls"
    elif any(isinstance(cause, httpx.TimeoutException | TimeoutError) for cause in causes):
        failure = "timeout"
    elif isinstance(error, httpx.ConnectError) and not isinstance(causes[-1], HUNG_UP):
        failure = "refused"
    elif isinstance(error, httpx.HTTPError):
        failure = "cut"
    elif isinstance(error, httpx.InvalidURL):
        failure = "bad_redirect"
    return failure


def reason_of(error: BaseException) -> str:
    """The innermost cause in a line."""
    *_, innermost = _causes(error)
    line = f"{type(innermost).__name__}: {innermost}"[:300]
    return "".join(character if character.isprintable() else " " for character in line)


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        # httpcore raises its errors again `from None`, which hides the cause but keeps the context.
        current = current.__cause__ or current.__context__
