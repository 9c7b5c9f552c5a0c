"""Kinds of plausibility flags, as shared by the API models and the pure computation."""

from typing import Literal

FlagKind = Literal["jump", "impossible", "heaping", "click_outs"]
Certainty = Literal["certain", "likely", "possible"]
