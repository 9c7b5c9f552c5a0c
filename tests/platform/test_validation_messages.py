"""What is wrong with a field, in the reader's language and in the hub's own words."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from services.platform.body_errors import first_errors
from services.platform.problems import MAX_ERRORS, field_errors
from services.platform.types import IsoDate, StrictNumber, UtcDatetime
from services.platform.validation_messages import MESSAGES, validation_message


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    text: Annotated[str, Field(min_length=2, max_length=4, pattern="^[a-z]+$")] = "aa"
    kind: Literal["a", "b"] = "a"
    count: Annotated[int, Field(gt=0, le=9, multiple_of=2)] = 2
    share: Annotated[float, Field(ge=0, lt=1)] = 0
    yes: bool = True
    day: date = date(2024, 1, 1)
    at: AwareDatetime | None = None
    utc: UtcDatetime | None = None
    iso: IsoDate | None = None
    number: Annotated[float, StrictNumber] = 0
    id: UUID | None = None
    items: Annotated[list[int], Field(min_length=1, max_length=2)] = [1]
    inner: "Thing | None" = None


WRONG: list[dict[str, Any]] = [
    {"text": 1},
    {"text": "a"},
    {"text": "aaaaa"},
    {"text": "A9"},
    {"text": "\ud800"},
    {"kind": "c"},
    {"count": "x"},
    {"count": 1.5},
    {"count": 0},
    {"count": 10},
    {"count": 3},
    {"count": None},
    {"share": "x"},
    {"share": -1},
    {"share": 1},
    {"share": float("nan")},
    {"yes": "perhaps"},
    {"day": "2024-02-30"},
    {"day": "2024-02-01T08:00:00"},
    {"day": []},
    {"at": "yesterday"},
    {"at": "2024-02-01T08:00:00"},
    {"utc": "01/02/2024"},
    {"iso": 17},
    {"number": "1"},
    {"id": "x"},
    {"items": {}},
    {"items": []},
    {"items": [1, 2, 3]},
    {"inner": []},
    {"colour": 1},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_every_kind_of_error_is_said_in_both_languages(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Thing.model_validate(wrong)
    for item in caught.value.errors():
        indonesian, english = (validation_message(dict(item), lang) for lang in ("id", "en"))
        assert indonesian != english
        for told in (indonesian, english):
            assert told != item["msg"]
            assert "%" not in told
            assert "should" not in told


def test_the_first_of_very_many_errors_keep_their_values() -> None:
    with pytest.raises(ValidationError) as caught:
        Thing.model_validate({"text": "aaaaa", **{f"more{n}": 1 for n in range(MAX_ERRORS)}})
    located = [
        {**error, "loc": ("body", *error["loc"])} for error in first_errors(caught.value).errors()
    ]
    told = field_errors(RequestValidationError(located, body={"text": "aaaaa"}), "id")
    assert (told[0].pointer, told[0].detail) == ("#/text", "paling banyak 4 karakter")


def test_every_message_names_only_values_of_its_error() -> None:
    limits = "min_length max_length actual_length pattern expected gt ge lt le multiple_of"
    names = f"{limits} discriminator expected_tags expected_schemes"
    values = dict.fromkeys(names.split(), "1")
    for kind in MESSAGES:
        item = {"type": kind, "msg": "raw", "loc": ("body", 3), "ctx": values}
        assert validation_message(item, "en") != "raw"
