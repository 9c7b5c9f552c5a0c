"""The languages of pages and messages."""

from typing import Literal

Language = Literal["id", "en"]
