"""Classification of a probe's result: a state, and a reason code unless the link is up.

Pure: no network, no clock, no database.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from services.gateway.link_monitoring.page import Page, read_page
from services.gateway.link_monitoring.page_signatures import find_signature
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
    "suspended",
    "parked",
    "default_page",
    "directory_listing",
    "maintenance_page",
    "application_error",
    "empty_page",
    "incomplete_page",
    "foreign_page",
    "unexpected_page",
    "slow",
    "hub_offline",
    "hub_clock",
    "not_checked",
]

SLOW_THRESHOLD = timedelta(seconds=5)
CERTIFICATE_EXPIRY_WARNING = timedelta(days=14)
DOMAIN_EXPIRY_WARNING = timedelta(days=30)
"""Longer than for a certificate, because a domain is renewed by people and by invoice."""

FAILURE_STATES: Mapping[Failure, State] = {"blocked_port": "pending"}
"""States of failures that say little of a citizen's browser; with any other a link is broken."""

HUB_REASONS: frozenset[Reason] = frozenset(
    {"dns", "tls", "timeout", "connection_refused", "connection_reset"}
)
"""Reasons that the hub's own network may cause: also TLS, if somebody between intercepts it."""

CLOCK_TOLERANCE = timedelta(hours=1)
"""Difference of two clocks up to which they agree."""

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
    "slowaes.decrypt",
    "requires javascript to work, please enable javascript",
    "checking if the site connection is secure",
    "one moment, please...",
    "sgcaptcha",
    "awswafcookiedomainlist",
)
"""Markers of pages that require a script or a CAPTCHA."""

COOKIE_MARKERS = (
    "aktifkan cookie",
    "cookies are required",
    "enable cookies",
    "mengaktifkan cookie",
    "please enable your cookies",
)
"""What a short page shows that lets in only who sends its cookie back, though the hub did."""

REJECTION_MARKERS = (
    "<title>access denied</title>",
    "<title>internet positif</title>",  # where Indonesian providers lead blocked addresses
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
PUBLIC_TEXT = 400
"""Characters of text outside forms from which a page with a login form is a public page."""
PUBLIC_LINKS = 10
"""Different links outside forms, likewise."""

MAX_CHALLENGE_TEXT = 600
"""Characters of text of the pages that require a script, a cookie or a CAPTCHA."""


@dataclass(frozen=True)
class HopCertificate:
    """The certificate of one host on the way to the page."""

    host: str
    expires_at: datetime
    is_chain_whole: bool = True
    """Whether the server sends all of the chain; otherwise it was fetched as browsers do."""


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
    is_readable: bool = True
    """Whether the body was read and decoded; a file's is not."""
    is_whole: bool = True
    """Whether the body came as its framing said."""
    elapsed: timedelta = timedelta()
    certificates: tuple[HopCertificate, ...] = ()
    """Of every HTTPS response, redirects included."""
    clock_offset: timedelta | None = None
    """The server's clock minus the hub's, by its `Date`."""
    certificate_validity: tuple[datetime, datetime] | None = None
    """Of a certificate that was refused because of its dates."""

    @property
    def certificate_expires_at(self) -> datetime | None:
        """When the first of its certificates expires."""
        return min((certificate.expires_at for certificate in self.certificates), default=None)


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
    "pending", "hub_offline", "Nearly no host responds: the hub's own network appears to be down."
)
HUB_CLOCK = Classification(
    "pending", "hub_clock", "The certificate is valid by the clocks of servers, not by the hub's."
)


def classify(
    result: ProbeResult,
    *,
    now: datetime,
    registration: Registration | None = None,
    expected_text: str | None = None,
) -> Classification:
    """Classify a probe's result.

    `registration` is that of the host's domain, if known; `expected_text` is a phrase that the
    portal's page contains, if the pack states one.
    """
    if result.failure is not None:
        state = FAILURE_STATES.get(result.failure, "broken")
        return Classification(state, result.failure, result.detail)
    status = result.status or 0
    page = read_page(result.body)
    return (
        _recognised(result, status, page)
        or _blocked(result, status, page)
        or _http_error(result, status)
        or _login_wall(result, status, page)
        or _nothing_shown(result, status, page)
        or _unexpected(result, page, expected_text)
        or _domain_expired(registration, now)
        or _up_or_warning(result, registration, now)
    )


def _recognised(result: ProbeResult, status: int, page: Page) -> Classification | None:
    """Detect a page that stands in the portal's place."""
    finding = find_signature(page, final_url=result.final_url, is_error=status >= 400)
    if finding is None:
        return None
    detail = f"Status {status}, recognised by {finding.phrase!r}."
    return Classification("broken" if finding.is_whole_page else "caution", finding.reason, detail)


def _blocked(result: ProbeResult, status: int, page: Page) -> Classification | None:
    """Detect the page of a firewall or CDN in front of the portal."""
    source = result.body.lower()
    has_challenge_header = result.headers.get("cf-mitigated") == "challenge"
    # A portal's own form may contain a CAPTCHA; a challenge page is short or has one of these
    # statuses.
    is_short = len(source) < 4096 and len(page.text) <= MAX_CHALLENGE_TEXT
    may_be_challenge = status in {202, 401, 403, 405, 429, 503} or is_short
    has_marker = any(marker in source for marker in CHALLENGE_MARKERS)
    sets_cookie = (
        is_short and "document.cookie" in page.scripts and "location" in page.scripts
    ) and not page.text_outside_forms
    asks_cookie = is_short and any(marker in page.text.lower() for marker in COOKIE_MARKERS)
    if has_challenge_header or (may_be_challenge and has_marker) or sets_cookie or asks_cookie:
        return Classification("caution", "challenge", f"Challenge page with status {status}.")
    is_forbidden = status in {403, 451}
    if is_forbidden and (status == 451 or any(marker in source for marker in GEO_BLOCK_MARKERS)):
        detail = f"Status {status}: not available from the hub's location."
        return Classification("caution", "geo_block", detail)
    is_rejected = len(source) < 4096 and any(marker in source for marker in REJECTION_MARKERS)
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


def _login_wall(result: ProbeResult, status: int, page: Page) -> Classification | None:
    """Detect a login in place of the page that the URL addresses.

    A public page may have a login form beside its content.
    """
    if status == 401:
        return Classification("caution", "login_wall", "Status 401: login required.")
    requested, final = urlsplit(result.url), urlsplit(result.final_url)
    is_redirected = (requested.path.strip("/"), requested.query) != (
        final.path.strip("/"),
        final.query,
    )
    is_public = len(page.text_outside_forms) >= PUBLIC_TEXT or len(page.links) >= PUBLIC_LINKS
    is_login = page.asks_password or LOGIN_PATH.search(final.path.lower()) is not None
    if is_redirected and is_login and not is_public:
        return Classification("caution", "login_wall", f"Redirects to a login: {result.final_url}")
    return None


def _nothing_shown(result: ProbeResult, status: int, page: Page) -> Classification | None:
    """Detect a page of which a browser shows nothing."""
    if not result.is_readable or status in {204, 205} or not page.is_blank:
        return None
    if not result.is_whole:
        return Classification("caution", "incomplete_page", "The page was cut off.")
    return Classification("broken", "empty_page", f"Status {status} with an empty page.")


def _unexpected(
    result: ProbeResult, page: Page, expected_text: str | None
) -> Classification | None:
    """Detect a page without the phrase that the pack expects of it."""
    if expected_text is None or not result.is_readable:
        return None
    phrase = " ".join(expected_text.split())
    pattern = re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)", re.IGNORECASE)
    shown = " ".join((page.title, page.description, *page.headings, page.text))
    if pattern.search(shown) or pattern.search(result.body):
        return None
    detail = f"The page does not contain {phrase!r}."
    return Classification("caution", "unexpected_page", detail)


def _domain_expired(registration: Registration | None, now: datetime) -> Classification | None:
    """Detect a portal that responds although its domain may be switched off at any time."""
    if registration is None or registration.expires_at > now:
        return None
    detail = f"The domain {registration.domain} expired on {registration.expires_at:%Y-%m-%d}."
    return Classification("caution", "domain_expired", detail)


def _up_or_warning(
    result: ProbeResult, registration: Registration | None, now: datetime
) -> Classification:
    """Return `ok`, unless a certificate or domain needs care or the response was slow."""
    for certificate in result.certificates:
        if not certificate.is_chain_whole:
            detail = f"{certificate.host} leaves out a part of its certificate chain."
            return Classification("caution", "tls_chain", detail)
    # If the clocks differ, the hub's may be the wrong one.
    clocks_agree = result.clock_offset is None or abs(result.clock_offset) <= CLOCK_TOLERANCE
    for certificate in sorted(result.certificates, key=lambda known: known.expires_at):
        if clocks_agree and certificate.expires_at - now <= CERTIFICATE_EXPIRY_WARNING:
            day = f"{certificate.expires_at:%Y-%m-%d}"
            detail = f"The certificate of {certificate.host} expires on {day}."
            return Classification("caution", "tls_expiring", detail)
    if registration is not None and registration.expires_at - now <= DOMAIN_EXPIRY_WARNING:
        detail = f"The domain {registration.domain} expires on {registration.expires_at:%Y-%m-%d}."
        return Classification("caution", "domain_expiring", detail)
    if result.elapsed >= SLOW_THRESHOLD:
        seconds = result.elapsed.total_seconds()
        return Classification("caution", "slow", f"Response took {seconds:.1f} s.")
    return Classification("ok")
