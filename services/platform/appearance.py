"""The appearance of a regency's pages: its colours and the motif of a woven band."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from services.platform.arms import MEDIA_TYPES
from services.platform.contrast import PARTS, TEXT, contrast_ratio
from services.platform.translation import N_
from services.platform.types import ShortText, Text
from services.platform.validation_messages import InvalidValueError

LIGHT_GROUNDS = ("#ffffff", "#f2f6f4")
"""What colours stand on in light pages: `--paper` and `--wash` of the style sheet."""
DARK_GROUNDS = ("#121a18", "#1a2522")
"""The same of dark pages."""

LEAST_CONTRAST = {
    "primary": (TEXT, LIGHT_GROUNDS),
    "primary_dark": (TEXT, DARK_GROUNDS),
    "accent": (PARTS, LIGHT_GROUNDS),
    "accent_dark": (PARTS, DARK_GROUNDS),
}
"""Of each colour its least contrast, and with which backgrounds."""

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]
MotifRow = Annotated[str, StringConstraints(pattern=r"^[.pa]{2,64}$")]
"""A row of squares: `p` in the primary colour, `a` in the accent colour, `.` open."""


class _AppearanceModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Colours(_AppearanceModel):
    """The two colours of a regency, in light and in dark pages."""

    primary: Colour = Field(
        description="Links and buttons of light pages, such as `#0b5d4e`; contrast 4.5:1."
    )
    primary_dark: Colour = Field(description="The same of dark pages; contrast 4.5:1.")
    accent: Colour = Field(description="Second colour of the band, in light pages; contrast 3:1.")
    accent_dark: Colour = Field(description="The same of dark pages; contrast 3:1.")

    @field_validator("*")
    @classmethod
    def _stands_out(cls, colour: str, field: ValidationInfo) -> str:
        least, grounds = LEAST_CONTRAST[field.field_name or ""]
        for ground in grounds:
            ratio = contrast_ratio(colour, ground)
            if ratio < least:
                raise InvalidValueError(
                    N_(
                        "kontrasnya dengan latar %(ground)s hanya %(ratio)s:1; paling sedikit "
                        "%(least)s:1"
                    ),
                    ground=ground,
                    ratio=f"{ratio:.2f}",
                    least=f"{least:g}",
                )
        return colour


class Motif(_AppearanceModel):
    """One repeat of a woven band, as a draft of squares."""

    name: ShortText = Field(description="Name of the pattern that it was drawn after.")
    note: Text = Field(description="What the source pattern is, and how this drawing follows it.")
    rows: list[MotifRow] = Field(
        min_length=2,
        max_length=16,
        description="Rows of equal length: `p` is a square in the primary colour, `a` one in the "
        "accent colour, `.` is open.",
    )

    @field_validator("rows")
    @classmethod
    def _has_rows_of_equal_length(cls, rows: Sequence[str]) -> Sequence[str]:
        for number, row in enumerate(rows, 1):
            if len(row) != len(rows[0]):
                raise InvalidValueError(
                    N_(
                        "baris %(number)s panjangnya %(length)s kotak; semua baris harus "
                        "%(first)s kotak seperti yang pertama"
                    ),
                    number=number,
                    length=len(row),
                    first=len(rows[0]),
                )
        return rows


class Arms(_AppearanceModel):
    """The arms of a regency, an image file of its pack."""

    file: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,60}\.(svg|png)$")] = Field(
        description="Name of the file beside `pack.yaml`: SVG that only draws, or PNG; at most "
        "100,000 bytes."
    )
    name: ShortText = Field(description="What it shows, for those who do not see it.")
    note: Text = Field(description="Which regulation lays it down, and where the file is from.")

    @property
    def media_type(self) -> str:
        """The media type of the file; the encoding goes before what an SVG says of itself."""
        return MEDIA_TYPES[self.file.rpartition(".")[2]]


class Appearance(_AppearanceModel):
    """Colours, motif and arms of a regency; what it leaves out is the hub's own."""

    colours: Colours | None = None
    motif: Motif | None = Field(
        default=None,
        description="Band below the header of pages and of prints; without it there is none.",
    )
    arms: Arms | None = Field(
        default=None, description="The arms in the header; without them the hub's own sign."
    )
