"""Classification of a probe's result: a state, and a reason code unless the link is up.

Pure: no network, no clock, no database.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from services.gateway.outbound.failures import Failure

State = Literal["ok", "caution", "broken", "pending"]
"""`caution`: it responds, but a citizen may not get through, or the hub cannot verify it."""

Reason = Literal[
    "dns",
    "tls",
    "tls_chain",
    "tls_expiring",
    "domain_expiring",
    "domain_expired",
    "timeout",
    "connection_refused",
    "connection_reset",
    "private_address",
    "blocked_port",
    "redirect_loop",
    "bad_redirect",
    "forbidden",
    "geo_block",
    "challenge",
    "login_wall",
    "not_found",
    "client_error",
    "rate_limited",
    "server_error",
    "slow",
    "hub_offline",
    "not_checked",
]


SLOW_THRESHOLD = timedelta(seconds=5)
CERTIFICATE_EXPIRY_WARNING = timedelta(days=14)
DOMAIN_EXPIRY_WARNING = timedelta(days=30)
"""Longer than for a certificate, because a domain is renewed by people and by invoice."""

FAILURE_STATES: Mapping[Failure, State] = {"tls_chain": "caution", "blocked_port": "pending"}
"""States of failures that say little of a citizen's browser; with any other a link is broken."""

UNREACHABLE_REASONS: frozenset[Reason] = frozenset(
    {"dns", "timeout", "connection_refused", "connection_reset"}
)
"""Reasons that may be caused by the hub's own network."""

CHALLENGE_MARKERS = (
    "cf-chl",
    "challenge-platform",
    "just a moment...",
    "checking your browser",
    "_incapsula_resource",
    "sucuri_cloudproxy_js",
    "ddos-guard",
    "g-recaptcha-response",
    "verify you are human",
)
"""Markers of pages that require a script or a CAPTCHA."""

REJECTION_MARKERS = (
    "the requested url was rejected",  # F5, often with status 200
    "attention required! | cloudflare",
    "web application firewall",
)

GEO_BLOCK_MARKERS = (
    "error 1009",
    "your country",
    "your region",
    "negara anda",
    "luar wilayah indonesia",
)

LOGIN_PATH = re.compile(
    r"(?:^|[/_.-])(?:log[-_]?in|sign[-_]?in|signin|sso|auth|masuk)(?:[/_.?-]|$)"
)
INPUT_TAG = re.compile(r"<input\b[^<>]*", re.IGNORECASE)
"""Up to the next angle bracket, so that a page of many tags without an end is read once."""
PASSWORD_TYPE = re.compile(r"\btype\s*=\s*[\"']?password", re.IGNORECASE)


@dataclass(frozen=True)
class ProbeResult:
    """The last response of a probe, or why there was none."""

    url: str
    final_url: str
    failure: Failure | None = None
    detail: str = ""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Response headers; names in lower case."""
    body: str = ""
    """The first part of the body."""
    elapsed: timedelta = timedelta()
    certificate_expires_at: datetime | None = None


@dataclass(frozen=True)
class Registration:
    """The registration of a domain, according to its registry."""

    domain: str
    expires_at: datetime


@dataclass(frozen=True)
class Classification:
    """A state, the reason unless it is up, and a detail for operators."""

    state: State
    reason: Reason | None = None
    detail: str = ""


HUB_OFFLINE = Classification(
    "pending", "hub_offline", "No host responds: the hub's own network appears to be down."
)


def classify(
    result: ProbeResult, *, now: datetime, registration: Registration | None = None
) -> Classification:
    """Classify a probe's result; `registration` is that of the host's domain, if known."""
    if result.failure is not None:
        state = FAILURE_STATES.get(result.failure, "broken")
        return Classification(state, result.failure, result.detail)
    status = result.status or 0
    return (
        _blocked(result, status)
        or _http_error(result, status)
        or _login_wall(result, status)
        or _domain_expired(registration, now)
        or _up_or_warning(result, registration, now)
    )


def _blocked(result: ProbeResult, status: int) -> Classification | None:
    """Detect the page of a firewall or CDN in front of the portal."""
    page = result.body.lower()
    has_challenge_header = result.headers.get("cf-mitigated") == "challenge"
    # A portal's own form may contain a CAPTCHA; a challenge page is short or has one of these
    # statuses.
    may_be_challenge = status in {202, 401, 403, 405, 429, 503} or len(page) < 4096
    has_marker = any(marker in page for marker in CHALLENGE_MARKERS)
    if has_challenge_header or (may_be_challenge and has_marker):
        return Classification("caution", "challenge", f"Challenge page with status {status}.")
    is_forbidden = status in {403, 451}
    if is_forbidden and (status == 451 or any(marker in page for marker in GEO_BLOCK_MARKERS)):
        detail = f"Status {status}: not available from the hub's location."
        return Classification("caution", "geo_block", detail)
    is_rejected = len(page) < 4096 and any(marker in page for marker in REJECTION_MARKERS)
    if is_forbidden or is_rejected:
        detail = f"A firewall rejects the hub with status {status}."
        return Classification("caution", "forbidden", detail)
    return None


def _http_error(result: ProbeResult, status: int) -> Classification | None:
    if status >= 500:
        return Classification("broken", "server_error", f"Status {status}.")
    if status in {404, 410}:
        return Classification("broken", "not_found", f"Status {status} at {result.final_url}.")
    if status == 429:
        return Classification("caution", "rate_limited", "Status 429: too many requests.")
    if status >= 400 and status != 401:
        return Classification("caution", "client_error", f"Status {status}.")
    return None


def _login_wall(result: ProbeResult, status: int) -> Classification | None:
    """Detect a login in place of the page that the URL addresses."""
    if status == 401:
        return Classification("caution", "login_wall", "Status 401: login required.")
    requested, final = urlsplit(result.url), urlsplit(result.final_url)
    is_redirected = (requested.path.strip("/"), requested.query) != (
        final.path.strip("/"),
        final.query,
    )
    if is_redirected and (LOGIN_PATH.search(final.path.lower()) or _asks_password(result.body)):
        return Classification("caution", "login_wall", f"Redirects to a login: {result.final_url}")
    return None


def _asks_password(page: str) -> bool:
    return any(PASSWORD_TYPE.search(tag) for tag in INPUT_TAG.findall(page))


def _domain_expired(registration: Registration | None, now: datetime) -> Classification | None:
    """Detect a portal that responds although its domain may be switched off at any time."""
    if registration is None or registration.expires_at > now:
        return None
    detail = f"The domain {registration.domain} expired on {registration.expires_at:%Y-%m-%d}."
    return Classification("caution", "domain_expired", detail)


def _up_or_warning(
    result: ProbeResult, registration: Registration | None, now: datetime
) -> Classification:
    """Return `ok`, unless the certificate or domain expires soon or the response was slow."""
    expires_at = result.certificate_expires_at
    if expires_at is not None and expires_at - now <= CERTIFICATE_EXPIRY_WARNING:
        detail = f"The certificate expires on {expires_at:%Y-%m-%d}."
        return Classification("caution", "tls_expiring", detail)
    if registration is not None and registration.expires_at - now <= DOMAIN_EXPIRY_WARNING:
        detail = f"The domain {registration.domain} expires on {registration.expires_at:%Y-%m-%d}."
        return Classification("caution", "domain_expiring", detail)
    if result.elapsed >= SLOW_THRESHOLD:
        seconds = result.elapsed.total_seconds()
        return Classification("caution", "slow", f"Response took {seconds:.1f} s.")
    return Classification("ok")
