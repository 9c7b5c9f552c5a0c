"""Recognises writes that a browser sends from a page of another site.

Such a page could make its visitors answer a survey, file a complaint, or act in the session of an
agency. The one check of all forms, before any route: `Proxy.handle`.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

OWN_SITES = frozenset({"same-origin", "none"})
"""Values of `Sec-Fetch-Site` for the hub's own pages, and for what a person starts."""
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def is_cross_site(scope: Scope, own_hosts: Collection[str]) -> bool:
    """Return whether a browser says that this request comes from a page of another site.

    `Sec-Fetch-Site` decides where it is present (over HTTPS), else `Origin`, which must name the
    request's host or one of `own_hosts`. Programs send neither, and so do old browsers, whose
    forms are judged by their form token. A key is in no form: requests with a key are not checked.
    """
    headers = Headers(scope=scope)
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site.strip().lower() not in OWN_SITES
    origin = headers.get("origin")
    if origin is None:
        return False
    hosts = {headers.get("host", "").lower(), *own_hosts}
    scheme, host = _parse_origin(origin)
    return not host or host not in {host.removesuffix(DEFAULT_PORTS[scheme]) for host in hosts}


def host_of_url(url: str) -> str:
    """Return host and port of a URL, as an `Origin` names them."""
    return urlsplit(url).netloc.lower()


def _parse_origin(origin: str) -> tuple[str, str]:
    """Return the scheme and the host of an origin; no host for `null` and for what is none."""
    try:
        parts = urlsplit(origin.strip().lower())
    except ValueError:
        return "http", ""
    if parts.scheme not in DEFAULT_PORTS:
        return "http", ""
    return parts.scheme, parts.netloc.removesuffix(DEFAULT_PORTS[parts.scheme])
