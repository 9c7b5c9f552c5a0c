"""The client's address behind trusted proxies, and its rate limit bucket."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
RawHeaders = Iterable[tuple[bytes, bytes]]

MAX_CACHED_ADDRESSES = 4_096

FORWARDED_FOR = re.compile(
    r"""(?:^|[;,\s])for=(?:"(?P<quoted>[^"]*)"|(?P<plain>[^;,\s]+))""", re.IGNORECASE
)


class TrustedProxies:
    """Proxies whose forwarding headers are trusted."""

    def __init__(self, networks: str) -> None:
        """Parse addresses or networks, separated by blanks or commas."""
        trusted = [ip_network(part, strict=False) for part in re.split(r"[\s,]+", networks) if part]
        # Called several times for each request.
        self._is_trusted = lru_cache(MAX_CACHED_ADDRESSES)(partial(_is_within, networks=trusted))

    def client(self, peer: str, headers: RawHeaders) -> str:
        """Return the address of the client: the peer, or the one that trusted proxies report.

        Each proxy appends its peer. Read from the end, the first address that is not a trusted
        proxy is the client; anything before was written by the client itself.
        """
        if not self._is_trusted(peer):
            return peer
        client = peer
        for forwarded in reversed(_forwarded_addresses(headers)):
            address = _parse(forwarded)
            if address is None:
                return client
            client = str(address)
            if not self._is_trusted(client):
                return client
        return client

    def scheme(self, peer: str, headers: RawHeaders) -> str | None:
        """Return the scheme reported by the nearest proxy if it is trusted, else None."""
        if not self._is_trusted(peer):
            return None
        for name, value in headers:
            if name == b"x-forwarded-proto":
                scheme = value.decode("latin-1").strip().lower()
                return scheme if scheme in {"http", "https"} else None
        return None


def _is_within(text: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    address = _parse(text)
    return address is not None and any(address in network for network in networks)


def _forwarded_addresses(headers: RawHeaders) -> Sequence[str]:
    """Return the addresses in `Forwarded` (RFC 7239), or else in `X-Forwarded-For`."""
    forwarded: list[str] = []
    legacy: list[str] = []
    for name, value in headers:
        if name == b"forwarded":
            forwarded.append(value.decode("latin-1"))
        elif name == b"x-forwarded-for":
            legacy.append(value.decode("latin-1"))
    if forwarded:
        matches = FORWARDED_FOR.finditer(", ".join(forwarded))
        return [match["quoted"] or match["plain"] or "" for match in matches]
    return [part.strip() for part in ",".join(legacy).split(",")] if legacy else []


def _parse(text: str) -> Address | None:
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


def address_bucket(client: str, *, key: bytes) -> str:
    """Return the bucket of an address: a keyed hash, so that no table stores addresses.

    IPv6 addresses are truncated to 64 bits: a single subscriber has the whole /64.
    """
    address = _parse(client)
    if isinstance(address, IPv6Address):
        network = str(IPv6Network((address, 64), strict=False).network_address)
    else:
        network = client if address is None else str(address)
    return hmac.new(key, network.encode(), hashlib.sha256).hexdigest()[:32]
