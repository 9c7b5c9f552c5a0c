"""Posters: their codes are found by a camera, typed by hand, counted, and never change."""

import asyncio
import re
import subprocess
from collections.abc import Iterator
from datetime import date
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.portal.posters.codes import (
    ALPHABET,
    Subject,
    candidates,
    code_of,
    load_posters,
    subjects_of,
)
from services.gateway.portal.posters.drawing import pdf_of, runs, svg_of
from services.gateway.portal.posters.layout import (
    HEIGHT,
    MARGIN,
    MM_PER_POINT,
    WIDTH,
    Layout,
    Wording,
    layout_of,
    printable,
    width_of,
)
from services.platform.database import Database
from services.platform.service import API
from services.platform.settings import Service, Settings
from tests.conftest import Hub, Server

ADDRESS = "https://emall.tobakab.go.id/s/k7m2x"


def wording(**more: Any) -> Wording:
    given: dict[str, Any] = {
        "place": "Kabupaten Toba",
        "about": "Cara mengurus",
        "name": "KTP elektronik",
        "name_en": "Electronic identity card",
        "agency": "Disdukcapil",
        "steps": ("Satu.", "Dua.", "Tiga."),
        "typed": "Ketik alamat ini:",
        "english": "Scan the code.",
    }
    return Wording(**(given | more))


def seen(layout: Layout, *, pixels: int = 4) -> Image.Image:
    """The page as a camera would see it, with this many pixels to a millimetre."""
    image = Image.new("L", (round(WIDTH * pixels), round(HEIGHT * pixels)), 255)
    draw = ImageDraw.Draw(image)
    scale = layout.code_size / len(layout.code)
    for row, column, length in runs(layout):
        x, y = layout.code_at[0] + column * scale, layout.code_at[1] + row * scale
        corner = ((x + length * scale) * pixels, (y + scale) * pixels)
        draw.rectangle((x * pixels, y * pixels, *corner), fill=0)
    return image


def read_code(image: Image.Image) -> str:
    [found] = zxingcpp.read_barcodes(image)
    return found.text


def test_a_camera_finds_the_address_in_the_code_also_where_it_is_torn() -> None:
    layout = layout_of(wording(), ADDRESS)
    image = seen(layout)
    assert read_code(image) == ADDRESS
    x, y = layout.code_at
    torn = layout.code_size
    spot = (x + torn * 0.45, y + torn * 0.45, x + torn * 0.65, y + torn * 0.65)
    ImageDraw.Draw(image).rectangle(tuple(4 * edge for edge in spot), fill=255)
    assert read_code(image) == ADDRESS


@pytest.mark.parametrize(
    "name",
    ["KTP", "Izin penyelenggaraan satuan pendidikan nonformal " * 6, "W" * 200, "Šikap 三 – “ya”"],
)
@pytest.mark.parametrize("address", [ADDRESS, f"https://{'e-mall.' * 9}go.id/s/k7m2x"])
def test_everything_stays_on_the_page_and_off_the_code(name: str, address: str) -> None:
    layout = layout_of(wording(name=name, name_en=name, english=name[:90] or "x"), address)
    quiet = 4 * layout.code_size / len(layout.code)
    top, bottom = layout.code_at[1] - quiet, layout.code_at[1] + layout.code_size + quiet
    for line in layout.lines:
        width = width_of(line.text, line.size, line.weight)
        left = line.x - width / 2 if line.middle else line.x
        assert left >= MARGIN - 0.1
        assert left + width <= WIDTH - MARGIN + 0.1
        height = line.size * MM_PER_POINT
        assert line.y <= HEIGHT - 10
        assert line.y + 0.25 * height <= top or line.y - 0.75 * height >= bottom, line.text
    below = sorted({line.y: line for line in layout.lines}.items())
    assert all(y - before >= 3 for (before, _), (y, _) in pairwise(below))
    assert read_code(seen(layout)) == address
    assert pdf_of(layout).startswith(b"%PDF-")
    assert f'width="{WIDTH:g}mm"' in svg_of(layout)


def test_a_letter_that_the_font_lacks_loses_its_marks_alone() -> None:
    assert printable("“Čara” – é 三") == "“Cara” – é ?"


def test_the_same_poster_is_the_same_file() -> None:
    assert pdf_of(layout_of(wording(), ADDRESS)) == pdf_of(layout_of(wording(), ADDRESS))


def test_a_code_is_short_and_a_second_poster_never_gets_it() -> None:
    subject = Subject("layanan", "ktp-el")
    first, second, third = islice(candidates("12.12", subject), 3)
    assert (len(first), len(second), len(third)) == (5, 6, 7)
    assert set(third) <= set(ALPHABET)
    assert code_of("12.12", subject, taken=[]) == first
    assert code_of("12.12", subject, taken=[first, second]) == third
    assert code_of("12.12", Subject("survei", "ktp-el"), taken=[]) != first


def test_posters_keep_their_codes_when_services_come_and_go(empty: Settings) -> None:
    region = empty.region

    async def loaded(*services: str) -> list[str]:
        database = Database(empty, Service.gateway)
        async with database.write_session() as session:
            changes = await load_posters(session, region, subjects_of(services, ["opd"]))
        await database.close()
        return [change.key for change in changes]

    assert asyncio.run(loaded("akta")) == ["kantor/opd", "layanan/akta", "survei/akta"]
    assert asyncio.run(loaded("ktp")) == ["layanan/ktp", "survei/ktp"]
    assert asyncio.run(loaded("akta", "ktp")) == []


@pytest.fixture(scope="module")
def client(server: Server, toba: str) -> Iterator[TestClient]:
    """A hub with the Toba pack, under the address that stands on its posters."""
    with server.database_from(toba) as name:
        settings = server.settings(name, public_url="https://emall.tobakab.go.id/")
        with TestClient(create_app(settings), follow_redirects=False) as client:
            yield client


def test_posters_of_a_service_and_of_an_office_are_printed_and_lead_there(
    client: TestClient, tmp_path: Path
) -> None:
    wanted = {
        "layanan/ktp-el": "/layanan/ktp-el",
        "survei/ktp-el": "/survei/skm?service=ktp-el&mode=qr",
        "kantor/dukcapil": "/survei/skm?agency=dukcapil&channel=counter&mode=qr",
    }
    for poster, target in wanted.items():
        drawn = client.get(f"/poster/{poster}.svg")
        assert drawn.headers["content-type"] == "image/svg+xml"
        [short] = re.findall(r">emall\.tobakab\.go\.id(/s/\w+)</text>", drawn.text)
        for way in (short, short.upper().replace("/S/", "/s/")):
            answer = client.get(way)
            assert (answer.status_code, answer.headers["location"]) == (302, target)
        printed = client.get(f"/poster/{poster}.pdf")
        assert printed.headers["content-type"] == "application/pdf"
        assert printed.content.startswith(b"%PDF-")
        assert client.get(target).status_code == 200


def test_a_printed_page_is_read_by_a_camera(client: TestClient, tmp_path: Path) -> None:
    if subprocess.run(["which", "pdftoppm"], capture_output=True, check=False).returncode:
        pytest.skip("no pdftoppm on the PATH")
    (tmp_path / "a.pdf").write_bytes(client.get("/poster/survei/ktp-el.pdf").content)
    command = ["pdftoppm", "-r", "70", "-png", "-singlefile", "a.pdf", "a"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    with Image.open(tmp_path / "a.png") as page:
        assert read_code(page).startswith("https://emall.tobakab.go.id/s/")


def test_what_has_no_poster_is_not_found_and_a_look_leads_on(client: TestClient) -> None:
    for path in ("/poster/layanan/no-such.pdf", "/poster/kantor/ktp-el.svg", "/s/aaaaa"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["status"]) == (404, 404)
    assert client.get("/poster/other/ktp-el.pdf").status_code == 422
    assert client.get("/s/a").status_code == 422


def test_every_service_and_office_has_a_poster_on_the_page(client: TestClient) -> None:
    page = client.get("/poster").text
    listed = set(re.findall(r'href="(/poster/[^"]+\.pdf)"', page))
    services = client.get(f"{API}/services?limit=100").json()["items"]
    agencies = client.get(f"{API}/agencies?limit=100").json()["items"]
    assert len(listed) == 2 * len(services) + len(agencies)
    assert "Posters to print" in client.get("/poster?lang=en").text


def test_arrivals_are_counted_per_poster_and_a_look_is_none(hub: Hub) -> None:
    page = hub.client.get("/poster").text
    codes = dict(re.findall(r"/s/(\w+)</code>[^\n]*href=\"/poster/([\w-]+/[\w-]+)\.pdf", page))
    code_about = {about: code for code, about in codes.items()}
    service, office = code_about["survei/ktp-el"], code_about["kantor/dukcapil"]
    with TestClient(create_app(hub.settings), follow_redirects=False) as door:
        for code in (service, service, office):
            assert door.get(f"/s/{code}").status_code == 302
        assert door.head(f"/s/{service}").status_code == 302
    today = date.today()
    found = hub.client.get(
        f"{API}/usage/summary",
        params={
            "from": f"{today.year - 1}-01-01",
            "group_by": "source,link,service,agency",
        },
    ).json()["items"]
    counted = {
        (cell["link"], cell["service"], cell["agency"]): cell["value"]
        for cell in found
        if cell["source"] == "poster" and cell["measure"] == "page_view"
    }
    assert counted == {
        (f"poster-{service}", "ktp-el", None): 2,
        (f"poster-{office}", None, "dukcapil"): 1,
    }
