"""Who is at the other end: the address that the limits count, behind proxies that are trusted."""

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

REMEMBERED = 4_096

FORWARDED_FOR = re.compile(
    r"""(?:^|[;,\s])for=(?:"(?P<quoted>[^"]*)"|(?P<plain>[^;,\s]+))""", re.IGNORECASE
)


class Proxies:
    """The proxies whose word about the client is taken."""

    def __init__(self, networks: str) -> None:
        """`networks` are addresses or networks, with blanks or commas between them."""
        trusted = [ip_network(part, strict=False) for part in re.split(r"[\s,]+", networks) if part]
        # Asked several times for each request.
        self._trusts = lru_cache(REMEMBERED)(partial(_is_within, networks=trusted))

    def client(self, peer: str, headers: RawHeaders) -> str:
        """The address of the client: the peer, or whom trusted proxies name.

        Each proxy appends whom it saw. Read from the end, the first one that is no trusted proxy
        is the client; what stands before was written by the client itself.
        """
        if not self._trusts(peer):
            return peer
        client = peer
        for named in reversed(_named(headers)):
            address = _parse(named)
            if address is None:
                return client
            client = str(address)
            if not self._trusts(client):
                return client
        return client

    def scheme(self, peer: str, headers: RawHeaders) -> str | None:
        """How the client came to the nearest proxy, where that is trusted and says so."""
        if not self._trusts(peer):
            return None
        for name, value in headers:
            if name == b"x-forwarded-proto":
                told = value.decode("latin-1").strip().lower()
                return told if told in {"http", "https"} else None
        return None


def _is_within(text: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    address = _parse(text)
    return address is not None and any(address in network for network in networks)


def _named(headers: RawHeaders) -> Sequence[str]:
    """Whom `Forwarded` (RFC 7239) names, or `X-Forwarded-For` where there is none."""
    forwarded: list[str] = []
    older: list[str] = []
    for name, value in headers:
        if name == b"forwarded":
            forwarded.append(value.decode("latin-1"))
        elif name == b"x-forwarded-for":
            older.append(value.decode("latin-1"))
    if forwarded:
        found = FORWARDED_FOR.finditer(", ".join(forwarded))
        return [match["quoted"] or match["plain"] or "" for match in found]
    return [part.strip() for part in ",".join(older).split(",")] if older else []


def _parse(text: str) -> Address | None:
    """An address with or without brackets and port; IPv4 inside IPv6 is IPv4."""
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


def bucket_of(client: str, *, key: bytes) -> str:
    """The bucket of an address: a keyed hash, so that no table tells who called.

    Of IPv6 the first 64 bits count, for a single line has all of what follows.
    """
    address = _parse(client)
    if isinstance(address, IPv6Address):
        told = str(IPv6Network((address, 64), strict=False).network_address)
    else:
        told = client if address is None else str(address)
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest()[:32]
