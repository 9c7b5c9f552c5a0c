"""TLS of outgoing connections."""

import ssl
from functools import cache


@cache
def default_ssl_context() -> ssl.SSLContext:
    """Return the context with this machine's trusted roots, cached.

    Loading them takes 25 to 100 ms, in which the event loop would stand still: pass it as `verify`
    to every client, which otherwise loads them anew.
    """
    return ssl.create_default_context()


def ssl_context_for(url: str) -> ssl.SSLContext:
    """Return the context of a client with this base URL.

    Without TLS it needs no roots, which take 2 MiB; such a context trusts nobody.
    """
    if url.startswith("http://"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return default_ssl_context()
