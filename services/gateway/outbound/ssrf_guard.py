"""Guard against server-side request forgery: outbound requests reach public addresses only.

A host is resolved once and the connection goes to the checked address, so that a name that resolves
differently the second time (DNS rebinding) has no effect.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Literal

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host for a port; raises `OSError` if there are none."""

DEFAULT_PORT_OF_SCHEME = {"http": 80, "https": 443}
DEFAULT_PORTS = frozenset(DEFAULT_PORT_OF_SCHEME.values())
MAX_PORT = 65_535

GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""The only IPv6 addresses that are assigned to the public Internet."""

SPECIAL_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # a cloud provider's service for its machines, at a public address
        "2001::/23",  # protocol assignments, among them Teredo, which embeds an IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: embeds an IPv4 address
        "3fff::/20",  # documentation
    )
)
"""Networks that `ipaddress` counts as global, in some versions of Python or in all."""


class PrivateAddressError(Exception):
    """The hub may not connect to this address: its host is in a private network."""

    failure: Literal["private_address", "blocked_port"] = "private_address"


class BlockedPortError(PrivateAddressError):
    """The hub may not connect to this port of another host."""

    failure = "blocked_port"


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """Resolve a host with the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def is_public(address: Address) -> bool:
    """Return whether an address belongs to the public Internet only.

    NAT64 (64:ff9b::/96, 64:ff9b:1::/48), site-local and other IPv6 networks outside global unicast
    are not public: some reach the private IPv4 address that they embed.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address not in GLOBAL_UNICAST:
            return False
    if any(address in network for network in SPECIAL_NETWORKS):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class SsrfGuard:
    """Resolver of hosts to public addresses, at `allowed_ports`.

    `allowed_hosts` may be private, at any port or, written `host:port`, at that one.
    """

    def __init__(
        self,
        *,
        allowed_hosts: Collection[str] = (),
        allowed_ports: Collection[int] = DEFAULT_PORTS,
        resolve: Resolver = system_resolver,
    ) -> None:
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._allowed_ports = frozenset(allowed_ports)
        self._resolve = resolve

    def check(self, url: httpx.URL) -> None:
        """Check what can be checked of a URL without resolving its host.

        Raises `PrivateAddressError`, `BlockedPortError` and `InvalidURL` as `resolve` does.
        """
        host, _, is_allowed = self._destination(url)
        if not is_allowed and _is_address(host) and not is_public(ipaddress.ip_address(host)):
            raise PrivateAddressError(f"{host} is in a private network")

    async def resolve(self, url: httpx.URL) -> list[str]:
        """Return the addresses of the URL's host to which the hub may connect.

        Raises `PrivateAddressError` if all of them are private, if the scheme is not HTTP or HTTPS,
        or if the URL contains credentials; `BlockedPortError`; `InvalidURL`; `OSError` if the host
        does not resolve.
        """
        host, port, is_allowed = self._destination(url)
        found = [host] if _is_address(host) else await self._resolve(host, port)
        if is_allowed:
            return list(found)
        public = [address for address in found if is_public(ipaddress.ip_address(address))]
        if found and not public:
            raise PrivateAddressError(f"{host} resolves to a private network")
        return public

    def _destination(self, url: httpx.URL) -> tuple[str, int, bool]:
        """Return a URL's host and port, and whether this host may be private."""
        host = url.raw_host.decode("ascii").strip("[]").lower()
        if url.scheme not in DEFAULT_PORT_OF_SCHEME or not host or url.userinfo:
            scheme = url.scheme or "no scheme"
            raise PrivateAddressError(f"{scheme}: only http and https URLs without credentials")
        port = url.port if url.port is not None else DEFAULT_PORT_OF_SCHEME[url.scheme]
        if port > MAX_PORT:
            raise httpx.InvalidURL(f"{port} is no port")
        named = f"[{host}]" if ":" in host else host
        is_allowed = not self._allowed_hosts.isdisjoint({host, f"{named}:{port}"})
        if not is_allowed and port not in self._allowed_ports:
            ports = ", ".join(str(allowed) for allowed in sorted(self._allowed_ports))
            raise BlockedPortError(f"port {port}: the hub connects to ports {ports} only")
        return host, port, is_allowed


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def pin_address(request: httpx.Request, address: str) -> httpx.Request:
    """Return the request with its connection pinned to `address`; `Host` and SNI keep the name."""
    url = request.url
    headers = request.headers.copy()
    headers["Host"] = url.netloc.decode("ascii")
    return httpx.Request(
        request.method,
        url.copy_with(host=address),
        headers=headers,
        content=request.content,
        extensions={**request.extensions, "sni_hostname": url.raw_host.decode("ascii")},
    )
