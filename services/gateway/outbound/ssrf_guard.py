"""Guard against server-side request forgery: outbound requests reach public addresses only.

A host is resolved once and the connection goes to the checked address, so that a name that resolves
differently the second time (DNS rebinding) has no effect.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host for a port; raises `OSError` if there are none."""

IPV4_EMBEDDING_NETWORKS = (
    ipaddress.ip_network("64:ff9b::/96"),
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("2002::/16"),
    ipaddress.ip_network("2001::/32"),
)
"""NAT64, 6to4 and Teredo: such an address can reach the private IPv4 address that it embeds."""


class PrivateAddressError(Exception):
    """The host resolves to a private network."""


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """Resolve a host with the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def is_public(address: Address) -> bool:
    """Return whether an address belongs to the public Internet only."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in IPV4_EMBEDDING_NETWORKS):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class SsrfGuard:
    """Resolver of hosts to public addresses; `allowed_hosts` may also be private."""

    def __init__(
        self, *, allowed_hosts: Collection[str] = (), resolve: Resolver = system_resolver
    ) -> None:
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._resolve = resolve

    async def resolve(self, url: httpx.URL) -> list[str]:
        """Return the addresses of the URL's host to which the hub may connect.

        Raises `PrivateAddressError` if all of them are private, if the scheme is not HTTP or HTTPS,
        or if the URL contains credentials; `OSError` if the host does not resolve.
        """
        host = url.raw_host.decode("ascii").strip("[]").lower()
        if url.scheme not in {"http", "https"} or not host or url.userinfo:
            scheme = url.scheme or "no scheme"
            raise PrivateAddressError(f"{scheme}: only http and https URLs without credentials")
        port = url.port or (443 if url.scheme == "https" else 80)
        found = [host] if _is_address(host) else await self._resolve(host, port)
        if host in self._allowed_hosts:
            return list(found)
        public = [address for address in found if is_public(ipaddress.ip_address(address))]
        if found and not public:
            raise PrivateAddressError(f"{host} resolves to a private network")
        return public


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
