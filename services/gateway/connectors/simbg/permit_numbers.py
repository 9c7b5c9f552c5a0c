"""Parses numbers of building approvals (PBG) and certificates of fitness (SLF).

Pure. SIMBG publishes no description of its numbers. The format is that of the
program's own code (`SK-PBG-` and `SK-SLF-`, the code of the building's district without points, the
date as ddmmyyyy, a sequence number of two or three digits, more if the program pads wrongly), and
of numbers that regencies published, such as SK-PBG-337411-29052023-002.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

PORTAL = "https://simbg.pu.go.id"
PATTERN = r"^[Ss][Kk]-([Pp][Bb][Gg]|[Ss][Ll][Ff])-[0-9]{6}-[0-9]{8}-[0-9]{2,5}$"
FIRST_DAY = date(2021, 2, 2)
"""Government Regulation 16/2021, which introduced PBG and SLF, is in force since this day."""

PAGES = {"PBG": "Main/VerifikasiPBG", "SLF": "Main/DraftSLF"}
"""Pages of SIMBG to which its own QR codes lead."""


class PermitNumberError(Exception):
    """The text is not a valid number of SIMBG; the message names the invalid part."""


@dataclass(frozen=True)
class PermitNumber:
    """The parts of a number."""

    number: str
    kind: Literal["PBG", "SLF"]
    region: str
    district: str
    day: date
    sequence: int

    @property
    def url(self) -> str:
        """Return the page of SIMBG for this number."""
        return f"{PORTAL}/{PAGES[self.kind]}/{self.number}"


def parse_permit_number(text: str, *, today: date) -> PermitNumber:
    """Return the parts of a number.

    Raises:
        PermitNumberError: The format is wrong, or the date is impossible.
    """
    number = text.strip().upper()
    if re.fullmatch(PATTERN, number) is None:
        raise PermitNumberError(
            "must have the form SK-PBG-121201-31032024-001: SK-PBG or SK-SLF, six digits of the "
            "district, the date as ddmmyyyy, a sequence number"
        )
    _, kind, district, digits, sequence = number.split("-")
    try:
        day = date(int(digits[4:]), int(digits[2:4]), int(digits[:2]))
    except ValueError:
        raise PermitNumberError(f"{digits} is not a date; it is written ddmmyyyy") from None
    if not FIRST_DAY <= day <= today:
        raise PermitNumberError(f"{day} must be from {FIRST_DAY} to today")
    return PermitNumber(
        number,
        "PBG" if kind == "PBG" else "SLF",
        f"{district[:2]}.{district[2:4]}",
        f"{district[:2]}.{district[2:4]}.{district[4:]}",
        day,
        int(sequence),
    )
