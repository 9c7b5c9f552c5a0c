"""Path and query parameters that several services share."""

from typing import Annotated

from fastapi import Path, Query

from services.platform.languages import Language
from services.platform.spreadsheets.csv_export import Delimiter
from services.platform.types import Slug, Year

SlugPath = Annotated[Slug, Path(description="Short name in the address, such as `pbg`.")]
SlugCursor = Annotated[
    Slug | None, Query(description="Start of the page; taken from `next` of the previous page.")
]
AgencyQuery = Annotated[Slug | None, Query(description="Only of this agency.")]
ServiceQuery = Annotated[Slug | None, Query(description="Only of this service.")]
YearQuery = Annotated[Year, Query(description="The calendar year.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Items on a page.")]

LanguageQuery = Annotated[Language, Query(alias="lang", description="Language of the texts.")]
DelimiterQuery = Annotated[
    Delimiter,
    Query(
        description="Of CSV: `semicolon` with decimal commas and a byte order mark, as "
        "spreadsheets in Indonesian open it; `comma` with decimal points, for programs."
    ),
]
