"""Numbers of persons, phones and e-mail addresses are found however they are written."""

import string
import sys
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.personal_data import MASKS, find_personal_data, mask_personal_data

CIRCLED = "\u24ea\u2460\u2461\u2462\u2463\u2464\u2465\u2466\u2467\u2468"
DISTRICTS = st.sampled_from(["121201", "110101", "317406", "737114", "910203", "327325"])
SEPARATORS = st.sampled_from(["", "", " ", ".", "-", " - ", "\u2013", "\u00a0", "\u200b"])
WORDS = st.text(alphabet=string.ascii_letters + " ,;:!?\n", max_size=30)


@st.composite
def identity_numbers(draw: st.DrawFn) -> str:
    day = draw(st.integers(1, 28)) + draw(st.sampled_from([0, 40]))
    birth = f"{day:02}{draw(st.integers(1, 12)):02}{draw(st.integers(0, 99)):02}"
    return f"{draw(DISTRICTS)}{birth}{draw(st.integers(1, 9999)):04}"


@st.composite
def phone_numbers(draw: st.DrawFn) -> str:
    prefix = draw(st.sampled_from(["08", "+628", "628"]))
    return f"{prefix}{draw(st.integers(1, 9))}{draw(st.from_regex(r'[0-9]{7,9}', fullmatch=True))}"


@st.composite
def set_apart(draw: st.DrawFn, number: str, *, code: int) -> str:
    """Return a number whose digits after a code are set apart, in digits of some script."""
    rest = "".join(digit + draw(SEPARATORS) for digit in number[code:-1]) + number[-1]
    written = number[:code] + rest
    zero = draw(st.sampled_from(["0", "\uff10", "\u0660"]))
    return written.translate({ord("0") + n: chr(ord(zero) + n) for n in range(10)})


@given(st.data(), WORDS, WORDS)
def test_an_identity_number_is_masked_however_it_is_written(
    data: st.DataObject, before: str, after: str
) -> None:
    number = data.draw(identity_numbers())
    written = data.draw(set_apart(number, code=0))
    masked = mask_personal_data(before + written + after)
    assert masked.text == before + MASKS["identity_number"] + after
    assert masked.kinds == ("identity_number",)


@given(st.data(), WORDS, WORDS)
def test_a_phone_number_is_masked_however_it_is_written(
    data: st.DataObject, before: str, after: str
) -> None:
    number = data.draw(phone_numbers())
    written = data.draw(set_apart(number, code=len(number) - 8))
    masked = mask_personal_data(before + written + after)
    assert masked.text == before + MASKS["phone"] + after
    assert masked.kinds == ("phone",)


@given(st.text())
def test_a_masked_text_has_nothing_to_mask(text: str) -> None:
    masked = mask_personal_data(text)
    assert mask_personal_data(masked.text) == masked.__class__(masked.text, ())
    assert (masked.text == text) == (masked.kinds == ())


@pytest.mark.slow
@pytest.mark.parametrize(
    "repeated",
    [
        "9.999 1 ",
        "12.345 ",
        "1.111.111 ",
        "1 ",
        "0 ",
        "1/1 ",
        "0812-3456-7890 a@b.co ",
        "a(at)",
        "+62 812 ",
        ".",
    ],
)
def test_the_work_grows_with_the_text_and_not_with_its_square(repeated: str) -> None:
    def calls(length: int) -> int:
        text, count = repeated * (length // len(repeated)), 0

        def count_call(_frame: FrameType, event: str, _argument: object) -> None:
            nonlocal count
            count += event in {"call", "c_call"}

        sys.setprofile(count_call)
        try:
            find_personal_data(text)
        finally:
            sys.setprofile(None)
        return count

    assert calls(4_000) < 5 * calls(1_000)
    assert calls(4_000) < 250_000  # 50 ms


@given(st.lists(st.one_of(identity_numbers(), phone_numbers(), WORDS), max_size=6))
def test_what_is_found_stands_in_order_and_apart(parts: list[str]) -> None:
    text = "; ".join(parts)
    found = find_personal_data(text)
    ends = [0, *(each.end for each in found)]
    assert all(end <= each.start < each.end for end, each in zip(ends, found, strict=False))
    rest = "".join(text[end : each.start] for end, each in zip(ends, found, strict=False))
    assert len(rest) + sum(each.end - each.start for each in found) == (ends[-1])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("NIK1212014105880001an Siti", "NIK[NIK/KK]an Siti"),
        ("KK 1212010503150007, WA 0812-3456-7890.", "KK [NIK/KK], WA [telepon]."),
        ("12.12.01.410588.0001", "[NIK/KK]"),
        ("1212/0141/0588/0001 1212,0141,0588,0001", "[NIK/KK] [NIK/KK]"),
        ("12120141\n05880001, 1212 - 0141 -\r\n0588 - 0001", "[NIK/KK], [NIK/KK]"),
        ("1212\u22120141\u22120588\u22120001 1212*0141*0588*0001", "[NIK/KK] [NIK/KK]"),
        ("".join(CIRCLED[int(digit)] for digit in "1212014105880001"), "[NIK/KK]"),
        ("".join(f"{digit}\ufe0f\u20e3" for digit in "1212014105880001"), "[NIK/KK]\ufe0f\u20e3"),
        ("\u3164".join("1212014105880001"), "[NIK/KK]"),
        ("\u0332".join("081234567890"), "[telepon]"),
        ("0812\n3456\n7890", "[telepon]"),
        ("hubungi (0632) 21234 atau 021-1234567", "hubungi ([telepon] atau [telepon]"),
        ("+60 12-345 6789 (Malaysia)", "[telepon] (Malaysia)"),
        ("wa.me/6281234567890", "wa.me/[telepon]"),
        ("08 12 34 56 78 90", "[telepon]"),
        ("budi.s+ktp@mail.example.co.id", "[surel]"),
        ("budi (at) example (dot) com", "[surel]"),
        ("budi\uff20example.com", "[surel]"),
    ],
)
def test_it_is_found_in_these_forms(text: str, masked: str) -> None:
    assert mask_personal_data(text).text == masked


@pytest.mark.parametrize(
    "text",
    [
        "Rp 12.500.000, Rp1.212.014.105.880.001 dan Rp 62.812.345.678,00",
        "tanggal 08-12-2024 10.30, 08.12.2024 10.30-11.30, 2024-03-05T08:00:00+07:00",
        "buka 0800-1500 dan 0730-1600 0900-1200",
        "tanggal 12/12/2024 jam 10:30-12:45, 12-12-2024, 10:30:12:45; SK 0812/456/2024",
        "Rp 1,212,014,105,880,001; nilai 12,12 01,41 05,88 00,01",
        "izin 503/17/DPMPTSP/2026, 503.16.01.2024, SK 0123/456/2024",
        "tiket 7K3M-9QXT-2C86",
        "NIP 198503152010011001, NIB 9120001234567, NOP 12.12.010.005.004-0123.0",
        "tahun 2019 2020 2021 2022, 1998-2001-2012-2020",
        "1212013213880001 1212004105880001 2012014105880001 1212014105880000",
        "id 0195d2a4-7c1e-7b60-9a55-3f1c2d4e5a63, 550e8400-e29b-41d4-a716-446655440000",
        "12345678901234567890, 0000-0000-0000, call center 1500123, 14045",
        "pasal 15 ayat (2) UU 25/2009; 1,5 juta; 50%; @dukcapil; a@b",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert mask_personal_data(text).text == text
