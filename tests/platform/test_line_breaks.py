"""Line breaks in texts, as browsers, spreadsheets and word processors write them."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from services.feedback.comments.schemas import MAX_TEXT_LENGTH, CommentText
from services.feedback.form_checks import Honeypot
from services.feedback.statistics.flag_schemas import FlagExplanation
from services.feedback.surveys.follow_up_schemas import LongText
from services.platform.types import ShortText, Text

TEXTS = [CommentText, Text, ShortText, LongText, Honeypot]


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("sign", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_every_line_break_is_stored_as_lf(kind: Any, sign: str) -> None:
    text = TypeAdapter(kind).validate_python(f"satu{sign}dua{sign}{sign}tiga")
    assert text == "satu\ndua\n\ntiga"


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x1b", "\x7f"])
def test_other_control_characters_are_refused(kind: Any, sign: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(f"satu{sign}dua")


def test_a_length_is_counted_after_line_breaks_are_normalised() -> None:
    pairs = "a\r\n" * (MAX_TEXT_LENGTH // 2)
    assert len(TypeAdapter(CommentText).validate_python(pairs)) == MAX_TEXT_LENGTH
    with pytest.raises(ValidationError):
        TypeAdapter(CommentText).validate_python(f"{pairs}b")


def test_a_model_takes_them_too() -> None:
    assert FlagExplanation(explanation="satu\r\ndua").explanation == "satu\ndua"
