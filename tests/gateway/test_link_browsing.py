"""Links are visited as browsers visit them: cookies, redirects, addresses, framing, TLS, HTTP/2."""

import asyncio
import random
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes

from services.gateway.link_monitoring.classify import Classification, ProbeResult, classify
from services.gateway.link_monitoring.probe import Prober, ProbeTimeouts, join
from services.gateway.outbound.browsing.cookies import CookieJar
from services.gateway.outbound.browsing.http1 import ResponseError, ResponseReader
from services.gateway.outbound.browsing.http2 import Http2Reader
from services.gateway.outbound.browsing.page_client import http2_fields
from services.gateway.outbound.ssrf_guard import SsrfGuard
from tests.gateway.portals import (
    PAGE,
    Answer,
    Asked,
    Certificate,
    always,
    answer,
    certificate,
    http2_portal,
    portal,
)
from tests.servers import free_port, hanging_up

NOW = datetime.now(UTC)
HTTP2_REQUEST = http2_fields(httpx.URL("https://portal.example/"), {"Accept": "*/*"})
QUICK = ProbeTimeouts(connect=2, read=1, total=3)
LOOPBACK = {"127.0.0.1", "localhost"}


def probe(
    url: str, *, addresses: Sequence[str] = ("127.0.0.1",), roots: Certificate | None = None
) -> ProbeResult:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    host = httpx.URL(url).host
    guard = SsrfGuard(
        allowed_hosts=LOOPBACK | {host, "www.portal.example", "other.example"}, resolve=resolve
    )
    prober = Prober(guard, timeouts=QUICK, ssl_context=roots.trusted() if roots else None)
    return asyncio.run(prober.probe(url))


def classify_reply(reply: Answer, path: str = "/") -> Classification:
    with portal(reply) as running:
        return classify(probe(running.address + path), now=NOW)


def outcome(classification: Classification) -> tuple[str, str | None]:
    return classification.state, classification.reason


def redirect(to: str, *cookies: str) -> bytes:
    head = answer(302, b"", Location=to)[:-2]
    return head + b"".join(f"Set-Cookie: {cookie}\r\n".encode() for cookie in cookies) + b"\r\n"


def test_a_portal_that_sets_a_cookie_and_leads_to_itself_is_ok() -> None:
    def same_address(asked: Asked, connection: socket.socket) -> bytes:
        return answer() if "sid=1" in asked.headers.get("cookie", "") else redirect("/", "sid=1")

    def two_cookies(asked: Asked, connection: socket.socket) -> bytes:
        given = set(asked.headers.get("cookie", "").split("; "))
        return (
            answer()
            if given == {"a=1", 'b="x y"'}
            else redirect("/", "a=1; HttpOnly", 'b="x y"; Path=/; SameSite=Lax')
        )

    def below_a_path(asked: Asked, connection: socket.socket) -> bytes:
        if asked.target == "/":
            return redirect("/app/", "app=1; Path=/app", "other=1; Path=/lain")
        return answer() if asked.headers.get("cookie") == "app=1" else answer(400)

    def page_that_checks(asked: Asked, connection: socket.socket) -> bytes:
        if asked.target == "/":
            return redirect("/cek", "sid=1")
        return answer() if asked.headers.get("cookie") == "sid=1" else answer(400)

    for reply in (same_address, two_cookies, below_a_path, page_that_checks):
        assert outcome(classify_reply(reply)) == ("ok", None), reply.__name__


def test_a_firewall_that_lets_an_address_in_at_the_second_request_is_passed() -> None:
    seen: list[Asked] = []

    def reply(asked: Asked, connection: socket.socket) -> bytes:
        seen.append(asked)
        return redirect("/") if len(seen) < 3 else answer()

    assert outcome(classify_reply(reply)) == ("ok", None)


def test_a_circle_that_no_cookie_ends_is_one_after_few_requests() -> None:
    for reply in (
        always(302, b"", Location="/"),
        lambda asked, connection: redirect("/", "a=1"),
        lambda asked, connection: redirect("/b" if asked.target == "/" else "/"),
    ):
        with portal(reply) as running:
            assert outcome(classify(probe(running.address), now=NOW)) == (
                "broken",
                "redirect_loop",
            )
        assert len(running.asked) <= 8


def test_a_cookie_is_sent_to_no_other_host() -> None:
    with portal() as inner, portal() as outer:
        port = inner.address.rpartition(":")[2]
        outer.reply = lambda asked, connection: redirect(
            f"http://other.example:{port}/", "rahasia=1", "b=2; Domain=other.example"
        )
        probe(outer.address.replace("127.0.0.1", "portal.example"))
    [asked] = inner.asked
    assert "cookie" not in asked.headers


def test_cookies_are_kept_by_domain_path_and_end() -> None:
    url = httpx.URL("https://www.dinas.tobakab.go.id/a/b")

    def sent(field: str, to: str = str(url)) -> str:
        jar = CookieJar()
        jar.store(["ada=1", field], url, now=NOW)
        jar.store(["ada=1; Max-Age=0"], url, now=NOW)
        return jar.header(httpx.URL(to))

    assert sent("x=1") == "x=1"
    assert sent("x=1", "https://tobakab.go.id/a/b") == ""
    assert sent("x=1; Domain=.tobakab.go.id", "https://lain.tobakab.go.id/a/b") == "x=1"
    assert sent("x=1; Domain=tobakab.go.id", "https://xtobakab.go.id/a/b") == ""
    for public in ("go.id", "id", "lain.go.id", "www.lain.go.id"):
        assert sent(f"x=1; Domain={public}") == "", public
    assert sent("x=1; Path=/a", "https://www.dinas.tobakab.go.id/abc") == ""
    assert sent("x=1; Path=/a", "https://www.dinas.tobakab.go.id/a/c") == "x=1"
    assert sent("x=1; Secure", "http://www.dinas.tobakab.go.id/a/b") == ""
    assert sent("x=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT") == ""
    assert sent("x=1; Expires=bukan tanggal; Max-Age=60") == "x=1"
    assert sent("x=1\x00y") == ""
    address = httpx.URL("http://127.0.0.1/")
    jar = CookieJar()
    jar.store(["a=1; Domain=0.0.1", "b=1; Domain=127.0.0.1"], address, now=NOW)
    assert jar.header(address) == "b=1"
    jar.store([f"c{number}=1" for number in range(1000)], address, now=NOW)
    assert len(jar.header(address)) < 1000


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/a b", "https://portal.example/a%20b"),
        (" \t/beranda\r\n", "https://portal.example/beranda"),
        ("\\beranda\\index", "https://portal.example/beranda/index"),
        ("https:\\\\lain.example\\", "https://lain.example/"),
        ("//lain.example/é#x", "https://lain.example/%C3%A9"),
        ("?a=\\b", "https://portal.example/mulai?a=\\b"),
        ("/ber\nanda", "https://portal.example/beranda"),
    ],
)
def test_an_address_to_which_a_redirect_leads_is_read_as_browsers_do(
    location: str, expected: str
) -> None:
    assert join(httpx.URL("https://portal.example/mulai"), location) == expected


def test_twenty_redirects_are_followed_and_no_more() -> None:
    def after(count: int) -> Answer:
        def reply(asked: Asked, connection: socket.socket) -> bytes:
            number = int(asked.target.strip("/") or 0)
            return answer() if number >= count else redirect(f"/{number + 1}")

        return reply

    assert outcome(classify_reply(after(10))) == ("ok", None)
    assert outcome(classify_reply(after(20))) == ("ok", None)
    assert outcome(classify_reply(after(21))) == ("broken", "redirect_loop")


@pytest.mark.parametrize(
    "page",
    [
        '<meta http-equiv="refresh" content="0; url=/beranda">',
        "<META HTTP-EQUIV=Refresh CONTENT='1;URL=beranda'>Mengalihkan ...",
        "<script>window.location.href = '/beranda';</script>",
        '<script>setTimeout(function(){ location.replace("/beranda") }, 500)</script>Tunggu',
        "<body onload=\"document.location='/beranda'\">",
    ],
)
def test_a_page_that_only_leads_on_is_followed(page: str) -> None:
    def reply(asked: Asked, connection: socket.socket) -> bytes:
        return answer(200, page.encode()) if asked.target == "/" else answer(503)

    assert outcome(classify_reply(reply)) == ("broken", "server_error")


@pytest.mark.parametrize(
    "page",
    [
        '<meta http-equiv="refresh" content="300; url=/beranda">Beranda',
        '<meta http-equiv="refresh" content="5">Antrean hari ini',
        "<script>if (screen.width < 600) location.href = '/m';</script>Beranda",
        '<meta http-equiv="refresh" content="0; url=/x">' + "Teks halaman. " * 100,
        "<script>function out() { location = '/keluar'; } location.href='/a'</script>Beranda",
    ],
)
def test_a_page_that_leads_on_only_sometimes_is_the_page(page: str) -> None:
    with portal(always(200, page.encode())) as running:
        assert outcome(classify(probe(running.address), now=NOW)) == ("ok", None)
    assert len(running.asked) == 1


def test_the_header_refresh_is_followed_as_in_browsers() -> None:
    def reply(asked: Asked, connection: socket.socket) -> bytes:
        if asked.target == "/":
            return answer(200, b"", Refresh="0; url=/beranda")
        return answer()

    assert outcome(classify_reply(reply)) == ("ok", None)
    later = always(200, b"", Refresh="600; url=/beranda")
    assert outcome(classify_reply(later)) == ("broken", "empty_page")


def test_a_dead_address_costs_a_quarter_of_a_second() -> None:
    """The dead ones are a full queue, which takes no connection and refuses none."""
    with portal() as running, socket.socket() as dead:
        port = int(running.address.rpartition(":")[2])
        dead.bind(("127.0.0.9", port))
        dead.listen(0)
        filling = [socket.socket() for _ in range(4)]
        for one in filling:
            one.setblocking(False)
            one.connect_ex(("127.0.0.9", port))
        begun = time.monotonic()
        result = probe(
            f"http://portal.example:{port}/", addresses=["127.0.0.9", "127.0.0.8", "127.0.0.1"]
        )
        took = time.monotonic() - begun
        for one in filling:
            one.close()
    # One dead address after the other would take the time to connect twice.
    assert (result.status, took < ProbeTimeouts().connect) == (200, True)


def test_an_address_that_hangs_up_during_tls_is_passed_over(tmp_path: Path) -> None:
    shown = certificate(tmp_path)
    with portal(tls=shown.server()) as running, socket.socket() as cutting:
        port = int(running.address.rpartition(":")[2])
        cutting.bind(("127.0.0.9", port))
        cutting.listen()
        cutting.settimeout(5)

        async def visit() -> ProbeResult:
            def hang_up() -> None:
                cutting.accept()[0].close()

            cut = asyncio.create_task(asyncio.to_thread(hang_up))
            result = await asyncio.to_thread(
                probe,
                f"https://portal.example:{port}/",
                addresses=["127.0.0.9", "127.0.0.1"],
                roots=shown,
            )
            await cut
            return result

        assert asyncio.run(visit()).status == 200


def raw(head: str, body: bytes = b"") -> Answer:
    return lambda asked, connection: head.replace("\n", "\r\n").encode("latin-1") + body


WHOLE = "HTTP/1.1 200 OK\nContent-Type: text/html\n"
LENIENT = {
    "length too large": raw(WHOLE + "Content-Length: 9000\n\n", PAGE),
    "length too small": raw(WHOLE + "Content-Length: 40\n\n", PAGE),
    "length that is no number": raw(WHOLE + "Content-Length: banyak\n\n", PAGE),
    "the same length twice": raw(
        WHOLE + f"Content-Length: {len(PAGE)}\nContent-Length: {len(PAGE)}\n\n", PAGE
    ),
    "no length": raw(WHOLE + "\n", PAGE),
    "last chunk missing": raw(WHOLE + "Transfer-Encoding: chunked\n\n", b"37\r\n" + PAGE + b"\r\n"),
    "chunk cut off": raw(WHOLE + "Transfer-Encoding: chunked\n\n", b"fff\r\n" + PAGE),
    "chunk size with blanks": raw(
        WHOLE + "Transfer-Encoding: chunked\n\n", b" 37  \r\n" + PAGE + b"\r\n0\r\n\r\n"
    ),
    "junk after a chunk": raw(
        WHOLE + "Transfer-Encoding: chunked\n\n", b"37\r\n" + PAGE + b"\r\nzz\r\n"
    ),
    "blank in a field name": raw(WHOLE + "X Powered By: ASP\nContent-Length: 54\n\n", PAGE),
    "line without a colon": raw(WHOLE + "bukan header\n: kosong\n\n", PAGE),
    "folded field": raw(WHOLE + "X-Long: a\n b\n\tc\n\n", PAGE),
    "letters of another set": raw(WHOLE + "X-Nama: Pemerintah Kab\xe9\n\n", PAGE),
    "status without words": raw("HTTP/1.1 200\nContent-Type: text/html\n\n", PAGE),
    "old version": raw("HTTP/1.0 200 OK\n\n", PAGE),
    "line feeds alone": lambda asked, connection: WHOLE.encode() + b"\n" + PAGE,
    "blank lines first": raw("\n" + WHOLE + "\n", PAGE),
    "interim response": raw("HTTP/1.1 103 Early Hints\nLink: </a.css>\n\n" + WHOLE + "\n", PAGE),
    "unknown transfer coding": raw(WHOLE + "Transfer-Encoding: identity\n\n", PAGE),
}


@pytest.mark.parametrize("name", LENIENT)
def test_a_page_that_is_there_is_ok_however_it_was_framed(name: str) -> None:
    assert outcome(classify_reply(LENIENT[name])) == ("ok", None)


@pytest.mark.parametrize(
    "reply",
    [
        raw("SSH-2.0-OpenSSH_9.6\n"),
        raw("HTTP/1.1 200 OK\nContent-Type: text/html\n"),
        raw(WHOLE + "Content-Length: 5\nContent-Length: 6\n\n", b"hello!"),
        raw("<html>Bukan HTTP</html>"),
    ],
)
def test_what_no_browser_shows_is_broken(reply: Answer) -> None:
    assert classify_reply(reply).state == "broken"


@pytest.mark.slow
def test_of_a_page_that_stops_what_came_is_judged() -> None:
    """The connection stays open; browsers show the page meanwhile."""

    def stops(body: bytes) -> Answer:
        def reply(asked: Asked, connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body)
            connection.recv(1)

        return reply

    assert outcome(classify_reply(stops(b"<html>" + PAGE + b"</html>\n"))) == ("ok", None)
    assert outcome(classify_reply(stops(PAGE + b"x" * 600))) == ("ok", None)
    assert outcome(classify_reply(stops(b"<ht"))) == ("broken", "timeout")


def test_a_page_that_was_cut_before_anything_shows_is_a_caution() -> None:
    cut = raw(WHOLE + "Transfer-Encoding: chunked\n\n", b"5\r\n<html\r\n")
    assert outcome(classify_reply(cut)) == ("caution", "incomplete_page")


def test_a_response_is_read_in_any_pieces() -> None:
    whole = b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE.replace("\n", "\r\n").encode()
    whole += b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n3\r\n...\r\n0\r\n\r\n"
    for size in (1, 2, 3, 7, 1000):
        reader = ResponseReader(64)
        for start in range(0, len(whole), size):
            if not reader.is_done:
                reader.feed(whole[start : start + size])
        assert (bytes(reader.body), reader.is_whole) == (b"hello...", True), size


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"", b"\n"),
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n", b" folded\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n", b"\r"),
        (b"", b"HTTP/1.1 100 C\r\n\r\n"),
    ],
)
def test_a_hostile_head_is_refused_in_time(begin: bytes, piece: bytes) -> None:
    reader = ResponseReader(65_536)

    def feed_all() -> None:
        reader.feed(begin)
        for _ in range(40):
            reader.feed(piece * (10_000 // len(piece)))

    begun = time.process_time()
    with pytest.raises(ResponseError):
        feed_all()
    assert time.process_time() - begun < 1


def test_a_server_that_speaks_http2_alone_is_ok(tmp_path: Path) -> None:
    shown = certificate(tmp_path)
    with http2_portal(shown.server()) as address:
        result = probe(address.replace("127.0.0.1", "portal.example"), roots=shown)
    assert outcome(classify(result, now=NOW)) == ("ok", None)
    assert result.body.encode() == PAGE


def test_redirects_cookies_errors_and_ends_are_those_of_http2_too(tmp_path: Path) -> None:
    shown = certificate(tmp_path)

    def told(send: object) -> tuple[str, str | None]:
        with http2_portal(shown.server(), send) as address:  # pyright: ignore[reportArgumentType]
            url = address.replace("127.0.0.1", "portal.example")
            return outcome(classify(probe(url, roots=shown), now=NOW))

    seen: list[int] = []

    def leads_to_itself(connection: H2Connection, stream: int) -> None:
        seen.append(stream)
        if len(seen) > 2:
            connection.send_headers(stream, [(":status", "200"), ("X Powered By", "ASP")])
            connection.send_data(stream, PAGE, end_stream=True)
            return
        fields = [(":status", "302"), ("location", "/"), ("set-cookie", "a=1")]
        connection.send_headers(stream, fields, end_stream=True)

    def fails(connection: H2Connection, stream: int) -> None:
        connection.send_headers(stream, [(":status", "503")], end_stream=True)

    def resets(connection: H2Connection, stream: int) -> None:
        connection.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)

    def resets_after_the_page(connection: H2Connection, stream: int) -> None:
        connection.send_headers(stream, [(":status", "200"), ("content-type", "text/html")])
        connection.send_data(stream, PAGE)
        connection.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)

    def without_end(connection: H2Connection, stream: int) -> None:
        connection.send_headers(stream, [(":status", "200"), ("content-type", "text/html")])
        for _ in range(5):
            connection.send_data(stream, b"Halaman " * 2000)

    assert told(leads_to_itself) == ("ok", None)
    assert told(fails) == ("broken", "server_error")
    assert told(resets) == ("broken", "connection_reset")
    assert told(resets_after_the_page) == ("ok", None)
    assert told(without_end) == ("ok", None)


def test_whatever_comes_over_http2_is_a_response_or_refused() -> None:
    server = H2Connection(H2Configuration(client_side=False, validate_outbound_headers=False))
    server.initiate_connection()
    first = Http2Reader(HTTP2_REQUEST, max_body=1000)
    server.receive_data(first.to_send())
    fields = [(b":status", b"200"), (b"", b"x"), (b"Nama", b"Kab\xe9"), (b"a", b"b" * 500)]
    server.send_headers(1, fields)
    server.send_data(1, PAGE, end_stream=True)
    whole = server.data_to_send()
    first.feed(whole)
    assert (first.is_whole, bytes(first.body)) == (True, PAGE)
    chance = random.Random(1)
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        reader = Http2Reader(HTTP2_REQUEST, max_body=1000)
        with suppress(ResponseError):
            reader.feed(bytes(changed))
            reader.end()
        assert len(reader.body) <= 1000


def test_a_server_that_requires_http11_is_asked_again(tmp_path: Path) -> None:
    def requires(connection: H2Connection, stream: int) -> None:
        connection.reset_stream(stream, ErrorCodes.HTTP_1_1_REQUIRED)

    shown = certificate(tmp_path)
    with http2_portal(shown.server(), requires, has_http1=True) as address:
        result = probe(address.replace("127.0.0.1", "portal.example"), roots=shown)
    assert outcome(classify(result, now=NOW)) == ("ok", None)


def test_a_server_with_an_older_cipher_is_ok_as_in_browsers(tmp_path: Path) -> None:
    shown = certificate(tmp_path)
    context = shown.server()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA")
    with portal(tls=context) as running:
        result = probe(running.address.replace("127.0.0.1", "portal.example"), roots=shown)
    assert outcome(classify(result, now=NOW)) == ("ok", None)


class Chain:
    """A root, an authority below it, and a portal's certificate by that authority."""

    def __init__(self, folder: Path, *, issuer_at: str | None, authority_days: float = 90) -> None:
        self.root = certificate(folder / "root", name="Akar")
        self.authority = certificate(
            folder / "authority",
            name="Antara",
            by=self.root,
            is_authority=True,
            days=authority_days,
        )
        self.leaf = certificate(folder / "leaf", by=self.authority, issuer_at=issuer_at)


def judge_chain(
    chain: Chain, *sent: Certificate, roots: Certificate | None = None
) -> Classification:
    with portal(tls=chain.leaf.server(*sent)) as running:
        url = running.address.replace("127.0.0.1", "portal.example")
        return classify(probe(url, roots=roots or chain.root), now=NOW)


def test_a_chain_without_its_middle_is_a_caution_if_the_certificate_leads_to_it(
    tmp_path: Path,
) -> None:
    with portal() as authority:
        chain = Chain(tmp_path, issuer_at=f"{authority.address}/antara.crt")
        authority.reply = always(200, chain.authority.der, kind="application/pkix-cert")
        assert outcome(judge_chain(chain, chain.authority)) == ("ok", None)
        assert outcome(judge_chain(chain)) == ("caution", "tls_chain")
        # What leads to no trusted root is not trusted because it was fetched.
        stranger = certificate(tmp_path / "stranger", name="Lain")
        assert outcome(judge_chain(chain, roots=stranger)) == ("broken", "tls")
        # A stranger's certificate of the same name does not complete it.
        authority.reply = always(200, stranger.der, kind="application/pkix-cert")
        assert outcome(judge_chain(chain)) == ("broken", "tls")
        authority.reply = always(404)
        assert outcome(judge_chain(chain)) == ("broken", "tls")
        authority.reply = always(200, b"\x30" * 100_000, kind="application/pkix-cert")
        assert outcome(judge_chain(chain)) == ("broken", "tls")


@pytest.mark.parametrize(
    "issuer_at",
    [
        None,
        "http://10.0.0.1/antara.crt",
        "ldap://direktori.example/antara",
        "bukan alamat",
        "http://[",
    ],
)
def test_a_chain_that_leads_nowhere_is_broken(tmp_path: Path, issuer_at: str | None) -> None:
    assert outcome(judge_chain(Chain(tmp_path, issuer_at=issuer_at))) == ("broken", "tls")


def test_an_authority_nobody_trusts_or_one_that_expired_is_broken(tmp_path: Path) -> None:
    stranger = certificate(tmp_path / "stranger", name="Lain")
    chain = Chain(tmp_path, issuer_at=None)
    for sent in ([chain.authority], [chain.authority, chain.root]):
        assert outcome(judge_chain(chain, *sent, roots=stranger)) == ("broken", "tls")
    expired = Chain(tmp_path / "expired", issuer_at=None, authority_days=-1)
    assert outcome(judge_chain(expired, expired.authority)) == ("broken", "tls")


def test_the_certificate_of_every_host_on_the_way_is_judged(tmp_path: Path) -> None:
    expiring = certificate(tmp_path / "first", days=5)
    with portal() as last, portal(tls=expiring.server()) as first:
        first.reply = lambda asked, connection: redirect(last.address)
        url = first.address.replace("127.0.0.1", "portal.example")
        result = probe(url, roots=expiring)
    found = classify(result, now=NOW)
    assert outcome(found) == ("caution", "tls_expiring")
    assert "portal.example" in found.detail
    assert result.certificate_expires_at is not None
    assert result.certificate_expires_at - NOW < timedelta(days=6)
    assert outcome(
        classify(probe(url.replace(url, f"http://127.0.0.1:{free_port()}/")), now=NOW)
    ) == (
        "broken",
        "connection_refused",
    )


def test_a_host_that_accepts_connections_is_told_from_one_that_does_not() -> None:
    prober = Prober(SsrfGuard(allowed_hosts=LOOPBACK), timeouts=QUICK)
    with hanging_up() as address:
        assert asyncio.run(prober.connects(address))
    assert not asyncio.run(prober.connects(f"http://127.0.0.1:{free_port()}/"))
    assert not asyncio.run(prober.connects("http://10.0.0.1/"))
