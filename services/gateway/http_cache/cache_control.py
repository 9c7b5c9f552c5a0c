"""Parsers of `Cache-Control` (RFC 9111, 5.2) and of its form for shared caches (RFC 9213)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

DIRECTIVE = re.compile(r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?""")
MAX_SECONDS = 2**31
"""Longer times are cut to this (RFC 9111, 1.2.2)."""


@dataclass(frozen=True)
class Directives:
    """Directives by name; of a repeated directive the stricter value counts."""

    values: Mapping[str, int | None] = field(default_factory=dict[str, int | None])

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def seconds(self, name: str) -> int | None:
        """Return the seconds of a directive; None if it is absent or has no value."""
        return self.values.get(name)


def parse_cache_control(values: Iterable[str]) -> Directives:
    """Combine the directives of these field values.

    A time that is not a number counts as 0, so that nothing is stored by mistake (4.2.1).
    A directive with field names (`private="set-cookie"`) applies to the whole response.
    """
    seconds_by_name: dict[str, int | None] = {}
    for value in values:
        for name, quoted, plain in DIRECTIVE.findall(value):
            directive = name.lower()
            argument = quoted or plain
            seconds = (
                _parse_seconds(argument) if argument or directive in TIMED_DIRECTIVES else None
            )
            before = seconds_by_name.get(directive)
            if directive in seconds_by_name and before is not None and seconds is not None:
                seconds = min(before, seconds)
            seconds_by_name[directive] = seconds
    return Directives(seconds_by_name)


TIMED_DIRECTIVES = frozenset({"max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"})


def _parse_seconds(argument: str) -> int:
    if not (argument.isascii() and argument.isdigit()):
        return 0
    return MAX_SECONDS if len(argument) > 10 else min(int(argument), MAX_SECONDS)


_KEY = r"[a-z*][a-z0-9_.*-]*"
_BARE = (
    r"""-?\d{1,12}\.\d{1,3}|-?\d{1,15}|"(?:[ !#-\[\]-~]|\\["\\])*"|\?[01]"""
    r"""|:[A-Za-z0-9+/=]*:|[A-Za-z*][!#$%&'*+.^_`|~:/0-9A-Za-z-]*"""
)
_MEMBER = rf"({_KEY})(?:=({_BARE}))?(?:; *{_KEY}(?:=(?:{_BARE}))?)*"
MEMBER = re.compile(_MEMBER)
DICTIONARY = re.compile(rf" *{_MEMBER}(?:[ \t]*,[ \t]*{_MEMBER})* *")
"""A dictionary of structured fields (RFC 9651, 3.2) without inner lists, which no directive has."""


def parse_targeted(values: Iterable[str]) -> Directives | None:
    """Combine the values of a targeted field (RFC 9213, 2.1); None if there is none to follow.

    A field that is empty, is no dictionary, or gives a time that is no integer is ignored as a
    whole, so that `Cache-Control` holds.
    """
    field_value = ", ".join(values)
    if not field_value.isascii() or DICTIONARY.fullmatch(field_value) is None:
        return None
    seconds_by_name: dict[str, int | None] = {}
    for name, argument in MEMBER.findall(field_value):
        if name in TIMED_DIRECTIVES:
            if not argument.isdigit():
                return None
            seconds_by_name[name] = _parse_seconds(argument)
        elif argument != "?0":
            seconds_by_name[name] = None
    return Directives(seconds_by_name)
