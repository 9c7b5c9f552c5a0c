"""Addresses and networks as settings and headers write them."""

import re
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv6Address,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address

MAX_CACHED_ADDRESSES = 4_096


class Networks:
    """A list of addresses and networks."""

    def __init__(self, text: str) -> None:
        """Parse addresses or networks, separated by blanks or commas.

        Raise ValueError, which names the part, if one is neither.
        """
        self._networks = [
            ip_network(part, strict=False) for part in re.split(r"[\s,]+", text) if part
        ]
        # Called several times for each request.
        self.contains = lru_cache(MAX_CACHED_ADDRESSES)(self._contains)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def _contains(self, text: str) -> bool:
        """Return whether an address, as text, is one of these or within one of the networks."""
        address = parse_address(text)
        return address is not None and any(address in network for network in self._networks)


def parse_address(text: str) -> Address | None:
    """Parse an address with or without brackets and port; IPv4-mapped IPv6 becomes IPv4."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
