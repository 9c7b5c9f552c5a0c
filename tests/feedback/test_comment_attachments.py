"""Pictures to comments: known by content, written anew, shown to whom they concern."""

import io
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.feedback.comments.images import InvalidImageError, sanitise_image
from tests.conftest import Room
from tests.feedback.complaints import call, file, handler_of

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
    assert "sandbox" in shown.headers["content-security-policy"]
    assert PLACE not in shown.content
    assert call(office, "GET", address, caller=handler_of(agency)).content == shown.content
    assert call(office, "GET", address).status_code == 401
    assert call(office, "GET", address, caller=handler_of("other")).status_code == 403
    case = call(office, "GET", filed["href"], token=filed["token"]).json()
    assert case["details"]["attachments"] == [first.json()]


def test_strangers_and_too_much_are_refused(office: Room, agency: str) -> None:
    filed = file(office, agency=agency)
    holder = {"Ticket-Token": filed["token"]}
    assert send(office, filed, picture()).status_code == 401
    assert send(office, filed, b"%PDF-1.7", **holder).status_code == 422
    assert send(office, filed, bytes(6 * 1024 * 1024 + 1), **holder).status_code == 413
    for side in range(5):
        assert send(office, filed, picture(size=(9 + side, 9)), **holder).status_code == 201
    assert send(office, filed, picture(size=(99, 9)), **holder).status_code == 409
