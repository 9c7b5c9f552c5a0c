"""Numbers of building approvals (PBG) and fitness certificates (SLF), taken apart.

Pure. SIMBG publishes no description of its numbers. The form is that of the program itself as its
code makes them (`SK-PBG-` and `SK-SLF-`, the code of the building's district without points, the
day as ddmmyyyy, a running number of two or three digits, more where the program pads wrongly), and
of numbers that regencies published, such as SK-PBG-337411-29052023-002.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

PORTAL = "https://simbg.pu.go.id"
PATTERN = r"^[Ss][Kk]-([Pp][Bb][Gg]|[Ss][Ll][Ff])-[0-9]{6}-[0-9]{8}-[0-9]{2,5}$"
FIRST_DAY = date(2021, 2, 2)
"""PBG and SLF of this form came with Government Regulation 16/2021, in force since this day."""

PAGES = {"PBG": "Main/VerifikasiPBG", "SLF": "Main/DraftSLF"}
"""Pages of SIMBG to which its own QR codes lead."""


class PermitNumberError(Exception):
    """It cannot be a number of SIMBG; the message says which part."""


@dataclass(frozen=True)
class PermitNumber:
    """A number, taken apart."""

    number: str
    kind: Literal["PBG", "SLF"]
    region: str
    district: str
    day: date
    sequence: int

    @property
    def url(self) -> str:
        """Where SIMBG shows what it knows of it."""
        return f"{PORTAL}/{PAGES[self.kind]}/{self.number}"


def parse_permit_number(written: str, *, today: date) -> PermitNumber:
    """The parts of a number; `NotANumberError` where one of them cannot be."""
    number = written.strip().upper()
    if re.fullmatch(PATTERN, number) is None:
        raise PermitNumberError(
            "has the form SK-PBG-121201-31032024-001: SK-PBG or SK-SLF, six digits of the "
            "district, the day as ddmmyyyy, a running number"
        )
    _, kind, place, written_day, sequence = number.split("-")
    try:
        day = date(int(written_day[4:]), int(written_day[2:4]), int(written_day[:2]))
    except ValueError:
        raise PermitNumberError(f"{written_day} is no day; the day is written ddmmyyyy") from None
    if not FIRST_DAY <= day <= today:
        raise PermitNumberError(f"{day} is before there were such numbers, or still to come")
    return PermitNumber(
        number,
        "PBG" if kind == "PBG" else "SLF",
        f"{place[:2]}.{place[2:4]}",
        f"{place[:2]}.{place[2:4]}.{place[4:]}",
        day,
        int(sequence),
    )
