"""The client's address behind trusted proxies, and its rate limit bucket."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address, IPv6Network

from services.platform.networks import Networks, parse_address
from services.platform.settings import ForwardedHeader

RawHeaders = Iterable[tuple[bytes, bytes]]

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = rf"""(?:{_WORD}=(?:{_WORD}|"(?:[^"\\]|\\.)*"))?"""
FORWARDED_ELEMENT = re.compile(rf"{_PAIR}(?: ?+; ?+{_PAIR})*+")
"""What one proxy writes into `Forwarded` (RFC 7239, section 4)."""
FORWARDED_PAIR = re.compile(rf"""({_WORD})=(?:({_WORD})|"((?:[^"\\]|\\.)*)")""")


def is_forwarding_header(name: bytes) -> bool:
    """Return whether a request header (lower-case) reports what a proxy received."""
    return name in {b"forwarded", b"x-real-ip"} or name.startswith(b"x-forwarded-")


class TrustedProxies:
    """Proxies whose reports of the client are trusted, and the header that carries them.

    Only that header is read. A proxy passes on the others as the client sent them.
    """

    def __init__(
        self, networks: str, header: ForwardedHeader = ForwardedHeader.x_forwarded_for
    ) -> None:
        """Parse addresses or networks, separated by blanks or commas."""
        self._header = header
        self._is_trusted = Networks(networks).contains

    def client(self, peer: str, headers: RawHeaders) -> str:
        """Return the address of the client: the peer, or the one that trusted proxies report.

        Each proxy appends its peer. Read from the end, the first address that is not a trusted
        proxy is the client; anything before was written by the client itself.
        """
        if not self._is_trusted(peer):
            return peer
        client = peer
        for forwarded in self._addresses_from_end(headers):
            address = parse_address(forwarded)
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
        if self._header is ForwardedHeader.forwarded:
            elements = _values_from_end(headers, b"forwarded")
            scheme = _forwarded_pairs(next(elements, "")).get("proto", "")
        else:
            scheme = next(_values_from_end(headers, b"x-forwarded-proto"), "")
        scheme = scheme.lower()
        return scheme if scheme in {"http", "https"} else None

    def _addresses_from_end(self, headers: RawHeaders) -> Iterator[str]:
        """Yield the reported addresses, the nearest first; empty where one is missing."""
        values = _values_from_end(headers, self._header.value.encode())
        if self._header is ForwardedHeader.forwarded:
            return (_forwarded_pairs(value).get("for", "") for value in values)
        return values


def _values_from_end(headers: RawHeaders, name: bytes) -> Iterator[str]:
    """Yield the values of a header that is a list, the last one first."""
    fields = [value.decode("latin-1") for field, value in headers if field == name]
    if not fields:
        return iter(())
    return (value.strip() for field in reversed(fields) for value in reversed(field.split(",")))


def _forwarded_pairs(element: str) -> dict[str, str]:
    """Return the pairs of an element of `Forwarded`; none if it is malformed.

    An element with a comma in quotes has been split there and is malformed, so that the quoted
    text, which can be the client's `Host`, is never read as an element.
    """
    if not FORWARDED_ELEMENT.fullmatch(element):
        return {}
    return {
        name.lower(): plain or quoted for name, plain, quoted in FORWARDED_PAIR.findall(element)
    }


def address_bucket(client: str, *, key: bytes) -> str:
    """Return the bucket of an address: a keyed hash, so that no table stores addresses.

    IPv6 addresses are truncated to 64 bits: a single subscriber has the whole /64.
    """
    address = parse_address(client)
    if isinstance(address, IPv6Address):
        network = str(IPv6Network((address, 64), strict=False).network_address)
    else:
        network = client if address is None else str(address)
    return hmac.new(key, network.encode(), hashlib.sha256).hexdigest()[:32]
