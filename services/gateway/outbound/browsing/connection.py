"""Connections to the first of several checked addresses that accepts one (RFC 8305)."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Sequence

import aiohappyeyeballs

from services.gateway.outbound.failures import is_closed

ATTEMPT_DELAY = 0.25
"""Seconds until the next address is tried beside those before (RFC 8305, 5)."""


class Connection:
    """A connection to one address, with TLS if a context was given."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.tls: ssl.SSLObject | None = writer.get_extra_info("ssl_object")

    async def send(self, data: bytes) -> None:
        """Send bytes; a peer that closed already may have answered all the same."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            return

    async def receive(self) -> bytes:
        """Return received bytes; none at the end, however the other side ended it."""
        try:
            return await self._reader.read(65_536)
        except (ConnectionError, ssl.SSLError):
            return b""

    def close(self) -> None:
        """Close the connection at once."""
        self._writer.transport.abort()


async def connect(
    addresses: Sequence[str], port: int, *, context: ssl.SSLContext | None, server_name: str
) -> Connection:
    """Connect to the first address that accepts; one that hangs up during TLS is passed over.

    Raises:
        ConnectionRefusedError: No address accepts.
        ConnectionError: Each hangs up during TLS.
        ssl.SSLError: TLS fails; its certificate, if it is judged so.
    """
    remaining = [*addresses]
    while True:
        connected = await _race(remaining, port)
        address = str(connected.getpeername()[0])
        try:
            reader, writer = await asyncio.open_connection(
                sock=connected,
                ssl=context,
                server_hostname=None if context is None else server_name,
            )
        except (ConnectionError, ssl.SSLError) as error:
            connected.close()
            remaining = [other for other in remaining if not _are_same(other, address)]
            if not remaining or not is_closed(error):
                raise
        except BaseException:
            connected.close()
            raise
        else:
            return Connection(reader, writer)


async def _race(addresses: Sequence[str], port: int) -> socket.socket:
    try:
        return await aiohappyeyeballs.start_connection(
            [_address_info(address, port) for address in addresses],
            happy_eyeballs_delay=ATTEMPT_DELAY,
            interleave=1,
        )
    except OSError as error:
        raise ConnectionRefusedError(f"no address accepts a connection: {error}") from error


def _address_info(
    address: str, port: int
) -> tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]:
    """Return an address as `getaddrinfo` does."""
    if ipaddress.ip_address(address).version == 6:
        return (
            socket.AF_INET6,
            socket.SOCK_STREAM,
            socket.IPPROTO_TCP,
            "",
            (address, port, 0, 0),
        )
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))


def _are_same(one: str, other: str) -> bool:
    return ipaddress.ip_address(one) == ipaddress.ip_address(other)
