"""Reads ODS (OpenDocument 1.3, part 3), as LibreOffice saves it."""

import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from services.platform.spreadsheets.grid import (
    MAX_CELL_LENGTH,
    MAX_COLUMNS,
    Bounds,
    Grid,
    Merge,
    Value,
)
from services.platform.spreadsheets.model import Sheet, file_error

MEDIA_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_NAMESPACES = "urn:oasis:names:tc:opendocument:xmlns:{}:1.0"
TABLE, OFFICE, TEXT, STYLE = (
    f"{{{_NAMESPACES.format(name)}}}" for name in ("table", "office", "text", "style")
)
NOT_OF_TABLE = frozenset({f"{TABLE}shapes", f"{TABLE}table", f"{OFFICE}forms"})
"""Elements of a table whose rows, if any, are not its own."""
ERROR = re.compile(r"Err:\d{3}$|#[A-Z/0!?_]+[!?A0]$")
"""What a cell shows whose formula cannot be computed."""
BLANKS = {f"{TEXT}s": " ", f"{TEXT}tab": "\t", f"{TEXT}line-break": "\n"}
"""Elements that stand for blanks in a paragraph."""


def is_ods(archive: zipfile.ZipFile) -> bool:
    """Return whether a package is an OpenDocument spreadsheet, or a template of one."""
    try:
        return archive.read("mimetype").startswith(MEDIA_TYPE)
    except KeyError:
        return False


def read_ods(archive: zipfile.ZipFile, bounds: Bounds) -> list[Sheet]:
    """Return the sheets of a workbook; its size was checked before."""
    if b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise file_error("password")
    root = fromstring(archive.read("content.xml"))
    hidden = _hidden_styles(root)
    sheets: list[Sheet] = []
    used = 0
    for table in root.iter(f"{TABLE}table"):
        grid = Grid(table.get(f"{TABLE}name", ""), bounds, used=used)
        _read_rows(table, grid)
        used = grid.used_cells
        sheets.append(grid.sheet(is_hidden=table.get(f"{TABLE}style-name") in hidden))
    return sheets


def _hidden_styles(root: Element) -> set[str | None]:
    """Return the styles of sheets that are not displayed."""
    return {
        style.get(f"{STYLE}name")
        for style in root.iter(f"{STYLE}style")
        for properties in style.iter(f"{STYLE}table-properties")
        if properties.get(f"{TABLE}display") == "false"
    }


def _read_rows(table: Element, grid: Grid) -> None:
    number = 1
    merges: list[Merge] = []
    for row in _rows(table):
        values: list[Value] = []
        issues: list[int] = []
        for cell in row:
            repeated = _count(cell, "number-columns-repeated")
            value = _value(cell)
            column = len(values) + 1
            is_number = isinstance(value, float)
            if is_number and (shown := _paragraphs(cell)) and ERROR.match(shown):
                # Older programs store 0 beside the error of a formula.
                value = shown
            if value is None and cell.get(f"{TABLE}formula") is not None:
                issues.append(column)
            if value is not None and (span := _merge(cell, number, column)) is not None:
                merges.append(span)
            # An empty cell is often repeated to the last column.
            values += [value] * min(repeated, MAX_COLUMNS + 1 - len(values))
        repeated = _count(row, "number-rows-repeated")
        for column in issues:
            grid.add_issue(number, column, "no_value")
        if any(value is not None for value in values):
            for each in range(number, number + repeated):
                grid.add_row(each, values)
        number += repeated
    grid.fill(merges)


def _rows(parent: Element) -> Iterator[Element]:
    for child in parent:
        if child.tag == f"{TABLE}table-row":
            yield child
        elif child.tag not in NOT_OF_TABLE:
            yield from _rows(child)


def _count(element: Element, name: str) -> int:
    """Return how often a row or cell is repeated."""
    count = int(element.get(TABLE + name, "1"))
    if count < 1:
        raise ValueError(f"{name} is {count}")
    return count


def _merge(cell: Element, row: int, column: int) -> Merge | None:
    rows = int(cell.get(f"{TABLE}number-rows-spanned", "1"))
    columns = int(cell.get(f"{TABLE}number-columns-spanned", "1"))
    if rows == columns == 1:
        return None
    return Merge(row, row + rows - 1, column, column + columns - 1)


def _value(cell: Element) -> Value:
    """Return the value of a cell; of a text its paragraphs."""
    kind = cell.get(f"{OFFICE}value-type")
    number = cell.get(f"{OFFICE}value")
    if kind in {"float", "percentage", "currency"} and number is not None:
        return float(number)
    if kind == "date":
        return datetime.fromisoformat(cell.get(f"{OFFICE}date-value", ""))
    if kind == "boolean":
        return cell.get(f"{OFFICE}boolean-value") == "true"
    if kind == "time":
        return cell.get(f"{OFFICE}time-value")
    return _paragraphs(cell) or cell.get(f"{OFFICE}string-value") or None


def _paragraphs(cell: Element) -> str:
    """Return the text that a cell shows."""
    return "\n".join("".join(_texts(each)) for each in cell.findall(f"{TEXT}p"))


def _texts(element: Element) -> Iterator[str]:
    if element.tag in BLANKS:
        count = int(element.get(f"{TEXT}c", "1"))
        yield BLANKS[element.tag] * min(count, MAX_CELL_LENGTH)
    yield element.text or ""
    for child in element:
        yield from _texts(child)
        yield child.tail or ""
