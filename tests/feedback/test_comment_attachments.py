"""Pictures to comments: known by content, written anew, shown to whom they concern."""

import io
import resource
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.platform.images import (
    ImageTooLargeError,
    InvalidImageError,
    sanitise_image,
)
from tests.conftest import Room
from tests.feedback.complaints import call, file, handler_of
from tests.hostile_images import image, many_scans, overlapping_exif, png, png_chunk

PLACE = b"2.3333N 99.0666E"


def picture(written: str = "JPEG", *, size: tuple[int, int] = (60, 40), **more: Any) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "teal").save(made, written, **more)
    return made.getvalue()


def with_metadata() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = PLACE.decode()
    exif[0x0112] = 6  # to be turned a quarter
    return picture(exif=exif, comment=PLACE)


def send(office: Room, filed: dict[str, Any], content: bytes, **headers: str) -> httpx.Response:
    return office.client.post(
        f"{filed['href']}/attachments",
        content=content,
        headers=office.token() | {"Content-Type": "image/jpeg"} | headers,
    )


def test_a_picture_loses_its_metadata_and_stands_upright() -> None:
    given = with_metadata()
    assert PLACE in given
    stored = sanitise_image(given)
    assert PLACE not in stored.content
    with Image.open(io.BytesIO(stored.content)) as opened:
        assert opened.size == (40, 60)
        assert dict(opened.getexif()) == {}
        assert "comment" not in opened.info


@pytest.mark.slow
@pytest.mark.parametrize("written", ["JPEG", "PNG", "WEBP"])
def test_a_large_image_is_scaled_down_in_its_own_format(written: str) -> None:
    stored = sanitise_image(picture(written, size=(4000, 1000)))
    with Image.open(io.BytesIO(stored.content)) as opened:
        assert (opened.format, opened.size) == (written, (2000, 500))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7 not taken",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + bytes(30),
        picture()[:200],
        picture("PNG")[:40],
        picture("PNG", size=(60, 40)).replace(
            (60).to_bytes(4) + (40).to_bytes(4), (60_000).to_bytes(4) * 2
        ),
    ],
    ids=["empty", "pdf", "svg", "gif", "half", "png-half", "bomb"],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidImageError):
        sanitise_image(content)


def multi_picture() -> bytes:
    made = io.BytesIO()
    second = Image.new("RGB", (30, 20))
    Image.new("RGB", (60, 40)).save(made, "MPO", save_all=True, append_images=[second])
    return made.getvalue()


def frames(written: str, *, size: tuple[int, int]) -> bytes:
    made = io.BytesIO()
    first, *others = (Image.new("RGB", size, (red, 0, 0)) for red in range(3))
    first.save(made, written, save_all=True, append_images=others)
    return made.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda: png(7071, 7071), id="png"),
        pytest.param(lambda: png(7071, 7071, bits=16), id="png-16-bit"),
        pytest.param(lambda: png(7071, 7071, bits=1, colours=0), id="png-1-bit"),
        pytest.param(lambda: png(7071, 7071, colours=3), id="png-palette"),
        pytest.param(lambda: image("WEBP", 4000, 3000), id="webp"),
        pytest.param(lambda: image("JPEG", 7071, 7071, progressive=True), id="jpeg-progressive"),
        pytest.param(lambda: image("JPEG", 12_000, 12_000), id="jpeg"),
        pytest.param(lambda: many_scans(3000), id="jpeg-scans"),
        pytest.param(lambda: frames("WEBP", size=(3000, 2000)), id="webp-animated"),
    ],
)
def test_an_image_that_takes_too_much_to_decode_is_refused_before(
    content: Callable[[], bytes],
) -> None:
    given = content()
    before = resource.getrusage(resource.RUSAGE_SELF)
    with pytest.raises(ImageTooLargeError):
        sanitise_image(given)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_maxrss - before.ru_maxrss < 32 * 1024
    assert after.ru_utime - before.ru_utime < 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "size"),
    [
        pytest.param(lambda: png(4000, 3000), (2000, 1500), id="png-12-megapixels"),
        pytest.param(lambda: png(4000, 3000, bits=16), (2000, 1500), id="png-16-bit"),
        pytest.param(lambda: image("JPEG", 8160, 6120), (2000, 1500), id="jpeg-50-megapixels"),
        pytest.param(lambda: image("JPEG", 60_000, 8), (2000, 1), id="jpeg-narrow"),
        pytest.param(
            lambda: image("JPEG", 4000, 3000, progressive=True), (2000, 1500), id="progressive"
        ),
        pytest.param(multi_picture, (60, 40), id="several-views"),
        pytest.param(lambda: frames("PNG", size=(60, 40)), (60, 40), id="png-animated"),
        pytest.param(
            lambda: png(9, 9, chunks=png_chunk(b"eXIf", overlapping_exif(5000, 4_000_000))),
            (9, 9),
            id="exif-of-20-gigabytes",
        ),
        pytest.param(
            lambda: png(9, 9, chunks=png_chunk(b"tEXt", b"a\0b") * 20_000), (9, 9), id="chunks"
        ),
    ],
)
def test_a_large_photograph_is_stored(content: Callable[[], bytes], size: tuple[int, int]) -> None:
    stored = sanitise_image(content())
    with Image.open(io.BytesIO(stored.content)) as opened:
        assert opened.size == size
        assert getattr(opened, "n_frames", 1) == 1


def test_transparency_and_orientation_remain() -> None:
    given = Image.new("RGBA", (60, 40), (0, 128, 0, 255))
    given.putpixel((0, 0), (0, 0, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 8
    made = io.BytesIO()
    given.save(made, "PNG", exif=exif)
    with Image.open(io.BytesIO(sanitise_image(made.getvalue()).content)) as opened:
        assert opened.size == (40, 60)
        assert opened.getpixel((0, 59)) == (0, 0, 0, 0)
        assert opened.getpixel((0, 0)) == (0, 128, 0, 255)


@given(st.binary(max_size=200), st.integers(0, 600))
def test_no_bytes_break_the_reader(noise: bytes, at: int) -> None:
    base = picture()
    with suppress(InvalidImageError):
        sanitise_image(base[:at] + noise + base[at + len(noise) :])


def test_an_image_is_stored_once_and_shown_to_citizen_and_agency(office: Room, agency: str) -> None:
    filed = file(office, agency=agency)
    holder = {"Ticket-Token": filed["token"]}
    first, again = (send(office, filed, with_metadata(), **holder) for _ in range(2))
    assert first.status_code == 201
    assert first.json() == again.json()
    address = first.json()["href"]
    shown = call(office, "GET", address, token=filed["token"])
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["x-content-type-options"] == "nosniff"
    policy = set(shown.headers["content-security-policy"].split("; "))
    assert {"default-src 'none'", "frame-ancestors 'none'", "sandbox"} <= policy
    assert PLACE not in shown.content
    assert call(office, "GET", address, caller=handler_of(agency)).content == shown.content
    assert call(office, "GET", address).status_code == 401
    assert call(office, "GET", address, caller=handler_of("other")).status_code == 403
    case = call(office, "GET", filed["href"], token=filed["token"]).json()
    assert case["details"]["attachments"] == [first.json()]


@pytest.mark.slow
def test_strangers_and_too_much_are_refused(office: Room, agency: str) -> None:
    filed = file(office, agency=agency)
    holder = {"Ticket-Token": filed["token"]}
    assert send(office, filed, picture()).status_code == 401
    assert send(office, filed, b"%PDF-1.7", **holder).status_code == 422
    assert send(office, filed, bytes(6 * 1024 * 1024 + 1), **holder).status_code == 413
    assert send(office, filed, png(7071, 7071), **holder).status_code == 413
    for side in range(5):
        assert send(office, filed, picture(size=(9 + side, 9)), **holder).status_code == 201
    assert send(office, filed, picture(size=(99, 9)), **holder).status_code == 409


def test_the_writer_deletes_a_picture_with_the_secret(office: Room, agency: str) -> None:
    filed = file(office, agency=agency)
    access = {"token": filed["token"]}
    first, second = (
        send(office, filed, picture(size=(60, side)), **{"Ticket-Token": filed["token"]}).json()
        for side in (40, 50)
    )
    assert call(office, "DELETE", first["href"]).status_code == 401
    assert call(office, "DELETE", first["href"], caller=handler_of(agency)).status_code == 403
    assert call(office, "DELETE", first["href"], **access).status_code == 204
    assert call(office, "DELETE", first["href"], **access).status_code == 404
    case = call(office, "GET", filed["href"], **access).json()
    assert [one["id"] for one in case["details"]["attachments"]] == [second["id"]]
    assert case["timeline"][-1]["action"] == "attachment_deleted"
    assert call(office, "DELETE", filed["href"], **access).status_code == 204
    assert call(office, "GET", second["href"], **access).status_code == 404
