"""Field types that evidence and methods share."""

from typing import Annotated, Literal

from pydantic import StringConstraints

Sector = Literal["government", "private", "community"]
SECTORS: tuple[Sector, ...] = ("government", "private", "community")
"""Sectors of stakeholders, in the order in which they are listed."""

Unit = Literal[
    "share",
    "level",
    "count",
    "1",
    "%",
    "[ppth]",
    "a",
    "mo",
    "wk",
    "d",
    "h",
    "min",
    "s",
    "m",
    "km",
    "m2",
    "km2",
    "har",
    "m3",
    "L",
    "g",
    "kg",
    "t",
    "W",
    "kW",
    "MW",
    "kW.h",
    "MW.h",
    "GW.h",
    "bit/s",
    "Mbit/s",
    "Cel",
    "{IDR}",
    "{USD}",
    "{USD_PPP}",
]
"""Unit of a figure: a share or a level between 0 and 1, a count, or a code of UCUM (https://ucum.org).

`1` is a number without a unit, `a` a year, `har` a hectare; money, which UCUM does not have, is an
annotation."""

Register = Literal[
    "agreements",
    "decisions",
    "index-values",
    "meetings",
    "programmes",
    "recognitions",
    "reporting",
    "risks",
    "stakeholders",
]
"""Registers that can be declared complete for a year; `reporting` is of notices of duties."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$", max_length=80)]
"""Code of a node, an instrument, a procedure or a subject of observation."""
