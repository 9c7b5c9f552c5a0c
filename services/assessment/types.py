"""Field types that evidence and methods share."""

from typing import Annotated, Literal

from pydantic import StringConstraints

Sector = Literal["government", "private", "community"]
SECTORS: tuple[Sector, ...] = ("government", "private", "community")
"""Sectors of stakeholders, in the order in which they are listed."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$", max_length=80)]
"""Code of a node, an instrument, a procedure or a subject of observation."""
