"""Cookies of one visit (RFC 6265): kept while redirects are followed, then forgotten.

Pure: no network, and the clock only for `Expires`.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

MAX_COOKIES = 50
MAX_COOKIE_LENGTH = 4096
"""Minimum that browsers keep of a host, and of a cookie (RFC 6265, 6.1)."""

PUBLIC_LABELS = frozenset(
    {"ac", "biz", "co", "com", "desa", "edu", "go", "gov", "mil", "my", "net", "or", "org"}
    | {"ponpes", "sch", "web"}
)
"""Second labels under which countries register names: no cookie belongs to all of `go.id`."""


@dataclass(frozen=True)
class Cookie:
    """A cookie as it is kept."""

    name: str
    value: str
    domain: str
    host_only: bool
    path: str
    secure: bool

    def matches(self, url: httpx.URL) -> bool:
        """Return whether a request of this URL carries the cookie (RFC 6265, 5.4)."""
        host = host_of(url)
        is_for_host = host == self.domain or (
            not self.host_only and _is_subdomain(host, self.domain)
        )
        return (
            is_for_host
            and _path_matches(url.path, self.path)
            and (not self.secure or url.scheme == "https")
        )


class CookieJar:
    """The cookies that hosts set during one visit; none goes to a host that did not set it."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], Cookie] = {}

    def store(self, fields: Iterable[str], url: httpx.URL, *, now: datetime) -> None:
        """Keep, replace or delete the cookies of the `Set-Cookie` fields of this URL's answer."""
        for field in fields:
            cookie, is_expired = _parse(field, url, now=now)
            if cookie is None:
                continue
            key = (cookie.domain, cookie.path, cookie.name)
            self._cookies.pop(key, None)
            if not is_expired and len(self._cookies) < MAX_COOKIES:
                self._cookies[key] = cookie

    def header(self, url: httpx.URL) -> str:
        """Return the value of `Cookie` for a request of this URL; empty if there is none."""
        cookies = [cookie for cookie in self._cookies.values() if cookie.matches(url)]
        cookies.sort(key=lambda cookie: len(cookie.path), reverse=True)
        return "; ".join(
            f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in cookies
        )


def host_of(url: httpx.URL) -> str:
    """Return the host in ASCII and lower case, without brackets and final dot."""
    return url.raw_host.decode("ascii").strip("[]").lower().rstrip(".")


def _parse(field: str, url: httpx.URL, *, now: datetime) -> tuple[Cookie | None, bool]:
    """Return the cookie of a `Set-Cookie` field, if it is kept, and whether it has expired."""
    if len(field) > MAX_COOKIE_LENGTH or not field.isprintable():
        return None, False
    pair, *rest = field.split(";")
    name, separator, value = pair.partition("=")
    if not separator:
        name, value = "", name
    name, value = name.strip(), value.strip()
    if not name and not value:
        return None, False
    attributes: dict[str, str] = {}
    for attribute in rest:
        key, _, text = attribute.partition("=")
        attributes[key.strip().lower()] = text.strip()
    host = host_of(url)
    domain = attributes.get("domain", "").lower().strip(".") or host
    if domain != host and not (_may_be_shared(domain) and _is_subdomain(host, domain)):
        return None, False
    secure = "secure" in attributes
    if secure and url.scheme != "https":
        return None, False
    path = attributes.get("path", "")
    cookie = Cookie(
        name,
        value,
        domain,
        host_only=not attributes.get("domain") or not _may_be_shared(domain),
        path=path if path.startswith("/") else _default_path(url.path),
        secure=secure,
    )
    return cookie, _is_expired(attributes, now)


def _may_be_shared(domain: str) -> bool:
    """Return whether hosts below this domain may share cookies: it is no public suffix."""
    labels = domain.split(".")
    return len(labels) > 2 or (len(labels) == 2 and labels[0] not in PUBLIC_LABELS)


def _is_subdomain(host: str, domain: str) -> bool:
    return host.endswith(f".{domain}") and not _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _path_matches(requested: str, path: str) -> bool:
    return requested == path or (
        requested.startswith(path) and (path.endswith("/") or requested[len(path)] == "/")
    )


def _default_path(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _is_expired(attributes: dict[str, str], now: datetime) -> bool:
    """Return whether the cookie is being deleted; `Max-Age` precedes `Expires`."""
    age = attributes.get("max-age", "")
    if age.removeprefix("-").isdigit():
        return age.startswith("-") or not age.strip("0")
    try:
        expires = parsedate_to_datetime(attributes.get("expires", ""))
    except (ValueError, TypeError, OverflowError):
        return False
    return (expires if expires.tzinfo else expires.replace(tzinfo=UTC)) <= now
