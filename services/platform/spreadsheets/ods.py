"""Reads ODS (OpenDocument 1.3, part 3), as LibreOffice saves it."""

import zipfile
from collections.abc import Iterator
from datetime import datetime
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from services.platform.spreadsheets.grid import MAX_CELLS, MAX_COLUMNS, Grid, Merge, Value
from services.platform.spreadsheets.model import Sheet, file_error

MEDIA_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_NAMESPACES = "urn:oasis:names:tc:opendocument:xmlns:{}:1.0"
TABLE, OFFICE, TEXT, STYLE = (
    f"{{{_NAMESPACES.format(name)}}}" for name in ("table", "office", "text", "style")
)
ROW_GROUPS = frozenset(
    TABLE + name for name in ("table-row-group", "table-header-rows", "table-rows")
)


def is_ods(archive: zipfile.ZipFile) -> bool:
    """Return whether a package is an OpenDocument spreadsheet, or a template of one."""
    try:
        return archive.read("mimetype").startswith(MEDIA_TYPE)
    except KeyError:
        return False


def read_ods(archive: zipfile.ZipFile) -> list[Sheet]:
    """Return the sheets of a workbook; its size was checked before."""
    if b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise file_error("password")
    root = fromstring(archive.read("content.xml"))
    hidden = _hidden_styles(root)
    sheets: list[Sheet] = []
    free = MAX_CELLS
    for table in root.iter(f"{TABLE}table"):
        grid = Grid(table.get(f"{TABLE}name", ""), max_cells=free)
        _read_rows(table, grid)
        free = grid.free_cells
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
            repeated = int(cell.get(f"{TABLE}number-columns-repeated", "1"))
            value = _value(cell)
            column = len(values) + 1
            if value is None and cell.get(f"{TABLE}formula") is not None:
                issues.append(column)
            if value is not None and (span := _merge(cell, number, column)) is not None:
                merges.append(span)
            # An empty cell is often repeated to the last column.
            values += [value] * min(repeated, MAX_COLUMNS + 1 - len(values))
        repeated = int(row.get(f"{TABLE}number-rows-repeated", "1"))
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
        elif child.tag in ROW_GROUPS:
            yield from _rows(child)


def _merge(cell: Element, row: int, column: int) -> Merge | None:
    rows = int(cell.get(f"{TABLE}number-rows-spanned", "1"))
    columns = int(cell.get(f"{TABLE}number-columns-spanned", "1"))
    if rows == columns == 1:
        return None
    return Merge(row, row + rows - 1, column, column + columns - 1)


def _value(cell: Element) -> Value:
    """Return the value of a cell; of a text its paragraphs."""
    kind = cell.get(f"{OFFICE}value-type")
    if kind in {"float", "percentage", "currency"}:
        return float(cell.get(f"{OFFICE}value", "nan"))
    if kind == "date":
        return datetime.fromisoformat(cell.get(f"{OFFICE}date-value", ""))
    if kind == "boolean":
        return cell.get(f"{OFFICE}boolean-value") == "true"
    if kind == "time":
        return cell.get(f"{OFFICE}time-value")
    paragraphs = ["".join(each.itertext()) for each in cell.findall(f"{TEXT}p")]
    return "\n".join(paragraphs) or None
