"""Posters: their codes are found by a camera, typed by hand, counted, and never change."""

import asyncio
import io
import re
import subprocess
from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segno
import typst
import zxingcpp
from PIL import Image, ImageDraw
from pypdf import PdfReader
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
from services.gateway.portal.posters.content import PosterContent
from services.gateway.portal.posters.render import (
    QUIET_ZONE,
    TEMPLATE,
    poster_document,
    poster_pdf,
    poster_svg,
)
from services.platform.database import Database
from services.platform.pdf import ZERO_WIDTH_SPACE, template_options
from services.platform.service import API
from services.platform.settings import Service, Settings
from tests.conftest import Hub, Server

ADDRESS = "https://emall.tobakab.go.id/s/k7m2x"
MARGIN_MM = 18
PIXELS_PER_MM = 4


def content(**more: Any) -> PosterContent:
    texts: dict[str, Any] = {
        "place": "Kabupaten Toba",
        "about": "Cara mengurus",
        "name": "KTP elektronik",
        "name_en": "Electronic identity card",
        "agency": "Disdukcapil",
        "steps": ("Satu.", "Dua.", "Tiga."),
        "typed": "Ketik alamat ini:",
        "english": "Scan the code.",
    }
    return PosterContent(**(texts | more))


def rendered(poster: PosterContent, address: str) -> Image.Image:
    """Render the page in grey, with this many pixels to a millimetre."""
    options = template_options(poster_document(poster, address))
    drawn: Any = typst.compile(
        TEMPLATE.read_bytes(), format="png", ppi=25.4 * PIXELS_PER_MM, **options
    )
    return Image.open(io.BytesIO(drawn)).convert("L")


@cache
def plain_page() -> Image.Image:
    return rendered(content(), ADDRESS)


def text_in(pdf: bytes) -> str:
    [page] = PdfReader(io.BytesIO(pdf)).pages
    return page.extract_text().replace(ZERO_WIDTH_SPACE, "")


def code_in(image: Image.Image) -> zxingcpp.Barcode:
    [found] = zxingcpp.read_barcodes(image)
    return found


def read_code(image: Image.Image) -> str:
    return code_in(image).text


def test_a_camera_finds_the_address_in_the_code_also_where_it_is_torn() -> None:
    image = plain_page().copy()
    found = code_in(image)
    assert found.text == ADDRESS
    left, top = found.position.top_left.x, found.position.top_left.y
    size = found.position.bottom_right.x - left
    spot = [left + 0.45 * size, top + 0.45 * size, left + 0.65 * size, top + 0.65 * size]
    ImageDraw.Draw(image).rectangle(spot, fill=255)
    assert read_code(image) == ADDRESS


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["KTP", "Izin penyelenggaraan satuan pendidikan nonformal " * 6, "W" * 200, "Šikap 三 – “ya”"],
)
@pytest.mark.parametrize("address", [ADDRESS, f"https://{'e-mall.' * 9}go.id/s/k7m2x"])
def test_everything_stays_on_one_page_within_the_margins_and_off_the_code(
    name: str, address: str
) -> None:
    poster = content(name=name, name_en=name, english=name[:90])
    image = rendered(poster, address)
    assert image.size == (210 * PIXELS_PER_MM, 297 * PIXELS_PER_MM)
    found = code_in(image)
    assert found.text == address

    ink = np.asarray(image) < 250
    below_the_head = ink[31 * PIXELS_PER_MM :]
    margin = MARGIN_MM * PIXELS_PER_MM - 2
    assert not below_the_head[:, :margin].any()
    assert not below_the_head[:, -margin:].any()
    assert not ink[-10 * PIXELS_PER_MM :].any()

    corner, opposite = found.position.top_left, found.position.bottom_right
    modules, _ = segno.make(address, error="q", micro=False).symbol_size()
    quiet = int(QUIET_ZONE * (opposite.x - corner.x) / modules) - 3
    rows = slice(corner.y - quiet, opposite.y + quiet)
    around = ink[rows, corner.x - quiet : opposite.x + quiet].copy()
    around[quiet - 3 : 3 - quiet, quiet - 3 : 3 - quiet] = False
    assert not around.any()

    pdf = poster_pdf(poster, address)
    shown = re.sub(r"\s", "", text_in(pdf))
    assert address.removeprefix("https://") in shown
    assert "123" in re.sub(r"\D", "", shown)
    for text in ("Kabupaten Toba", "Satu.", "Dua.", "Tiga.", "Ketik alamat ini:"):
        assert text.replace(" ", "") in shown


def test_a_name_that_is_too_long_is_cut_and_never_the_address() -> None:
    assert "…" in text_in(poster_pdf(content(name="Izin " * 60), ADDRESS))
    assert "…" not in text_in(poster_pdf(content(), ADDRESS))


def test_no_letter_becomes_a_question_mark() -> None:
    text = text_in(poster_pdf(content(name="“Čara” – é Ștefan"), ADDRESS))
    assert "“Čara” – é Ștefan" in text
    assert "?" not in text


def test_the_same_poster_is_the_same_publicly_readable_file() -> None:
    pdf = poster_pdf(content(), ADDRESS)
    assert pdf == poster_pdf(content(), ADDRESS)
    assert b"pdfuaid" in pdf
    document = PdfReader(io.BytesIO(pdf))
    assert document.metadata is not None
    assert document.metadata.title == "Cara mengurus KTP elektronik"
    svg = poster_svg(content(name="A <b> & c"), ADDRESS)
    assert '<title id="t">Cara mengurus A &lt;b&gt; &amp; c</title>' in svg
    assert 'role="img" aria-labelledby="t"' in svg


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
    """Provide a hub with the Toba pack, at the address that is on its posters."""
    with server.database_from(toba) as name:
        settings = server.settings(name, public_url="https://emall.tobakab.go.id/")
        with TestClient(create_app(settings), follow_redirects=False) as client:
            yield client


@pytest.mark.slow
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
        assert drawn.headers["content-type"] == "image/svg+xml; charset=utf-8"
        assert drawn.text.startswith("<svg ")
        printed = client.get(f"/poster/{poster}.pdf")
        assert printed.headers["content-type"] == "application/pdf"
        [short] = re.findall(r"emall\.tobakab\.go\.id(/s/\w+)", text_in(printed.content))
        for way in (short, short.upper().replace("/S/", "/s/")):
            answer = client.get(way)
            assert (answer.status_code, answer.headers["location"]) == (302, target)
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
    services = client.get(f"{API}/services?limit=1").json()["total"]
    agencies = client.get(f"{API}/agencies?limit=100").json()["items"]
    assert len(listed) == 2 * services + len(agencies)
    assert "Posters to print" in client.get("/poster?lang=en").text


@pytest.mark.slow
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
