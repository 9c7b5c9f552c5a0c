"""Values of fields as cells, and cells as people fill them in as values."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import cast

from pydantic import JsonValue

from services.catalog.spreadsheet.sheets import NO, YES, Field
from services.platform.spreadsheets.grid import normalise
from services.platform.spreadsheets.model import Cell
from services.platform.translation import N_, Message
from services.platform.types import normalise_line_breaks

CONTINUED = "  "
"""Beginning of a line that continues the text above it."""
NOT_IN_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")

_THOUSANDS = re.compile(r"\d{1,3}(\.\d{3})+")
_DIGITS = re.compile(r"\d{1,18}", re.ASCII)
_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
"""A date as spreadsheets in Indonesian save it in CSV: 31/12/2024."""
_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?:[:.]00)?|PT(\d{1,2})H(\d{2})M(?:00S)?")
"""A time: 08:00, 08.00, 08:00:00, or PT08H00M00S of a cell of ODS."""
_WORDS = {YES: True, "yes": True, "true": True, NO: False, "no": False, "false": False}

YES_OR_NO = N_("isi ya atau tidak")
ONE_OF = N_("harus salah satu dari: %(names)s")
NOT_AN_ARTICLE = N_("tiap baris harus seperti kode sumber: Pasal 15, bukan '%(line)s'")


class CellError(Exception):
    """A cell does not hold what its column needs."""

    def __init__(self, message: Message, **values: object) -> None:
        super().__init__(message.text)
        self.message = message
        self.values = values


def to_cell(field: Field, value: JsonValue) -> Cell:
    """Return a value as a cell; None if there is none, or a default that goes without saying."""
    value = field.default if value is None and isinstance(field.default, str) else value
    if value in (None, "", [], {}):
        return None
    cell: Cell = str(value)
    match field.form:
        case "text":
            cell = _clean(field.labels.get(str(value), str(value)))
        case "lines":
            cell = _clean(_join(str(each) for each in _list(value)))
        case "keys":
            cell = "; ".join(field.labels.get(str(key), str(key)) for key in _list(value))
        case "articles":
            articles = sorted(cast("Mapping[str, str]", value).items())
            cell = _clean(_join(f"{key}: {text}" for key, text in articles if _clean(text.strip())))
        case "yes_no":
            cell = None if value == field.default else YES if value else NO
        case "number" | "decimal" if isinstance(value, int | float):
            cell = value
        case _:  # dates and times are written as texts: programs display them in many formats
            pass
    return cell


def from_cell(field: Field, cell: Cell) -> JsonValue:
    """Return the value of a cell; None if it is empty or holds the default.

    What is no value of the field's type is returned as it is, for the record's model to refuse.

    Raises:
        CellError: The cell cannot be understood.
    """
    if cell is None:
        return None
    text = normalise_line_breaks(_text(cell)).strip()
    value: JsonValue = text
    match field.form:
        case "text":
            value = _code(field, text) if field.labels else text
        case "lines":
            value = cast("list[JsonValue]", _split(text))
        case "keys":
            keys = [key for part in re.split(r"[;,\n]", text) if (key := part.strip())]
            value = [_code(field, key) if field.labels else key for key in keys]
        case "articles":
            value = dict(_article(line) for line in _split(text))
        case "yes_no":
            value = _yes_or_no(text)
        case "number":
            value = cell if isinstance(cell, int | float) else _number(text)
        case "decimal":
            value = cell if isinstance(cell, int | float) else _decimal(text)
        case "date":
            found = _DAY.fullmatch(text)
            value = f"{found[3]}-{found[2]:0>2}-{found[1]:0>2}" if found else text
        case "clock":
            value = _clock(text)
    return None if value == field.default or value in ("", [], {}) else value


def _clean(text: str) -> Cell:
    """Return a text without what a workbook cannot hold, as it is read again."""
    return normalise(NOT_IN_XML.sub("", normalise_line_breaks(text)))


def _list(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, list) else [value]


def _join(texts: Iterable[str]) -> str:
    """Return texts, one a line; further lines of a text are indented."""

    stripped = (normalise_line_breaks(text).strip() for text in texts)
    return "\n".join(text.replace("\n", f"\n{CONTINUED}") for text in stripped if text)


def _split(text: str) -> list[str]:
    texts: list[str] = []
    for line in text.split("\n"):
        if texts and line.startswith(CONTINUED):
            texts[-1] += f"\n{line.removeprefix(CONTINUED)}"
        elif line.strip():
            texts.append(line.strip())
    return [text.strip() for text in texts]


def _text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return YES if cell else NO
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _code(field: Field, text: str) -> str:
    for code, label in field.labels.items():
        if text.casefold() in (label.casefold(), code):
            return code
    raise CellError(ONE_OF, names=", ".join(field.labels.values()))


def _article(line: str) -> tuple[str, str]:
    source, colon, article = line.partition(":")
    if not (colon and source.strip() and article.strip()):
        raise CellError(NOT_AN_ARTICLE, line=line)
    return source.strip(), article.strip()


def _yes_or_no(text: str) -> bool:
    answer = _WORDS.get(text.casefold())
    if answer is None:
        raise CellError(YES_OR_NO)
    return answer


def _number(text: str) -> JsonValue:
    """Return a whole number; points are the separators of thousands in Indonesian."""
    plain = text.replace(".", "") if _THOUSANDS.fullmatch(text) else text
    return int(plain) if _DIGITS.fullmatch(plain) else text


def _decimal(text: str) -> JsonValue:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


def _clock(text: str) -> str:
    found = _CLOCK.fullmatch(text)
    if found is None:
        return text
    hour, minute = found[1] or found[3], found[2] or found[4]
    return f"{hour:0>2}:{minute}"
