"""How people in Indonesia write counts, months and channels in a spreadsheet."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Literal

from services.feedback.statistics.counters import MAX_COUNT, ChannelKind
from services.platform.languages import COMPLETE_LANGUAGES
from services.platform.spreadsheets import Cell
from services.platform.translation import translator

Trouble = Literal[
    "not_a_number", "fraction", "negative", "too_many", "dash", "not_a_month", "not_a_channel"
]


class NotReadableError(Exception):
    """A cell that does not say what it should; `trouble` tells why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble: Trouble = trouble


_MONTH_NAMES = tuple(
    (number, translator(language).month_name(number).lower())
    for language in COMPLETE_LANGUAGES
    for number in range(1, 13)
)
_SPELLINGS: Mapping[str, int] = {
    **{name: number for number, name in _MONTH_NAMES},
    **{name[:3]: number for number, name in _MONTH_NAMES},
    # Older spellings, and the short forms of spreadsheets and calendars.
    "pebruari": 2,
    "peb": 2,
    "agt": 8,
    "ags": 8,
    "agust": 8,
    "sept": 9,
    "nopember": 11,
    "nop": 11,
}

CHANNELS: Mapping[ChannelKind, str] = {
    "online": "daring",
    "counter": "loket",
    "phone": "telepon",
    "visit": "kunjungan",
    "email": "surel",
}
"""Channels as the template calls them."""
_CHANNELS: Mapping[str, ChannelKind] = {
    **{code: code for code in CHANNELS},
    **{word: code for code, word in CHANNELS.items()},
    "e-mail": "email",
    "telp": "phone",
    "tatap muka": "counter",
    "kunjungan petugas": "visit",
}

_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]+")
_PLAIN = re.compile(r"(\d{1,18})(?:[.,]0{1,2})?", re.ASCII)
_GROUPED = re.compile(r"(\d{1,3}(?:([.' ])\d{3})(?:\2\d{3})*)(?:,0+)?", re.ASCII)
_FRACTION = re.compile(r"[\d.]+,\d+|\d+\.\d+|[\d,]+\.\d+", re.ASCII)
_ENGLISH_GROUPS = re.compile(r"\d{1,3}(,\d{3})+", re.ASCII)

_YEAR_FIRST = re.compile(r"(20\d{2})[-/. ]?(\d{1,2})(?:[-/.]\d{1,2})?(?:[T ].*)?", re.ASCII)
_YEAR_LAST = re.compile(r"(?:\d{1,2}[-/.])?(\d{1,2})[-/. ](20\d{2})", re.ASCII)
_IN_WORDS = re.compile(r"(?:\d{1,2}[- ])?([a-z]+)[-. /']*(20\d{2}|\d{2})", re.ASCII)


def count_in(cell: Cell) -> int:
    """The count in a cell: 1234, "1.234", "1 234", "1.234,00", "nihil"."""
    if isinstance(cell, bool) or cell is None or isinstance(cell, date):
        raise NotReadableError("not_a_number")
    if isinstance(cell, float):
        raise NotReadableError("fraction" if abs(cell) < MAX_COUNT else "too_many")
    value = cell if isinstance(cell, int) else _count_in_text(cell)
    if value < 0:
        raise NotReadableError("negative")
    if value > MAX_COUNT:
        raise NotReadableError("too_many")
    return value


def _count_in_text(cell: str) -> int:
    written = _SPACES.sub(" ", cell).strip().lower()
    if written in {"nihil", "nol"}:
        return 0
    if written in {"-", "--", "–", "—"}:
        # Some mean none by it, others that they do not know.
        raise NotReadableError("dash")
    if written[:1] in {"-", "−"} and written[1:2].isdigit():
        raise NotReadableError("negative")
    if found := _GROUPED.fullmatch(written):
        return int(re.sub(r"\D", "", found[1]))
    if found := _PLAIN.fullmatch(written):
        return int(found[1])
    if _FRACTION.fullmatch(written) or _ENGLISH_GROUPS.fullmatch(written):
        raise NotReadableError("fraction")
    raise NotReadableError("too_many" if re.fullmatch(r"[0-9]+", written) else "not_a_number")


def month_in(cell: Cell) -> date:
    """The month in a cell: a date, "2024-03", "Maret 2024", "03/2024", "Mar-24", "01/03/2024"."""
    if isinstance(cell, date):
        return _month(cell.year, cell.month)
    if cell is None or isinstance(cell, bool | float):
        raise NotReadableError("not_a_month")
    written = _SPACES.sub(" ", str(cell)).strip().lower()
    if found := _YEAR_FIRST.fullmatch(written):
        return _month(int(found[1]), int(found[2]))
    if found := _YEAR_LAST.fullmatch(written):
        return _month(int(found[2]), int(found[1]))
    if (found := _IN_WORDS.fullmatch(written)) and (number := _SPELLINGS.get(found[1])):
        return _month(int(found[2]) % 2000 + 2000, number)
    raise NotReadableError("not_a_month")


def _month(year: int, month: int) -> date:
    if not (2000 <= year <= 2099 and 1 <= month <= 12):
        raise NotReadableError("not_a_month")
    return date(year, month, 1)


def channel_in(cell: Cell) -> ChannelKind:
    """The channel in a cell, by its code or its Indonesian name."""
    channel = _CHANNELS.get(_SPACES.sub(" ", str(cell)).strip().lower())
    if channel is None:
        raise NotReadableError("not_a_channel")
    return channel
