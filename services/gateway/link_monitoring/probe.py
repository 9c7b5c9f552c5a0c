"""Visit of a link as a browser makes it: one GET, redirects followed, cookies kept meanwhile.

At every redirect the host is resolved once, checked, and connected to at a checked address.
"""

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from services.gateway.link_monitoring.classify import HopCertificate, ProbeResult
from services.gateway.link_monitoring.page import read_page, refresh_address
from services.gateway.outbound.browsing.certificates import (
    MAX_CERTIFICATE_BYTES,
    find_intermediates,
    validity,
)
from services.gateway.outbound.browsing.cookies import CookieJar, host_of
from services.gateway.outbound.browsing.page_client import PageClient, PageResponse, PageTimeouts
from services.gateway.outbound.browsing.tls import BrowserTls
from services.gateway.outbound.failures import (
    INCOMPLETE_CHAIN_CODES,
    classify_error,
    summarise_error,
)
from services.gateway.outbound.ssrf_guard import PrivateAddressError, SsrfGuard
from services.platform.version import VERSION

MAX_REDIRECTS = 20
"""As browsers follow (Fetch Standard, HTTP-redirect fetch)."""

MAX_REPETITIONS = 2
"""How often the same request is repeated; some firewalls let an address in at the second one."""

VALIDITY_CODES = frozenset({9, 10})
"""OpenSSL verify codes for a certificate that is not valid yet, or no longer."""

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")

USER_AGENT = f"Mozilla/5.0 (compatible; emall-hub/{VERSION}; link check)"

HEADERS: Mapping[str, str] = {
    "User-Agent": USER_AGENT,
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Encoding": "identity",
    "Accept-Language": "id,en;q=0.5",
}


@dataclass(frozen=True)
class ProbeTimeouts:
    """Timeouts of a probe, in seconds."""

    connect: float = 8
    read: float = 15
    total: float = 25


@dataclass
class _Visit:
    """What a visit carries from one request to the next."""

    deadline: float
    jar: CookieJar = field(default_factory=CookieJar)
    requests: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    certificates: list[HopCertificate] = field(default_factory=list[HopCertificate])
    clock_offset: timedelta | None = None
    """The last server's clock minus the hub's."""
    certificate_validity: tuple[datetime, datetime] | None = None
    """Of a certificate that was refused because of its dates."""


class Prober:
    """Visits URLs; every visit is a stranger's first."""

    def __init__(
        self,
        guard: SsrfGuard,
        *,
        timeouts: ProbeTimeouts | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """`ssl_context` has the roots that are trusted; default: those of this machine."""
        self._timeouts = timeouts or ProbeTimeouts()
        roots = None if ssl_context is None else ssl_context.get_ca_certs(binary_form=True)
        self._client = PageClient(
            guard,
            timeouts=PageTimeouts(self._timeouts.connect, self._timeouts.read),
            tls=None if roots is None else BrowserTls(roots=roots),
        )

    async def probe(self, url: str) -> ProbeResult:
        """Visit a URL; failures of the other side are part of the result, never raised."""
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        visit = _Visit(started_at + self._timeouts.total)
        result = await self._follow(visit, url)
        return replace(
            result,
            url=url,
            elapsed=timedelta(seconds=loop.time() - started_at),
            certificates=tuple(visit.certificates),
            clock_offset=visit.clock_offset,
            certificate_validity=visit.certificate_validity,
        )

    async def connects(self, url: str) -> bool:
        """Return whether the host of a URL accepts connections, with TLS that is verified."""
        return await self._client.connects(httpx.URL(url))

    async def clock_offset(self, url: str) -> timedelta | None:
        """Return how far a server's clock is ahead of the hub's; None if it does not say."""
        visit = _Visit(asyncio.get_running_loop().time() + self._timeouts.connect)
        try:
            response = await self._look_at(visit, httpx.URL(url))
        except (PrivateAddressError, httpx.InvalidURL, ValueError):
            return None
        return _clock_offset(response, datetime.now(UTC)) if response is not None else None

    async def _follow(self, visit: _Visit, url: str) -> ProbeResult:
        """Request a URL and those to which it leads, and return the last response or failure."""
        current = url
        for _ in range(MAX_REDIRECTS + 1):
            try:
                target = httpx.URL(current)
                request = (current, visit.jar.header(target))
                visit.requests[request] += 1
                if visit.requests[request] > MAX_REPETITIONS + 1:
                    break
                response = await self._request(visit, target)
                result = _to_result(current, response)
                reference = await asyncio.to_thread(_next_reference, result)
                if reference is None:
                    return result
                current = join(target, reference)
            except PrivateAddressError as error:
                return ProbeResult(url, current, failure=error.failure, detail=str(error))
            except TimeoutError:
                detail = f"No complete response within {self._timeouts.total:.0f} s."
                return ProbeResult(url, current, failure="timeout", detail=detail)
            except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
                failure, detail = classify_error(error), summarise_error(error)
                # A chain that could be completed was; browsers do not trust this one either.
                failure = "tls" if failure == "tls_chain" else failure
                return ProbeResult(url, current, failure=failure, detail=detail)
        detail = f"Redirect loop, or more than {MAX_REDIRECTS} redirects."
        return ProbeResult(url, current, failure="redirect_loop", detail=detail)

    async def _request(self, visit: _Visit, url: httpx.URL) -> PageResponse:
        """Send one request, and keep what its answer says beside the page."""
        cookies = visit.jar.header(url)
        headers = {**HEADERS, "Cookie": cookies} if cookies else HEADERS
        is_chain_whole = True
        try:
            response = await self._client.get(url, headers, deadline=visit.deadline)
        except ssl.SSLCertVerificationError as error:
            if error.verify_code in VALIDITY_CODES:
                await self._look_at_dates(visit, url)
            context = (
                await self._complete_chain(visit, url)
                if error.verify_code in INCOMPLETE_CHAIN_CODES
                else None
            )
            if context is None:
                raise
            is_chain_whole = False
            response = await self._client.get(
                url, headers, deadline=visit.deadline, context=context
            )
        now = datetime.now(UTC)
        visit.jar.store(response.head.cookies, url, now=now)
        visit.clock_offset = _clock_offset(response, now)
        dates = validity(response.certificate) if response.certificate is not None else None
        if dates is not None:
            visit.certificates.append(HopCertificate(host_of(url), dates[1], is_chain_whole))
        return response

    async def _complete_chain(self, visit: _Visit, url: httpx.URL) -> ssl.SSLContext | None:
        """Return a context with the intermediates that the server left out; None without any.

        Browsers fetch them from the address in the certificate; the guard applies.
        """
        unverified = await self._look_at(visit, url)
        if unverified is None or unverified.certificate is None:
            return None
        found = await find_intermediates(
            unverified.certificate, lambda address: self._fetch(visit, address)
        )
        if not found:
            return None
        return await asyncio.to_thread(self._client.tls.with_intermediates, found)

    async def _fetch(self, visit: _Visit, address: str) -> bytes | None:
        try:
            return await self._client.get_file(
                httpx.URL(address),
                HEADERS,
                deadline=visit.deadline,
                max_bytes=MAX_CERTIFICATE_BYTES,
            )
        except (httpx.InvalidURL, PrivateAddressError, OSError, TimeoutError, ValueError):
            return None

    async def _look_at_dates(self, visit: _Visit, url: httpx.URL) -> None:
        """Keep the dates of a refused certificate, and its server's time.

        They accuse nobody; they tell whether the hub's clock may be wrong.
        """
        unverified = await self._look_at(visit, url)
        if unverified is not None and unverified.certificate is not None:
            visit.certificate_validity = validity(unverified.certificate)
            visit.clock_offset = _clock_offset(unverified, datetime.now(UTC))

    async def _look_at(self, visit: _Visit, url: httpx.URL) -> PageResponse | None:
        """Return the response of a server whose certificate was refused; None if there is none."""
        context = self._client.tls.unverified
        try:
            return await self._client.get(url, HEADERS, deadline=visit.deadline, context=context)
        except (OSError, TimeoutError):
            return None


def join(base: httpx.URL, reference: str) -> str:
    """Return the address that a redirect leads to, read as browsers do (URL Standard).

    Blanks around and line breaks within do not count, and backslashes are slashes. Raises
    `httpx.InvalidURL`.
    """
    text = CONTROL_CHARACTERS.sub("", reference.strip())
    path, question, query = text.partition("?")
    joined = base.join(path.replace("\\", "/") + question + query)
    return str(joined.copy_with(fragment=None))


def _to_result(url: str, response: PageResponse) -> ProbeResult:
    return ProbeResult(
        url,
        url,
        status=response.head.status,
        headers=response.head.headers,
        body=_decode(response.body or b""),
        is_readable=response.body is not None,
        is_whole=response.is_whole,
    )


def _decode(body: bytes) -> str:
    """Return the text of a page; signatures and names need no exact decoding."""
    is_utf16 = body[:2] in {b"\xff\xfe", b"\xfe\xff"}
    return body.decode("utf-16" if is_utf16 else "utf-8-sig", "replace")


def _next_reference(result: ProbeResult) -> str | None:
    """Return where a response leads on; None if it is the last."""
    location = result.headers.get("location")
    if result.status in {301, 302, 303, 307, 308} and location:
        return location
    if result.status != 200 or not result.is_readable:
        return None
    return refresh_address(result.headers.get("refresh", "")) or read_page(result.body).next_address


def _clock_offset(response: PageResponse, now: datetime) -> timedelta | None:
    """Return how far the server's clock is ahead of the hub's, by its `Date`; None without one."""
    try:
        date = parsedate_to_datetime(response.head.headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
