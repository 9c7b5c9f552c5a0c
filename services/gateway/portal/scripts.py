"""Pages with scripts of their own, and the service workers that open them without a network."""

from fastapi.responses import HTMLResponse
from starlette.responses import Response

from services.gateway.portal.assets import STATIC
from services.gateway.portal.page import WITH_SCRIPTS

WORKER_POLICY = "default-src 'none'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"


def allow_scripts(response: HTMLResponse) -> HTMLResponse:
    """Allow a page scripts of this site; they may ask this site alone."""
    response.headers["Content-Security-Policy"] = WITH_SCRIPTS
    return response


def worker_response(name: str, *, scope: str | None = None) -> Response:
    """Return a service worker; it serves what is below its own path, or `scope`."""
    return script_response((STATIC / name).read_bytes(), scope=scope)


def script_response(script: bytes, *, scope: str | None = None) -> Response:
    """Return the script of a service worker, which browsers ask for anew at each visit."""
    return Response(
        script,
        media_type="text/javascript",
        headers={
            "Cache-Control": "no-cache",
            "Content-Security-Policy": WORKER_POLICY,
            **({} if scope is None else {"Service-Worker-Allowed": scope}),
        },
    )
