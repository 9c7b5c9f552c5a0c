"""Arms of a regency: only pictures that draw, of a bounded size, are taken into pages."""

import struct

import pytest

from services.platform.arms import MAX_BYTES, PNG_SIGNATURE, check_arms
from services.platform.validation_messages import InvalidValueError

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"'
ARMS = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- drawn anew -->\n{HEAD} '
    'xmlns:x="http://www.w3.org/1999/xlink"><defs><linearGradient id="gold"><stop offset="0"/>'
    '</linearGradient></defs><path id="shield" style="fill:url(#gold)" d="M0 0h9v9z"/>'
    '<use x:href="#shield"/></svg>'
)


def png(width: int, height: int) -> bytes:
    return PNG_SIGNATURE + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x06\0\0\0"


def test_drawings_and_images_of_a_bounded_size_are_taken() -> None:
    check_arms(ARMS.encode(), "svg")
    check_arms(png(400, 512), "png")


@pytest.mark.parametrize(
    ("content", "ending", "message"),
    [
        (f"{HEAD}><script>alert(1)</script></svg>", "svg", "the element script"),
        (f'{HEAD} onload="alert(1)"/>', "svg", "attribute onload"),
        (f'{HEAD}><a href="javascript:alert(1)"><path/></a></svg>', "svg", "the element a"),
        (f'{HEAD}><use href="https://elsewhere.test/#x"/></svg>', "svg", "attribute href"),
        (f'{HEAD}><path style="fill:url( //elsewhere.test)"/></svg>', "svg", "attribute style"),
        (f"{HEAD}><style>@import '//elsewhere.test'</style></svg>", "svg", "the element style"),
        (f'{HEAD}><set attributeName="href" to="x"/></svg>', "svg", "the element set"),
        (f"{HEAD}><foreignObject/></svg>", "svg", "the element foreignObject"),
        (f'{HEAD}><b xmlns="http://www.w3.org/1999/xhtml"/></svg>', "svg", "the element b"),
        ('<!DOCTYPE svg [<!ENTITY a "b">]>' + ARMS[38:], "svg", "must not contain DOCTYPE"),
        ("<html/>", "svg", "is no SVG file"),
        (f"{HEAD}>", "svg", "is no SVG file"),
        ("GIF89a", "png", "is no PNG file"),
        (ARMS, "png", "is no PNG file"),
        (f"{HEAD}>{' ' * MAX_BYTES}</svg>", "svg", "at most 100000"),
    ],
)
def test_what_could_do_more_than_draw_is_refused(content: str, ending: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        check_arms(content.encode(), ending)
    assert message in str(refused.value)


def test_an_image_of_too_many_pixels_is_refused() -> None:
    with pytest.raises(InvalidValueError) as refused:
        check_arms(png(1025, 10), "png")
    assert "1025 x 10 pixels" in str(refused.value)
