"""Links in packs and in the database."""

from typing import Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field as Stored
from sqlmodel import SQLModel

from services.platform.packs import PackModel
from services.platform.types import HttpsUrl, ShortText, Slug, Text


class Link(PackModel):
    """A portal or application of another operator."""

    slug: Slug
    title: ShortText
    title_en: ShortText
    url: HttpsUrl
    kind: Literal["portal", "application", "information", "complaint"] = Field(
        description="What the link leads to."
    )
    operator: ShortText
    description: Text
    description_en: Text
    e_mall: bool = Field(False, description="Whether it is a portal of the e-Mall itself.")
    national: bool = Field(
        False, description="Whether a national body operates it, so that it is not the regency's."
    )
    expected_text: ShortText | None = Field(
        None,
        description="A word or phrase that its page always contains, such as its name; a page "
        "without it is shown as `caution`.",
    )
    note: Text | None = None
    sources: list[Slug] = Field(min_length=1, max_length=100)


class LinkFile(PackModel):
    """The file `links.yaml`."""

    links: list[Link]


class LinkRecord(SQLModel, table=True):
    """A row of the table `gateway.link`."""

    __tablename__: ClassVar[Any] = "link"
    __table_args__: ClassVar[Any] = {"schema": "gateway"}

    region: str = Stored(primary_key=True)
    slug: str = Stored(primary_key=True)
    url: str
    content: dict[str, Any] = Stored(sa_column=Column(JSONB, nullable=False))
    version: int = 1
    origin: str = "pack"
