"""Keeps the hub's own requests to addresses of others off private networks.

A host is resolved once and the connection goes to the address that was checked, so that a name
that answers differently the second time (DNS rebinding) gains nothing.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host for a port; `OSError` where there are none."""

# Translations of IPv4 into IPv6 reach whatever IPv4 address they carry.
CARRYING_IPV4 = (
    ipaddress.ip_network("64:ff9b::/96"),
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("2002::/16"),
    ipaddress.ip_network("2001::/32"),
)


class PrivateAddressError(Exception):
    """A host that leads into a private network."""


async def resolve_with_system(host: str, port: int) -> Sequence[str]:
    """What the system's resolver knows of a host."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def is_public(address: Address) -> bool:
    """Whether an address is reached through the public Internet alone."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in CARRYING_IPV4):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class Guard:
    """Finds the addresses to which the hub may connect for a host."""

    def __init__(
        self, *, private_hosts: Collection[str] = (), resolve: Resolve = resolve_with_system
    ) -> None:
        self._private_hosts = frozenset(host.lower() for host in private_hosts)
        self._resolve = resolve

    async def addresses_of(self, url: httpx.URL) -> list[str]:
        """The checked addresses of the URL's host; `PrivateAddressError`, `OSError` for none."""
        host = url.raw_host.decode("ascii").strip("[]").lower()
        if url.scheme not in {"http", "https"} or not host or url.userinfo:
            raise PrivateAddressError(f"{url.scheme or 'no scheme'}: only http and https are asked")
        port = url.port or (443 if url.scheme == "https" else 80)
        found = [host] if _is_address(host) else await self._resolve(host, port)
        if host in self._private_hosts:
            return list(found)
        allowed = [address for address in found if is_public(ipaddress.ip_address(address))]
        if found and not allowed:
            raise PrivateAddressError(f"{host} leads into a private network")
        return allowed


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def to_address(request: httpx.Request, address: str) -> httpx.Request:
    """The request, connecting to this address, with its own host in `Host` and in TLS."""
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
