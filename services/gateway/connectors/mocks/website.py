"""Mock server of a regency's website and of a source of statistics; fails in a given way.

`/` is a home page that links to its feed, `/feed/` an RSS feed, `/atom` an Atom feed,
`/wp-json/wp/v2/posts` the same posts as WordPress JSON, `/statistics` monthly figures as
JSON. `PUT /mock` with `{"mode": ..., "times": n}` sets how the next n requests are answered (all,
if `times` is left out); `figures` and `posts` replace the content. `GET /mock` returns the received
requests.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from services.gateway.connectors.mocks.oss import IncompleteResponse, MockState

SECRET = "Bearer mock"  # noqa: S105 - of a mock server

MODES = (
    "ok",
    "status-404",
    "status-500",
    "status-503",
    "slow",
    "slow-body",
    "truncated",
    "huge",
    "not-xml",
    "html",
    "doctype",
    "bad-charset",
    "redirect-loop",
    "redirect-private",
    "redirect",
    "empty",
)

POSTS: tuple[dict[str, str], ...] = (
    {
        "id": "101",
        "title": "Pelayanan KTP-el keliling di Kecamatan Porsea",
        "date": "2026-02-03T09:00:00+07:00",
        "html": "<p>Perekaman <strong>KTP-el</strong> dan akta kelahiran di kantor camat.</p>",
    },
    {
        "id": "102",
        "title": "Jadwal pemeliharaan jaringan",
        "date": "2026-02-01T08:00:00+07:00",
        "html": "<p>Layanan daring berhenti pukul 22.00.</p><script>alert(1)</script>"
        '<p onclick="alert(2)"><a href="javascript:alert(3)">Selengkapnya</a>'
        '<img src="https://pelacak.example/p.gif" onerror="alert(4)"></p>',
    },
)

FIGURES: tuple[dict[str, Any], ...] = (
    {"jenis": "NIB", "tahun": 2026, "bulan": 1, "masuk": 12, "terbit": "10"},
    {"jenis": "NIB", "tahun": 2026, "bulan": 2, "masuk": 9, "terbit": None},
    {"jenis": "SIUP lama", "tahun": 2026, "bulan": 1, "masuk": 1, "terbit": 1},
)


class WebsiteMockState(MockState):
    """The mode and content of the mock website, and the requests it received."""

    def __init__(self) -> None:
        super().__init__()
        self.posts: Sequence[Mapping[str, str]] = POSTS
        self.figures: Sequence[Mapping[str, Any]] = FIGURES


def create_website_mock() -> Starlette:
    """Return the mock server's application."""
    state = WebsiteMockState()

    async def control(request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"mode": state.mode, "received": state.received})
        command = await request.json()
        if command.get("mode", "ok") not in MODES:
            return JSONResponse({"modes": list(MODES)}, status_code=422)
        state.mode, state.times = command.get("mode", "ok"), command.get("times")
        state.posts = command.get("posts", state.posts)
        state.figures = command.get("figures", state.figures)
        return JSONResponse({"mode": state.mode})

    async def answer(request: Request) -> Response:
        state.received.append({"path": request.url.path, "headers": dict(request.headers)})
        failure = await _failure(state.next_mode(), request)
        if failure is not None:
            return failure
        return _content(request, state)

    routes = [
        Route("/mock", control, methods=["GET", "PUT"]),
        Route("/{path:path}", answer, methods=["GET"]),
    ]
    return Starlette(routes=routes)


def _content(request: Request, state: WebsiteMockState) -> Response:
    base = str(request.base_url).rstrip("/")
    path = request.url.path
    if path == "/":
        head = '<link rel="alternate" type="application/rss+xml" href="/feed/">'
        return Response(f"<!doctype html><html><head>{head}</head></html>", media_type="text/html")
    if path == "/statistics" and request.headers.get("authorization") != SECRET:
        return Response("no", status_code=401)
    create_content = {
        "/feed/": lambda: (_rss(state.posts, base), "application/rss+xml; charset=utf-8"),
        "/atom": lambda: (_atom(state.posts, base), "application/atom+xml"),
        "/wp-json/wp/v2/posts": lambda: (_posts(state.posts, base), "application/json"),
        "/statistics": lambda: (json.dumps({"data": list(state.figures)}), "application/json"),
    }.get(path)
    if create_content is None:
        return Response("no such page", status_code=404)
    content, kind = create_content()
    tag = f'"{hashlib.sha256(content.encode()).hexdigest()[:16]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(content, media_type=kind, headers={"ETag": tag})


async def _failure(mode: str, request: Request) -> Response | None:
    """Return the failure of a mode; None if the mode answers normally."""
    kind, _, rest = mode.partition("-")
    if kind == "status":
        return Response("busy", status_code=int(rest))
    if mode == "redirect" and request.url.path != "/feed/":
        return RedirectResponse("/feed/", status_code=301)
    if mode == "slow":
        await asyncio.sleep(30)
    xml = "application/rss+xml"
    failures: dict[str, Response] = {
        "slow-body": IncompleteResponse(slowly=True),
        "truncated": IncompleteResponse(slowly=False),
        "huge": Response(b"<rss><channel>" + b"<!-- -->" * 400_000, media_type=xml),
        "not-xml": Response("<rss><channel><item>", media_type=xml),
        "html": Response("<!doctype html><html><h1>Situs dialihkan</h1>", media_type="text/html"),
        "doctype": Response(
            '<!DOCTYPE rss [<!ENTITY a "x"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/hosts">'
            "]><rss><channel><item><title>&b;&c;</title></item></channel></rss>",
            media_type=xml,
        ),
        "bad-charset": Response(
            '<?xml version="1.0" encoding="utf-8"?><rss><channel><item><guid>c1</guid>'
            "<title>Caf\u00e9 \u201cToba\u201d</title></item></channel></rss>".encode("cp1252"),
            media_type=xml,
        ),
        "redirect-loop": RedirectResponse(str(request.url)),
        "redirect-private": RedirectResponse("http://169.254.169.254/latest"),
        "empty": Response("", media_type=xml),
    }
    return failures.get(mode)


def _rss(posts: Sequence[Mapping[str, str]], base: str) -> str:
    items = "".join(
        f"<item><title>{escape(post['title'])}</title><link>{base}/?p={post['id']}</link>"
        f'<guid isPermaLink="false">{base}/?p={post["id"]}</guid>'
        f"<pubDate>{format_datetime(datetime.fromisoformat(post['date']))}</pubDate>"
        f"<description>ringkas</description>"
        f"<content:encoded><![CDATA[{post['html']}]]></content:encoded></item>"
        for post in posts
    )
    namespace = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" {namespace}><channel>'
        f"<title>Situs</title><link>{base}</link>{items}</channel></rss>"
    )


def _atom(posts: Sequence[Mapping[str, str]], base: str) -> str:
    entries = "".join(
        f"<entry><id>{base}/?p={post['id']}</id><title>{escape(post['title'])}</title>"
        f'<link href="{base}/?p={post["id"]}"/><published>{post["date"]}</published>'
        f'<content type="html">{escape(post["html"])}</content></entry>'
        for post in posts
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Situs</title>{entries}</feed>'


def _posts(posts: Sequence[Mapping[str, str]], base: str) -> str:
    return json.dumps(
        [
            {
                "id": int(post["id"]),
                "date": post["date"],
                "guid": {"rendered": f"{base}/?p={post['id']}"},
                "link": f"{base}/?p={post['id']}",
                "title": {"rendered": escape(post["title"])},
                "content": {"rendered": post["html"]},
            }
            for post in posts
        ]
    )
