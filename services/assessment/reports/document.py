"""Document model of a report, shared by HTML and PDF.

All text is plain. Renderers escape it, so that no text can become markup.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Cell(Block):
    """A table cell; `code` and `field` name the node and field that a figure comes from."""

    text: str
    code: str | None = None
    field: str | None = None
    href: str | None = None


class Column(Block):
    """A column: its heading, relative width and alignment."""

    head: str
    width: float = 1
    align: Literal["left", "right"] = "left"


class Row(Block):
    """A row; a strong one is a total."""

    cells: list[Cell]
    strong: bool = False


class Paragraph(Block):
    kind: Literal["paragraph"] = "paragraph"
    text: str
    lead: bool = False


class Bullets(Block):
    kind: Literal["bullets"] = "bullets"
    items: list[str]


class KeyFigures(Block):
    """A few large figures, each with its name and a remark."""

    kind: Literal["key_figures"] = "key_figures"
    items: list[tuple[Cell, str, str]]


class Table(Block):
    kind: Literal["table"] = "table"
    caption: str
    columns: list[Column]
    rows: list[Row]
    note: str | None = None


class Figure(Block):
    """An SVG picture with a caption and a text alternative."""

    kind: Literal["figure"] = "figure"
    caption: str
    alt: str
    svg: str
    width: float = 1
    """Share of the width of the page."""


class Definitions(Block):
    """Terms with their values."""

    kind: Literal["facts"] = "facts"
    items: list[tuple[str, str]]


AnyBlock = Paragraph | Bullets | KeyFigures | Table | Figure | Definitions


class Section(Block):
    title: str
    blocks: Sequence[AnyBlock]
    appendix: bool = False


class Document(Block):
    """A whole report."""

    title: str
    subtitle: str
    regency: str
    author: str
    made_on: str
    year: int
    month: int
    day: int
    facts: list[tuple[str, str]] = Field(description="Definitions under the title.")
    sections: list[Section]
