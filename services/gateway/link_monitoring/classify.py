"""What an attempt to reach a portal says about it: a state, and the reason in one word.

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
"""`caution`: it answers, yet a citizen may not get through, or the hub cannot tell."""

Reason = Literal[
    "dns",
    "tls",
    "tls_chain",
    "tls_expiring",
    "domain_expiring",
    "domain_expired",
    "timeout",
    "refused",
    "cut",
    "private_address",
    "redirect_loop",
    "bad_redirect",
    "forbidden",
    "geo_block",
    "challenge",
    "login_wall",
    "gone",
    "client_error",
    "rate_limited",
    "server_error",
    "slow",
    "hub_offline",
    "not_checked",
]


SLOW = timedelta(seconds=5)
EXPIRES_SOON = timedelta(days=14)
DOMAIN_EXPIRES_SOON = timedelta(days=30)
"""Longer than for a certificate, because a domain is renewed by people and by invoice."""

UNREACHED: frozenset[Reason] = frozenset({"dns", "timeout", "refused", "cut"})
"""Reasons that the hub's own network could have as well as the portal."""

CHALLENGE_MARKS = (
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
"""Pages that let only a browser through that runs a script or whose user solves a puzzle."""

REJECTED_MARKS = (
    "the requested url was rejected",  # F5, often with status 200
    "attention required! | cloudflare",
    "web application firewall",
)

GEO_MARKS = (
    "error 1009",
    "your country",
    "your region",
    "negara anda",
    "luar wilayah indonesia",
)

LOGIN_PATH = re.compile(
    r"(?:^|[/_.-])(?:log[-_]?in|sign[-_]?in|signin|sso|auth|masuk)(?:[/_.?-]|$)"
)
PASSWORD_FIELD = re.compile(r"<input[^>]+type\s*=\s*[\"']?password", re.IGNORECASE)


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt to reach an address."""

    url: str
    final_url: str
    failure: Failure | None = None
    detail: str = ""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the last answer, with names in lower case."""
    body: str = ""
    """The beginning of the last answer's body."""
    elapsed: timedelta = timedelta()
    certificate_expires_at: datetime | None = None


@dataclass(frozen=True)
class Registration:
    """Until when a domain is registered, as its registry says."""

    domain: str
    expires_at: datetime


@dataclass(frozen=True)
class Verdict:
    """A state, the reason where it is not ok, and a sentence for the operator."""

    state: State
    reason: Reason | None = None
    detail: str = ""


NOT_CHECKED = Verdict("pending", "not_checked")
HUB_OFFLINE = Verdict(
    "pending", "hub_offline", "No portal answers: the hub's own network seems to be down."
)


def classify(
    outcome: Outcome, *, now: datetime, registration: Registration | None = None
) -> Verdict:
    """The verdict on an outcome at a host whose domain is registered so, as far as is known."""
    if outcome.failure is not None:
        state: State = "caution" if outcome.failure == "tls_chain" else "broken"
        return Verdict(state, outcome.failure, outcome.detail)
    status = outcome.status or 0
    return (
        _barred(outcome, status)
        or _failed(outcome, status)
        or _login(outcome, status)
        or _expired(registration, now)
        or _slow_or_expiring(outcome, registration, now)
    )


def _barred(outcome: Outcome, status: int) -> Verdict | None:
    """Pages that a guard before the portal shows in its place."""
    page = outcome.body.lower()
    challenged = outcome.headers.get("cf-mitigated") == "challenge"
    # A portal's own page may speak of a puzzle in a form; a guard's page has one of these states.
    guarded = status in {202, 401, 403, 405, 429, 503} or len(page) < 4096
    if challenged or (guarded and any(mark in page for mark in CHALLENGE_MARKS)):
        return Verdict("caution", "challenge", f"A challenge page with status {status}.")
    barred = status in {403, 451}
    if barred and (status == 451 or any(mark in page for mark in GEO_MARKS)):
        return Verdict("caution", "geo_block", f"Status {status}: not open to where the hub is.")
    if barred or (len(page) < 4096 and any(mark in page for mark in REJECTED_MARKS)):
        return Verdict("caution", "forbidden", f"A guard refuses the hub with status {status}.")
    return None


def _failed(outcome: Outcome, status: int) -> Verdict | None:
    if status >= 500:
        return Verdict("broken", "server_error", f"Status {status}.")
    if status in {404, 410}:
        return Verdict("broken", "gone", f"Status {status} at {outcome.final_url}.")
    if status == 429:
        return Verdict("caution", "rate_limited", "Status 429: the hub asks too often.")
    if status >= 400 and status != 401:
        return Verdict("caution", "client_error", f"Status {status}.")
    return None


def _login(outcome: Outcome, status: int) -> Verdict | None:
    """Whether a citizen meets a login where the address promised a page."""
    if status == 401:
        return Verdict("caution", "login_wall", "Status 401: it asks for a login.")
    asked, ended = urlsplit(outcome.url), urlsplit(outcome.final_url)
    moved = (asked.path.strip("/"), asked.query) != (ended.path.strip("/"), ended.query)
    at_login = LOGIN_PATH.search(ended.path.lower()) or PASSWORD_FIELD.search(outcome.body)
    if moved and at_login:
        return Verdict("caution", "login_wall", f"It leads to a login at {outcome.final_url}.")
    return None


def _expired(registration: Registration | None, now: datetime) -> Verdict | None:
    """Whether the portal answers under a domain that may be switched off at any time."""
    if registration is None or registration.expires_at > now:
        return None
    detail = f"Its domain {registration.domain} ended {registration.expires_at:%Y-%m-%d}."
    return Verdict("caution", "domain_expired", detail)


def _slow_or_expiring(
    outcome: Outcome, registration: Registration | None, now: datetime
) -> Verdict:
    expires_at = outcome.certificate_expires_at
    if expires_at is not None and expires_at - now <= EXPIRES_SOON:
        return Verdict("caution", "tls_expiring", f"Its certificate ends {expires_at:%Y-%m-%d}.")
    if registration is not None and registration.expires_at - now <= DOMAIN_EXPIRES_SOON:
        detail = f"Its domain {registration.domain} ends {registration.expires_at:%Y-%m-%d}."
        return Verdict("caution", "domain_expiring", detail)
    if outcome.elapsed >= SLOW:
        return Verdict("caution", "slow", f"It took {outcome.elapsed.total_seconds():.1f} s.")
    return Verdict("ok")
