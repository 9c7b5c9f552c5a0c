"""Parse counts, months and channels as people in Indonesia write them in spreadsheets."""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Literal

from services.feedback.channels import ChannelKind
from services.feedback.statistics.counters import MAX_COUNT
from services.platform.languages import COMPLETE_LANGUAGES
from services.platform.spreadsheets.model import Cell
from services.platform.translation import translator

CellErrorCode = Literal[
    "not_a_number", "fraction", "negative", "too_many", "dash", "not_a_month", "not_a_channel"
]


class CellValueError(Exception):
    """A cell whose value cannot be parsed; `code` gives the reason."""

    def __init__(self, code: CellErrorCode) -> None:
        super().__init__(code)
        self.code: CellErrorCode = code


_OTHER_MONTH_NAMES = {
    # Older spellings, and the abbreviations of spreadsheets and calendars.
    "pebruari": 2,
    "peb": 2,
    "agt": 8,
    "ags": 8,
    "agust": 8,
    "sept": 9,
    "nopember": 11,
    "nop": 11,
}


@cache
def _month_numbers() -> Mapping[str, int]:
    """Return the number of each month by its names; the first call reads data of languages."""
    names = [
        (number, translator(language).month_name(number).lower())
        for language in COMPLETE_LANGUAGES
        for number in range(1, 13)
    ]
    whole = {name: number for number, name in names}
    return whole | {name[:3]: number for number, name in names} | _OTHER_MONTH_NAMES


CHANNEL_LABELS: Mapping[ChannelKind, str] = {
    "online": "daring",
    "counter": "loket",
    "phone": "telepon",
    "visit": "kunjungan",
    "email": "surel",
}
"""Names of the channels in the template."""
_CHANNEL_CODES: Mapping[str, ChannelKind] = {
    **{code: code for code in CHANNEL_LABELS},
    **{word: code for code, word in CHANNEL_LABELS.items()},
    "e-mail": "email",
    "telp": "phone",
    "tatap muka": "counter",
    "kunjungan petugas": "visit",
}

_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]+")
_DIGITS = re.compile(r"(\d{1,18})(?:[.,]0{1,2})?", re.ASCII)
_GROUPED = re.compile(r"(\d{1,3}(?:([.' ])\d{3})(?:\2\d{3})*)(?:,0+)?", re.ASCII)
_FRACTION = re.compile(r"[\d.]+,\d+|\d+\.\d+|[\d,]+\.\d+", re.ASCII)
_ENGLISH_GROUPS = re.compile(r"\d{1,3}(,\d{3})+", re.ASCII)

_YEAR_FIRST = re.compile(
    r"(20\d{2})[-/. ]?(\d{1,2})(?:[-/.]\d{1,2})?(?:[t ]\d{2}:\d{2}.*)?", re.ASCII
)
_YEAR_LAST = re.compile(r"(?:\d{1,2}[-/.])?(\d{1,2})[-/. ](20\d{2})", re.ASCII)
_MONTH_NAME = re.compile(r"(?:\d{1,2}[- ])?([a-z]+)[-. /']*(20\d{2}|\d{2})", re.ASCII)


def parse_count(cell: Cell) -> int:
    """Return the count in a cell: 1234, "1.234", "1 234", "1.234,00", "nihil"."""
    if isinstance(cell, bool) or cell is None or isinstance(cell, date):
        raise CellValueError("not_a_number")
    if isinstance(cell, float):
        raise CellValueError("fraction" if abs(cell) < MAX_COUNT else "too_many")
    value = cell if isinstance(cell, int) else _parse_count_text(cell)
    if value < 0:
        raise CellValueError("negative")
    if value > MAX_COUNT:
        raise CellValueError("too_many")
    return value


def _parse_count_text(cell: str) -> int:
    text = _SPACES.sub(" ", cell).strip().lower()
    if text in {"nihil", "nol"}:
        return 0
    if text in {"-", "--", "–", "—"}:
        # Ambiguous: some mean zero, others unknown.
        raise CellValueError("dash")
    if text[:1] in {"-", "−"} and text[1:2].isdigit():
        raise CellValueError("negative")
    if match := _GROUPED.fullmatch(text):
        return int(re.sub(r"\D", "", match[1]))
    if match := _DIGITS.fullmatch(text):
        return int(match[1])
    if _FRACTION.fullmatch(text) or _ENGLISH_GROUPS.fullmatch(text):
        raise CellValueError("fraction")
    raise CellValueError("too_many" if re.fullmatch(r"[0-9]+", text) else "not_a_number")


def parse_month(cell: Cell) -> date:
    """Return the month in a cell.

    A date, "2024-03", "Maret 2024", "03/2024", "Mar-24" or "01/03/2024".
    """
    if isinstance(cell, date):
        return _month_of(cell.year, cell.month)
    if cell is None or isinstance(cell, bool | float):
        raise CellValueError("not_a_month")
    text = _SPACES.sub(" ", str(cell)).strip().lower()
    if match := _YEAR_FIRST.fullmatch(text):
        return _month_of(int(match[1]), int(match[2]))
    if match := _YEAR_LAST.fullmatch(text):
        return _month_of(int(match[2]), int(match[1]))
    if (match := _MONTH_NAME.fullmatch(text)) and (number := _month_numbers().get(match[1])):
        return _month_of(int(match[2]) % 2000 + 2000, number)
    raise CellValueError("not_a_month")


def _month_of(year: int, month: int) -> date:
    if not (2000 <= year <= 2099 and 1 <= month <= 12):
        raise CellValueError("not_a_month")
    return date(year, month, 1)


def parse_channel(cell: Cell) -> ChannelKind:
    """Return the channel in a cell, by its code or its Indonesian name."""
    channel = _CHANNEL_CODES.get(_SPACES.sub(" ", str(cell)).strip().lower())
    if channel is None:
        raise CellValueError("not_a_channel")
    return channel
