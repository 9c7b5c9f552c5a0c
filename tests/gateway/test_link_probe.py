"""Every way in which a portal responds or fails, over real sockets, and its classification."""

import asyncio
import gzip
import socket
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from services.gateway.link_monitoring.classify import Classification, ProbeResult, State, classify
from services.gateway.link_monitoring.probe import MAX_REDIRECTS, Prober, ProbeTimeouts
from services.gateway.outbound.browsing.page_client import MAX_BODY_BYTES
from services.gateway.outbound.ssrf_guard import (
    BlockedPortError,
    PrivateAddressError,
    SsrfGuard,
)
from tests.gateway.portals import (
    PAGE,
    Answer,
    Asked,
    always,
    answer,
    certificate,
    portal,
)
from tests.servers import free_port, hanging_up, silent

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HERE = SsrfGuard(allowed_hosts=["127.0.0.1", "localhost", "::1"])
QUICK = ProbeTimeouts(connect=2, read=1, total=2)


def probe(url: str, *, guard: SsrfGuard = HERE, patience: ProbeTimeouts = QUICK) -> ProbeResult:
    return asyncio.run(Prober(guard, timeouts=patience).probe(url))


def classify_reply(reply: Answer, path: str = "/") -> Classification:
    with portal(reply) as running:
        return classify(probe(running.address + path), now=NOW)


def outcome(classification: Classification) -> tuple[State, str | None]:
    return classification.state, classification.reason


def test_a_page_is_ok_and_was_asked_for_once() -> None:
    with portal() as running:
        result = probe(running.address)
    assert outcome(classify(result, now=NOW)) == ("ok", None)
    assert [asked.method for asked in running.asked] == ["GET"]
    assert result.body.encode() == PAGE
    assert result.elapsed > timedelta()


def test_of_a_file_no_body_is_read() -> None:
    def reply(asked: Asked, connection: socket.socket) -> bytes:
        return answer(200, b"%PDF", kind="application/pdf").replace(b"Length: 4", b"Length: 4000")

    with portal(reply) as running:
        result = probe(running.address)
    assert (outcome(classify(result, now=NOW)), result.body) == (("ok", None), "")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, PAGE, ("broken", "server_error")),
        (502, PAGE, ("broken", "server_error")),
        (503, PAGE, ("broken", "server_error")),
        (404, PAGE, ("broken", "not_found")),
        (410, PAGE, ("broken", "not_found")),
        (400, PAGE, ("caution", "client_error")),
        (429, PAGE, ("caution", "rate_limited")),
        (401, PAGE, ("caution", "login_wall")),
        (403, b"<h1>Forbidden</h1>", ("caution", "forbidden")),
        (403, b"This site is not available in your country", ("caution", "geo_block")),
        (403, b"Access denied. Error 1009", ("caution", "geo_block")),
        (451, PAGE, ("caution", "geo_block")),
        (403, b"<title>Just a moment...</title>", ("caution", "challenge")),
        (503, b"<script>window._cf='cf-chl-opt'</script>", ("caution", "challenge")),
        (200, b"<script>var s='sucuri_cloudproxy_js';</script>", ("caution", "challenge")),
        (
            200,
            b"The requested URL was rejected. Please consult with your administrator.",
            ("caution", "forbidden"),
        ),
        (200, b"<p>Kontak</p><div class=g-recaptcha-response></div>" + b"x" * 8192, ("ok", None)),
        (204, b"", ("ok", None)),
    ],
)
def test_an_answer_has_its_state(
    status: int, body: bytes, expected: tuple[State, str | None]
) -> None:
    assert outcome(classify_reply(always(status, body))) == expected


def test_a_challenge_that_its_guard_names_in_a_header_is_one() -> None:
    reply = always(403, b"<p>" * 5000, cf_mitigated="challenge")
    assert outcome(classify_reply(reply)) == ("caution", "challenge")


def test_a_page_that_leads_to_a_login_is_a_wall_and_a_home_with_a_login_form_is_none() -> None:
    form = b"<form><input name=p type='password'></form>"

    def walled(asked: Asked, connection: socket.socket) -> bytes:
        if asked.target == "/permohonan":
            return answer(302, b"", Location="/Home/masuk?kembali=1")
        return answer()

    def form_elsewhere(asked: Asked, connection: socket.socket) -> bytes:
        if asked.target == "/permohonan":
            return answer(302, b"", Location="/depan")
        return answer(200, form)

    assert outcome(classify_reply(walled, "/permohonan")) == ("caution", "login_wall")
    assert outcome(classify_reply(form_elsewhere, "/permohonan")) == (
        "caution",
        "login_wall",
    )
    assert outcome(classify_reply(always(200, form))) == ("ok", None)
    assert outcome(classify_reply(always(200, form), "/login")) == ("ok", None)


def test_redirects_are_followed_by_their_rules() -> None:
    def reply(asked: Asked, connection: socket.socket) -> bytes:
        steps = {"/": "satu", "/satu": "./dua#x", "/dua": "/tiga?a=1"}
        if asked.target in steps:
            return answer(307, b"", Location=steps[asked.target])
        return answer(200, asked.target.encode(), kind="text/html")

    with portal(reply) as running:
        result = probe(running.address)
        assert result.final_url == f"{running.address}/tiga?a=1"
    assert result.body == "/tiga?a=1"


def test_redirects_in_a_circle_or_without_end_are_broken() -> None:
    def without_end(asked: Asked, connection: socket.socket) -> bytes:
        return answer(302, b"", Location=f"{asked.target}x")

    with portal(without_end) as running:
        classification = classify(probe(f"{running.address}/"), now=NOW)
        assert outcome(classification) == ("broken", "redirect_loop")
        assert len(running.asked) == MAX_REDIRECTS + 1
    assert outcome(classify_reply(always(301, b"", Location="/"))) == (
        "broken",
        "redirect_loop",
    )


@pytest.mark.parametrize(
    "location",
    ["http://[::", "http://a:99999999/", "http://" + "a" * 70_000, "http://exa mple/"],
)
def test_a_redirect_to_what_is_no_address_is_broken(location: str) -> None:
    classification = classify_reply(always(302, b"", Location=location))
    assert classification.state == "broken"


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/",
        "http://192.168.1.1/admin",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fe80::1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b:1::7f00:1]/",
        "http://[fec0::1]/",
        "http://[2001:0:7f00:1::]/",
        "http://[ff0e::1]/",
        "http://[::7f00:1]/",
        "http://100.64.0.1/",
        "http://192.0.0.8/",
        "http://198.18.0.1/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://224.0.0.1/",
        "http://[2002:7f00:1::]/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://private.example/",
        "http://user:secret@portal.example/",
        "file:///etc/passwd",
        "ftp://portal.example/",
    ],
)
def test_a_redirect_into_a_private_network_is_not_followed(location: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    with portal(always(302, b"", Location=location)) as running, portal() as inner:
        port = running.address.rpartition(":")[2]
        inner_port = inner.address.rpartition(":")[2]
        guard = SsrfGuard(
            allowed_hosts=["portal.example"], allowed_ports=[80, int(inner_port)], resolve=resolve
        )
        target = location.replace("private.example", f"private.example:{inner_port}")
        running.reply = always(302, b"", Location=target)
        result = probe(f"http://portal.example:{port}/", guard=guard)
        assert inner.asked == []
    assert outcome(classify(result, now=NOW)) == ("broken", "private_address")


NOT_PUBLIC = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "233.252.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::808:808",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:7f00:1",
    "64:ff9b::808:808",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "64:ff9b:1:fffe::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:a00:1::",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "e000::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "feff::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_of_no_public_network_is_not_connected_to(address: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return [address]

    for host in ("portal.example", f"[{address}]" if ":" in address else address):
        if "%" in host:
            continue
        with pytest.raises(PrivateAddressError, match="private network"):
            asyncio.run(SsrfGuard(resolve=resolve).resolve(httpx.URL(f"https://{host}/")))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "::ffff:8.8.8.8", "103.10.105.1", "2606:4700::1111", "2001:200::1", "2400:cb00::1"],
)
def test_a_public_address_is_connected_to(address: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return [address]

    found = asyncio.run(SsrfGuard(resolve=resolve).resolve(httpx.URL("https://portal.example/")))
    assert found == [address]


@pytest.mark.parametrize("port", [0, 1, 22, 25, 5432, 6379, 8000, 8080, 65535])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_only_the_ports_of_the_web_are_connected_to_unless_others_are_allowed(
    scheme: str, port: int
) -> None:
    url = f"{scheme}://portal.example:{port}/"

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["8.8.8.8"]

    result = probe(url, guard=SsrfGuard(resolve=resolve))
    assert outcome(classify(result, now=NOW)) == ("pending", "blocked_port")
    assert f"port {port}" in result.detail
    for allowing in (
        SsrfGuard(allowed_ports=[80, port], resolve=resolve),
        SsrfGuard(allowed_hosts=["portal.example"], resolve=resolve),
        SsrfGuard(allowed_hosts=[f"Portal.example:{port}"], resolve=resolve),
    ):
        assert asyncio.run(allowing.resolve(httpx.URL(url))) == ["8.8.8.8"]


def test_a_host_allowed_at_one_port_is_private_at_any_other() -> None:
    guard = SsrfGuard(allowed_hosts=["10.0.0.1:8443", "[fd00::1]:8443"])
    for host in ("10.0.0.1", "[fd00::1]"):
        assert asyncio.run(guard.resolve(httpx.URL(f"https://{host}:8443/")))
        with pytest.raises(BlockedPortError):
            asyncio.run(guard.resolve(httpx.URL(f"https://{host}:8444/")))
        with pytest.raises(PrivateAddressError, match="private network"):
            asyncio.run(guard.resolve(httpx.URL(f"https://{host}/")))


def test_a_name_that_answers_differently_the_second_time_gains_nothing() -> None:
    """DNS rebinding: the address that was checked is the address that is connected to."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["192.0.2.1"] if len(asked) > 1 else ["127.0.0.1"]

    with portal(always(200, b"%PDF", kind="application/pdf")) as running:
        port = running.address.rpartition(":")[2]
        guard = SsrfGuard(allowed_hosts=["portal.example"], resolve=resolve)
        result = probe(f"http://portal.example:{port}/", guard=guard)
    assert (result.status, asked) == (200, ["portal.example"])
    assert running.asked[0].headers["host"] == f"portal.example:{port}"


def test_of_a_host_with_public_and_private_addresses_only_the_public_ones_are_connected_to() -> (
    None
):
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1", "1.1.1.1", "::1", "2606:4700::1111"]

    addresses = asyncio.run(SsrfGuard(resolve=resolve).resolve(httpx.URL("http://portal.example/")))
    assert addresses == ["1.1.1.1", "2606:4700::1111"]


def test_a_host_with_a_dead_address_is_reached_at_the_next_one() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.9", "127.0.0.1"]

    with portal() as running:
        port = running.address.rpartition(":")[2]
        guard = SsrfGuard(allowed_hosts=["portal.example"], resolve=resolve)
        result = probe(f"http://portal.example:{port}/", guard=guard)
    assert result.status == 200


def test_a_name_that_does_not_exist_is_broken_by_dns() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    result = probe("https://portal.example/", guard=SsrfGuard(resolve=resolve))
    classification = classify(result, now=NOW)
    assert outcome(classification) == ("broken", "dns")
    assert "not known" in classification.detail


@pytest.mark.slow
def test_a_silent_name_server_is_a_timeout() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    result = probe("https://portal.example/", guard=SsrfGuard(resolve=resolve))
    assert outcome(classify(result, now=NOW)) == ("broken", "timeout")


def test_a_closed_port_is_refused() -> None:
    result = probe(f"http://127.0.0.1:{free_port()}/")
    assert outcome(classify(result, now=NOW)) == ("broken", "connection_refused")


@pytest.mark.slow
def test_a_silent_portal_is_a_timeout() -> None:
    with silent() as address:
        result = probe(address)
    assert outcome(classify(result, now=NOW)) == ("broken", "timeout")


def test_a_portal_that_hangs_up_is_cut() -> None:
    with hanging_up() as address:
        result = probe(address)
        secure = probe(address.replace("http:", "https:"))
    assert outcome(classify(result, now=NOW)) == ("broken", "connection_reset")
    assert outcome(classify(secure, now=NOW)) == ("broken", "connection_reset")


def test_what_is_not_http_is_cut() -> None:
    def reply(asked: Asked, connection: socket.socket) -> bytes:
        return b"SSH-2.0-OpenSSH_9.6\r\n"

    assert outcome(classify_reply(reply)) == ("broken", "connection_reset")


@pytest.mark.slow
def test_a_body_that_drips_is_waited_for_no_longer_than_the_deadline() -> None:
    def reply(asked: Asked, connection: socket.socket) -> bytes | None:
        connection.sendall(answer(200, b"x" * 1000)[:-1000])
        for _ in range(1000):
            connection.sendall(b"x")
            time.sleep(0.2)
        return None

    assert outcome(classify_reply(reply)) == ("broken", "timeout")


def test_of_a_huge_body_only_the_beginning_is_read() -> None:
    sent = 0

    def reply(asked: Asked, connection: socket.socket) -> bytes | None:
        nonlocal sent
        connection.sendall(answer(200, b"")[:-4].replace(b"Length: 0", b"Length: 9000000000"))
        connection.sendall(b"\r\n\r\n")
        while True:
            sent += connection.send(b"x" * 65536)

    with portal(reply) as running:
        result = probe(running.address)
    assert len(result.body) == MAX_BODY_BYTES
    assert outcome(classify(result, now=NOW)) == ("ok", None)
    assert sent < 64 * 1024 * 1024


def test_a_packed_body_is_unpacked_no_further_than_its_beginning() -> None:
    packed = gzip.compress(b"just a moment..." + b"\0" * 50_000_000)
    with portal(always(503, packed, Content_Encoding="gzip")) as running:
        result = probe(running.address)
    assert len(result.body) <= MAX_BODY_BYTES
    assert outcome(classify(result, now=NOW)) == ("caution", "challenge")


@pytest.mark.parametrize(
    "piece",
    [
        "<input ",
        "<input type",
        "<input type  =  ",
        '<input x="',
        "<input\n",
        "/login",
        "<",
        "</",
        "<!--",
        "<!",
        "<script>",
        "<title>",
        "<a href='",
        '<meta content="',
        "slot ",
        "slot gacor ",
        "&",
        "&#",
        " ",
        "location=",
        "location = ",
        "<h1>",
        "\u0130",
    ],
)
def test_a_hostile_page_is_classified_in_time(piece: str) -> None:
    page = piece * (MAX_BODY_BYTES // len(piece))
    result = ProbeResult("http://a/", "http://a/other" + page, status=200, body=page)
    begun = time.process_time()
    classify(result, now=NOW, expected_text="Portal layanan")
    assert time.process_time() - begun < 1


def test_a_portal_that_takes_long_is_slow() -> None:
    result = ProbeResult("https://a.example", "https://a.example", status=200, body="Selamat")
    for seconds, expected in ((4.9, ("ok", None)), (5, ("caution", "slow"))):
        took = replace(result, elapsed=timedelta(seconds=seconds))
        assert outcome(classify(took, now=NOW)) == expected


def test_a_trusted_certificate_is_ok_and_its_end_is_known(tmp_path: Path) -> None:
    shown = certificate(tmp_path)
    now = datetime.now(UTC)
    result = over_tls(tmp_path, days=90)
    assert outcome(classify(result, now=now)) == ("ok", None)
    assert result.certificate_expires_at is not None
    expected = shown.certificate.not_valid_after_utc
    assert abs(result.certificate_expires_at - expected) < timedelta(minutes=1)


def test_a_certificate_that_ends_soon_is_a_caution_before_it_is_a_failure(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    classifications = [classify(over_tls(tmp_path, days=days), now=now) for days in (15, 13, -1)]
    assert [outcome(classification) for classification in classifications] == [
        ("ok", None),
        ("caution", "tls_expiring"),
        ("broken", "tls"),
    ]
    assert "expired" in classifications[2].detail


def test_an_untrusted_certificate_or_one_of_another_name_is_broken(tmp_path: Path) -> None:
    unknown = classify(over_tls(tmp_path, trusted=False), now=NOW)
    assert (outcome(unknown), "self-signed" in unknown.detail) == (("broken", "tls"), True)
    other = classify(over_tls(tmp_path, name="other.example"), now=NOW)
    assert (outcome(other), "other" in other.detail or "match" in other.detail) == (
        ("broken", "tls"),
        True,
    )


@pytest.mark.slow
def test_http_at_a_port_of_https_is_broken_by_tls() -> None:
    with portal() as running:
        result = probe(running.address.replace("http:", "https:"))
    assert classify(result, now=NOW).state == "broken"


def by_name(name: str) -> SsrfGuard:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    return SsrfGuard(allowed_hosts=[name], resolve=resolve)


def through_tls(address: str, prober: Prober) -> ProbeResult:
    return asyncio.run(prober.probe(address.replace("127.0.0.1", "portal.example")))


def over_tls(
    folder: Path, *, name: str = "portal.example", days: float = 90, trusted: bool = True
) -> ProbeResult:
    shown = certificate(folder, name=name, days=days)
    trust = shown.trusted() if trusted else None
    with portal(tls=shown.server()) as running:
        prober = Prober(by_name("portal.example"), timeouts=QUICK, ssl_context=trust)
        return through_tls(running.address, prober)
