"""What the readers of foreign data take at worst: memory, computing time, event loop held.

Each case is run in a process of its own, so that the peak of its memory is its own. The figure of a
process that this one starts is at least its own memory. A case fails if it takes more than 128 MiB
or 2 s, or holds the event loop too long. `docs/security.md` has the figures.
"""

import asyncio
import gc
import gzip
import io
import json
import os
import resource
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from services.platform.settings import ROOT
from tests import hostile_images as images

MIB = 1024 * 1024
MAX_MEMORY_MIB, MAX_SECONDS, MAX_HELD_MS = 128, 2.5, 60
"""A process ends a little after its computing time of 2 s. The client of a request counts too."""

Work = Callable[[], Awaitable[Any]]


@dataclass
class Figures:
    """What a case took."""

    reader: str
    case: str
    input_bytes: int
    memory_mib: float
    """Peak of the reading process; what the service itself grew by, if there is none."""
    cpu_seconds: float
    held_ms: float
    outcome: str

    def is_within_limits(self) -> bool:
        return (
            round(self.memory_mib) <= MAX_MEMORY_MIB
            and self.cpu_seconds <= MAX_SECONDS
            and self.held_ms < MAX_HELD_MS
        )


def noise(width: int, height: int, mode: str, file_format: str, **options: Any) -> bytes:
    bands = Image.new(mode, (1, 1)).getbands()
    drawn = Image.merge(mode, [Image.effect_noise((width, height), 40) for _ in bands])
    stream = io.BytesIO()
    drawn.save(stream, file_format, **options)
    return stream.getvalue()


def palette_noise() -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((4000, 3000), 40).quantize(6).save(stream, "PNG")
    return stream.getvalue()


def exif_bomb() -> bytes:
    exif = images.overlapping_exif(5000, 4_000_000)
    return images.png(9, 9, chunks=images.png_chunk(b"eXIf", exif))


def workbook(rows: str, **parts: str) -> bytes:
    from openpyxl import Workbook

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    plain, stream = io.BytesIO(), io.BytesIO()
    Workbook().save(plain)
    sheet = f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'
    parts = {"sheet1": sheet} | parts
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in source.namelist():
            stem = name.rpartition("/")[2].partition(".")[0]
            archive.writestr(name, parts.get(stem, source.read(name)))
    return stream.getvalue()


def full_workbook() -> bytes:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([f"c{number}" for number in range(50)])
    for row in range(1000):
        sheet.append([f"teks {row}"] * 50)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def styled_workbook() -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    formats = "".join(f'<numFmt numFmtId="{n}" formatCode="0"/>' for n in range(300_000))
    styles = f'<styleSheet xmlns="{main}"><numFmts>{formats}</numFmts></styleSheet>'
    return workbook("", styles=styles)


def table() -> bytes:
    return b";".join(b"c%d" % n for n in range(50)) + b"\n" + (b"1;" * 49 + b"1\n") * 20_000


def feed(items: str) -> bytes:
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{items}</channel></rss>'.encode()


def bundle() -> bytes:
    from services.assessment.bundles import contents
    from services.assessment.bundles.archive import pack

    return pack({contents.EVIDENCE: b"[" + b"{}," * 2_000_000 + b"{}]"})


def members(count: int) -> bytes:
    return b"{" + b",".join(b'"k%d":1' % number for number in range(count)) + b"}"


async def bounded(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    from services.platform.bounded_process import Limits, call_bounded

    return await call_bounded(Limits(), function, *arguments, **named)


async def read_image(body: bytes) -> None:
    from services.platform.images import sanitise_image

    await bounded(sanitise_image, body)


async def read_spreadsheet(body: bytes) -> None:
    from services.platform.spreadsheets.reading import read_sheets

    await bounded(read_sheets, body, name="x")


async def read_feed(body: bytes) -> None:
    from services.gateway.connectors.announcements.announcement import read_announcements
    from services.gateway.connectors.announcements.readable_part import readable_part
    from services.gateway.connectors.announcements.service_matching import ServiceMatcher
    from services.gateway.outbound.bounded_reading import LIMITS
    from services.platform.bounded_process import call_bounded
    from services.platform.local_time import DEFAULT_ZONE

    await call_bounded(
        LIMITS,
        read_announcements,
        readable_part(body, is_cut=False),
        url="https://situs.example/feed/",
        zone=DEFAULT_ZONE,
        matcher=ServiceMatcher([]),
        now=datetime.now(UTC),
    )


async def read_bundle(body: bytes) -> None:
    from services.assessment.bundles.verify import verify

    await bounded(verify, body)


async def read_answer(body: bytes) -> None:
    from services.gateway.outbound.response_body import BodyLimit, read_body

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]
            await asyncio.sleep(0)

    await read_body(chunks(), ["gzip"], BodyLimit(4 * MIB))


async def read_json_answer(body: bytes) -> None:
    from services.gateway.outbound.json_body import parse_json

    parse_json(body)


async def classify_page(body: bytes) -> None:

    from services.gateway.link_monitoring.classify import ProbeResult, classify

    page = body.decode()
    result = ProbeResult("http://a/", "http://a/b", status=200, body=page)
    classify(result, now=datetime.now(UTC))


def request_reader(
    media_type: str, *, with_key: bool, path: str = ""
) -> Callable[[bytes], Awaitable[str]]:
    """Return a reader of request bodies: the middleware, FastAPI, and the model of the path."""

    async def read(body: bytes) -> str:
        import httpx
        from fastapi import FastAPI, Request
        from starlette.middleware import Middleware

        from services.feedback.comments.schemas import NewComment
        from services.feedback.statistics.schemas import StatisticBatch
        from services.platform.middleware import ParsedBodyMiddleware
        from services.platform.problems import add_problem_handlers
        from services.platform.request_body import ANONYMOUS_LIMITS, KEY_LIMITS
        from services.platform.router import Router
        from services.platform.service import add_routers

        limits = KEY_LIMITS if with_key else ANONYMOUS_LIMITS
        app = FastAPI(middleware=[Middleware(ParsedBodyMiddleware, limits=lambda _: limits)])
        add_problem_handlers(app)
        router = Router()

        @router.post("/json")
        async def post_json(comment: NewComment) -> None: ...

        @router.post("/statistics")
        async def post_statistics(batch: StatisticBatch) -> None: ...

        @router.post("/form")
        async def post_form(request: Request) -> None:
            async with request.form(max_files=5, max_fields=40):
                pass

        add_routers(app, [router])
        target = path or ("/json" if "json" in media_type else "/form")
        headers = {"Content-Type": media_type}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            await client.post(target, content=b"", headers=headers)  # builds the routes
            measurement.start()
            answer = await client.post(target, content=body, headers=headers)
        return str(answer.status_code)

    return read


async def read_head(body: bytes) -> str:
    """Send a request to uvicorn, by the protocol of the hub."""
    import uvicorn
    from starlette.responses import PlainTextResponse
    from uvicorn.server import ServerState

    from services.platform.header_timeout import HeaderTimeoutProtocol

    config = uvicorn.Config(
        PlainTextResponse("here"), http=HeaderTimeoutProtocol, log_level="critical", lifespan="off"
    )
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: HeaderTimeoutProtocol(config=config, server_state=state, app_state={}), "127.0.0.1"
    )
    measurement.start()
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        for start in range(0, len(body), 256 * 1024):
            writer.write(body[start : start + 256 * 1024])
            await writer.drain()
        return (await reader.read(100)).decode().partition("\r\n")[0] or "closed"
    except ConnectionError:
        return "closed"
    finally:
        writer.close()
        server.close()


START = b"GET / HTTP/1.1\r\nHost: hub\r\n"
MULTIPART = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

CASES: dict[tuple[str, str], tuple[Callable[[], bytes], Callable[[bytes], Awaitable[Any]]]] = {
    ("image", "PNG, 50 million pixels, 16 bit"): (
        lambda: images.png(7071, 7071, bits=16), read_image),
    ("image", "PNG, 12 million pixels, 16 bit"): (
        lambda: images.png(4000, 3000, bits=16), read_image),
    ("image", "PNG, 12 million pixels, palette, noise"): (palette_noise, read_image),
    ("image", "WebP, 4 million pixels, transparent, noise"): (
        lambda: noise(2040, 2040, "RGBA", "WEBP", quality=30), read_image),
    ("image", "JPEG, 50 million pixels"): (lambda: images.image("JPEG", 8160, 6120), read_image),
    ("image", "JPEG, 10 million pixels, CMYK"): (
        lambda: noise(3199, 3199, "CMYK", "JPEG", quality=10), read_image),
    ("image", "JPEG, 12 million pixels, progressive"): (
        lambda: noise(4000, 3000, "RGB", "JPEG", quality=30, progressive=True), read_image),
    ("image", "JPEG, 3,000 scans"): (lambda: images.many_scans(3000), read_image),
    ("image", "PNG, EXIF of 20 GB"): (exif_bomb, read_image),
    ("image", "PNG, 400,000 chunks"): (
        lambda: images.png(9, 9, chunks=images.png_chunk(b"tEXt", b"a\0b") * 400_000), read_image),
    ("workbook", "50,000 cells"): (full_workbook, read_spreadsheet),
    ("workbook", "a row of 4 million cells"): (
        lambda: workbook("<row>" + "<c/>" * 4_000_000 + "</row>"), read_spreadsheet),
    ("workbook", "a row of 390,000 cells"): (
        lambda: workbook("<row>" + "<c/>" * 390_000 + "</row>"), read_spreadsheet),
    ("workbook", "300,000 number formats"): (styled_workbook, read_spreadsheet),
    ("CSV", "20,000 rows of 50 cells"): (table, read_spreadsheet),
    ("CSV", "a million columns"): (lambda: b"a;" * 1_000_000, read_spreadsheet),
    ("feed", "500,000 elements"): (lambda: feed("<a/>" * 500_000), read_feed),
    ("feed", "99,000 elements"): (lambda: feed("<a/>" * 99_000), read_feed),
    ("feed", "24,000 items"): (
        lambda: feed("<item><title>a</title></item>" * 24_000), read_feed),
    ("feed", "a picture of 7 MB in a text"): (
        lambda: feed("<item><title>a</title><description>data:image/png;base64,"
                     + "A" * 7_000_000 + "</description></item>"), read_feed),
    ("feed", "500,000 beginnings of pictures"): (
        lambda: feed("<item><title>a</title></item>" + "data:a/a;base64," * 500_000), read_feed),
    ("feed", "49,000 tags of HTML in text"): (
        lambda: feed(f"<item><description>{'&lt;div&gt;' * 49_000}</description></item>"),
        read_feed),
    ("feed", "150,000 attributes of an element"): (
        lambda: feed("<a " + " ".join(f'a{n}=""' for n in range(150_000)) + "/>"), read_feed),
    ("bundle", "2 million values"): (bundle, read_bundle),
    ("answer", "gzip of 1 GiB"): (lambda: gzip.compress(bytes(1024 * MIB)), read_answer),
    ("answer", "JSON of 1 MiB, lists"): (
        lambda: b"[" + b"[]," * 349_000 + b"[]]", read_json_answer),
    ("answer", "JSON of 150,000 lists"): (
        lambda: b"[" + b"[]," * 149_999 + b"[]]", read_json_answer),
    ("page of a link", "input tags without an end"): (lambda: b"<input " * 9_362, classify_page),
    ("JSON body", "5,000 members, without a key"): (
        lambda: members(5_000), request_reader(JSON, with_key=False)),
    ("JSON body", "256 KiB of lists, without a key"): (
        lambda: b"[" + b"[]," * 87_000 + b"[]]", request_reader(JSON, with_key=False)),
    ("JSON body", "11,500 members, with a key"): (
        lambda: members(11_500), request_reader(JSON, with_key=True)),
    ("JSON body", "1,000 statistics of 10 unknown members, with a key"): (
        lambda: b'{"statistics":[' + b",".join([members(10)] * 1_000) + b"]}",
        request_reader(JSON, with_key=True, path="/statistics")),
    ("JSON body", "1 MiB of lists, with a key"): (
        lambda: b"[" + b"[]," * 349_000 + b"[]]", request_reader(JSON, with_key=True)),
    ("JSON body", "760,000 members"): (
        lambda: members(760_000), request_reader(JSON, with_key=False)),
    ("form", "32,000 escaped bytes in a field"): (
        lambda: b"a=" + b"%41" * 32_000, request_reader(FORM, with_key=False)),
    ("form", "100,000 parts"): (
        lambda: PART * 100_000 + b"--x--\r\n", request_reader(MULTIPART, with_key=False)),
    ("request head", "32 MiB"): (lambda: START + b"X: " + b"a" * (32 * MIB), read_head),
    ("request head", "a million fields"): (
        lambda: START + b"X: a\r\n" * 1_000_000 + b"\r\n", read_head),
    ("request head", "100,000 requests at once"): (
        lambda: (START + b"\r\n") * 100_000, read_head),
}  # fmt: skip


class Measurement:
    """Measures the event loop, and the memory and time of this process or those that it starts."""

    def __init__(self) -> None:
        self.held = 0.0
        self.start()

    def start(self) -> None:
        """Begin anew; called again once a case is prepared."""
        self.held = 0.0
        # The peak of this process so far.
        Path("/proc/self/clear_refs").write_text("5")
        self._memory = peak_mib()
        self._cpu = cpu_seconds(resource.RUSAGE_SELF)
        self._cpu_of_children = cpu_seconds(resource.RUSAGE_CHILDREN)

    async def watch(self) -> None:
        # Computing time, so that other programs on this machine do not count.
        while True:
            started = time.thread_time()
            await asyncio.sleep(0.001)
            self.held = max(self.held, time.thread_time() - started)

    def memory_mib(self) -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        return children or peak_mib() - self._memory

    def seconds(self) -> float:
        children = cpu_seconds(resource.RUSAGE_CHILDREN) - self._cpu_of_children
        return children or cpu_seconds(resource.RUSAGE_SELF) - self._cpu


def peak_mib() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def cpu_seconds(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


measurement = Measurement()


async def measure(reader: str, case: str) -> Figures:
    make, read = CASES[reader, case]
    body = make()
    measurement.start()
    with suppress(Exception):
        await read(b"")  # imports what the case needs
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # as `emall serve` does
    watcher = asyncio.create_task(measurement.watch())
    await asyncio.sleep(0.05)
    measurement.start()
    try:
        outcome = str(await read(body) or "read")
    except Exception as error:
        outcome = type(error).__name__
    await asyncio.sleep(0.01)
    watcher.cancel()
    return Figures(
        reader,
        case,
        len(body),
        measurement.memory_mib(),
        measurement.seconds(),
        measurement.held * 1000,
        outcome,
    )


async def eight_at_once() -> tuple[float, float, list[str]]:
    """Return the highest memory of all processes together, the time, and the outcomes."""
    body = images.png(4000, 3000, bits=16)
    highest = 0.0
    ended = threading.Event()

    def sample() -> None:
        nonlocal highest
        while not ended.wait(0.005):
            children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
            highest = max(highest, sum(resident_mib(pid) for pid in children))

    thread = threading.Thread(target=sample)
    thread.start()
    started = time.perf_counter()
    tasks: list[Coroutine[Any, Any, None]] = [read_image(body) for _ in range(8)]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    seconds = time.perf_counter() - started
    ended.set()
    thread.join()
    return highest, seconds, [type(error).__name__ if error else "read" for error in outcomes]


def resident_mib(pid: str) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / MIB


def in_process_of_its_own(*arguments: str) -> Any:
    command = [sys.executable, "-m", "bench.readers", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def main() -> None:
    print(f"{'reader':<15} {'case':<43} {'input':>10} {'memory':>8} {'CPU':>7} {'held':>6}")
    exceeded: list[str] = []
    for reader, case in CASES:
        found = Figures(**in_process_of_its_own(reader, case))
        print(
            f"{reader:<15} {case:<43} {found.input_bytes:>10,} {found.memory_mib:>4.0f} MiB "
            f"{found.cpu_seconds:>5.2f} s {found.held_ms:>3.0f} ms  {found.outcome}",
            flush=True,
        )
        if not found.is_within_limits():
            exceeded.append(f"{reader}: {case}")
    memory, seconds, outcomes = in_process_of_its_own("eight")
    print(f"eight images at once: {memory:.0f} MiB together, {seconds:.1f} s, {set(outcomes)}")
    if exceeded:
        sys.exit(f"over the limits: {'; '.join(exceeded)}")


if __name__ == "__main__":
    if sys.argv[1:] == ["eight"]:
        print(json.dumps(asyncio.run(eight_at_once())))
    elif sys.argv[1:]:
        print(json.dumps(asdict(asyncio.run(measure(sys.argv[1], sys.argv[2])))))
    else:
        main()
