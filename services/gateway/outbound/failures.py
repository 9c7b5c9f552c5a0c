"""Classification of the errors of outbound requests."""

import ssl
from collections.abc import Iterator
from typing import Literal

import anyio
import httpx

Failure = Literal[
    "dns",
    "tls",
    "tls_chain",
    "timeout",
    "connection_refused",
    "connection_reset",
    "private_address",
    "blocked_port",
    "redirect_loop",
    "bad_redirect",
]
"""Why a request got no response."""

INCOMPLETE_CHAIN_CODES = frozenset({20, 21})
"""OpenSSL verify codes for a missing intermediate certificate, which many browsers fetch."""

TLS_CLOSED_ERRORS = (ssl.SSLEOFError, ssl.SSLSyscallError, ssl.SSLZeroReturnError)

CONNECTION_CLOSED_ERRORS = (anyio.EndOfStream, anyio.BrokenResourceError, ConnectionResetError)


def classify_error(error: BaseException) -> Failure:
    """Return the failure that a network error stands for."""
    chain = list(_cause_chain(error))
    tls_error = next((cause for cause in chain if isinstance(cause, ssl.SSLError)), None)
    failure: Failure = "dns"
    if isinstance(tls_error, ssl.SSLCertVerificationError):
        failure = "tls_chain" if tls_error.verify_code in INCOMPLETE_CHAIN_CODES else "tls"
    elif tls_error is not None:
        failure = "connection_reset" if is_closed(error) else "tls"
    elif any(isinstance(cause, httpx.TimeoutException | TimeoutError) for cause in chain):
        failure = "timeout"
    elif (
        isinstance(error, httpx.ConnectError)
        and not isinstance(chain[-1], CONNECTION_CLOSED_ERRORS)
    ) or isinstance(error, ConnectionRefusedError):
        failure = "connection_refused"
    elif isinstance(error, httpx.HTTPError | ConnectionError):
        failure = "connection_reset"
    elif isinstance(error, httpx.InvalidURL):
        failure = "bad_redirect"
    return failure


def is_closed(error: BaseException) -> bool:
    """Return whether an error of TLS means that the other side closed the connection.

    OpenSSL reports a connection closed during TLS as an SSL error.
    """
    return any(
        isinstance(cause, (*TLS_CLOSED_ERRORS, *CONNECTION_CLOSED_ERRORS))
        for cause in _cause_chain(error)
    )


def summarise_error(error: BaseException) -> str:
    """Return the innermost cause as one printable line of at most 300 characters."""
    *_, innermost = _cause_chain(error)
    line = f"{type(innermost).__name__}: {innermost}"[:300]
    return "".join(character if character.isprintable() else " " for character in line)


def _cause_chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        # httpcore re-raises its errors `from None`, which hides the cause but keeps the context.
        current = current.__cause__ or current.__context__
