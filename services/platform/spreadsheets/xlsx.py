"""Reads XLSX (ECMA-376): values by openpyxl, and what openpyxl's values do not tell.

A program that writes a workbook may leave formulas without values, and openpyxl then reads an
empty cell; merged cells have a value in the first one only; and of rows or cells that are not in
order openpyxl leaves some out.
"""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, cast
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring, iterparse

from services.platform.lazy_module import LazyModule
from services.platform.spreadsheets.grid import Bounds, Grid, Merge, Value
from services.platform.spreadsheets.model import Sheet

if TYPE_CHECKING:
    import openpyxl
else:
    openpyxl = LazyModule("openpyxl")

RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


@dataclass
class _Layout:
    """Formulas and merged ranges of a sheet."""

    formulas: list[tuple[int, int, bool]] = field(default_factory=list[tuple[int, int, bool]])
    """Row, column, and whether a value was stored, of each cell with a formula."""
    merges: list[Merge] = field(default_factory=list[Merge])
    out_of_order: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Row and column of each cell that does not come after the one before it."""


def read_xlsx(content: bytes, archive: zipfile.ZipFile, bounds: Bounds) -> list[Sheet]:
    """Return the sheets of a workbook; its size was checked before."""
    book = openpyxl.load_workbook(BytesIO(content), read_only=True, data_only=True)
    parts, computes_on_opening = _parts(archive)
    sheets: list[Sheet] = []
    used = 0
    for worksheet in book.worksheets:
        # The stated dimensions of a sheet can be wrong; rows beyond them would be left out.
        worksheet.reset_dimensions()
        grid = Grid(worksheet.title, bounds, used=used)
        for number, line in enumerate(worksheet.iter_rows(values_only=True), start=1):
            grid.add_row(number, cast("tuple[Value, ...]", line))
        layout = _layout(archive, parts[worksheet.title])
        for row, column, has_value in layout.formulas:
            # A workbook that asks to be computed when it is opened holds values of no meaning.
            if not has_value or computes_on_opening:
                grid.add_issue(row, column, "no_value")
        for row, column in layout.out_of_order:
            grid.add_issue(row, column, "out_of_order")
        grid.fill(layout.merges)
        used = grid.used_cells
        sheets.append(grid.sheet(is_hidden=worksheet.sheet_state != "visible"))
    return sheets


def _parts(archive: zipfile.ZipFile) -> tuple[dict[str, str], bool]:
    """Return the part of each sheet by its name, and whether formulas are computed on opening."""
    package = fromstring(archive.read("_rels/.rels"))
    [book] = [each.get("Target", "") for each in package if _is(each, "officeDocument")]
    book = book.lstrip("/")
    folder, file = posixpath.split(book)
    relations = fromstring(archive.read(f"{folder}/_rels/{file}.rels".lstrip("/")))
    targets = {each.get("Id"): each.get("Target", "") for each in relations}
    parts: dict[str, str] = {}
    computes_on_opening = False
    for element in fromstring(archive.read(book)).iter():
        if element.tag.endswith("}sheet"):
            target = targets[element.get(RELATION) or element.get(STRICT_RELATION)]
            path = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}"
            parts[element.get("name", "")] = posixpath.normpath(path)
        elif element.tag.endswith("}calcPr"):
            computes_on_opening = element.get("fullCalcOnLoad") in {"1", "true"}
    return parts, computes_on_opening


def _is(relation: Element, kind: str) -> bool:
    return relation.get("Type", "").endswith(f"/{kind}")


def _layout(archive: zipfile.ZipFile, part: str) -> _Layout:
    found = _Layout()
    number = 0
    for _, element in iterparse(BytesIO(archive.read(part))):
        name = _local_name(element)
        if name == "row":
            previous, number = number, int(element.get("r", number + 1))
            if number <= previous:
                found.out_of_order.append((number, 1))
            _read_cells(element, number, found)
            element.clear()
        elif name == "mergeCell":
            found.merges += _merges(element.get("ref", ""))
    return found


def _read_cells(row: Element, number: int, found: _Layout) -> None:
    column = 0
    for cell in row:
        # Programs may leave out references: the cell is then the next one.
        position = _position(cell.get("r", ""))
        previous, column = column, column + 1 if position is None else position[1]
        if column <= previous or (position is not None and position[0] != number):
            found.out_of_order.append((number, column))
        parts = {_local_name(child): child for child in cell}
        if "f" in parts:
            value = parts.get("v")
            found.formulas.append((number, column, value is not None and bool(value.text)))


def _local_name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _merges(reference: str) -> Iterator[Merge]:
    first, _, last = reference.partition(":")
    start, end = _position(first), _position(last)
    if start is not None and end is not None:
        yield Merge(start[0], end[0], start[1], end[1])


def _position(reference: str) -> tuple[int, int] | None:
    """Return row and column of a reference such as C7."""
    found = REFERENCE.fullmatch(reference)
    if found is None:
        return None
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return int(found[2]), column
