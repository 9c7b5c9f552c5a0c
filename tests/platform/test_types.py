"""Field types take what the documents promise, and nothing that merely looks like it."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from services.platform.types import IsoDate, StrictNumber, UtcDatetime

DAY: TypeAdapter[Any] = TypeAdapter(IsoDate)
MOMENT: TypeAdapter[Any] = TypeAdapter(UtcDatetime)
NUMBER: TypeAdapter[Any] = TypeAdapter(Annotated[int, Field(ge=0), StrictNumber])


def test_a_day_is_written_as_year_month_day() -> None:
    assert DAY.validate_python("2024-03-31") == date(2024, 3, 31)
    assert DAY.validate_python(date(2024, 3, 31)) == date(2024, 3, 31)


def test_a_timestamp_has_a_zone_and_is_stored_in_utc() -> None:
    stored = datetime(2024, 3, 31, 17, tzinfo=UTC)
    for written in ("2024-04-01T00:00:00+07:00", "2024-03-31T17:00:00Z", stored):
        assert MOMENT.validate_python(written) == stored
    with pytest.raises(ValidationError, match="timezone"):
        MOMENT.validate_python("2024-03-31T17:00:00")


@pytest.mark.parametrize("value", [0, "0", 86400, "86400", 0.5, "0.5", True, "20240331", "today"])
@pytest.mark.parametrize("kind", [DAY, MOMENT])
def test_a_number_is_no_time(kind: TypeAdapter[Any], value: object) -> None:
    with pytest.raises(ValidationError, match="2024-03-31"):
        kind.validate_python(value)


def test_a_number_in_a_body_is_a_number() -> None:
    assert NUMBER.validate_python(3) == NUMBER.validate_python(3.0) == 3
    for value in ("3", True, False, None, 3.5):
        with pytest.raises(ValidationError):
            NUMBER.validate_python(value)


def test_the_schema_of_a_body_number_has_its_limits() -> None:
    assert NUMBER.json_schema() == {"type": "integer", "minimum": 0}
