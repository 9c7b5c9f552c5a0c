"""`Cache-Control` as it is written in requests and answers (RFC 9111, section 5.2)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

DIRECTIVE = re.compile(r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?""")
FOREVER = 2**31
"""What a longer time means (RFC 9111, 1.2.2)."""


@dataclass(frozen=True)
class Directives:
    """Directives by their names; a second word about the same one counts where it is stricter."""

    named: Mapping[str, int | None] = field(default_factory=dict[str, int | None])

    def __contains__(self, name: str) -> bool:
        return name in self.named

    def seconds(self, name: str) -> int | None:
        """The time of a directive; None where it is not there or names none."""
        return self.named.get(name)


def parse_directives(values: Iterable[str]) -> Directives:
    """What these field values say together.

    A time that is no number is 0, so that nothing is kept for what nobody meant (4.2.1).
    A directive for single fields (`private="set-cookie"`) is taken for the whole answer.
    """
    named: dict[str, int | None] = {}
    for value in values:
        for name, quoted, plain in DIRECTIVE.findall(value):
            directive = name.lower()
            told = quoted or plain
            seconds = _seconds(told) if told or directive in NEED_A_TIME else None
            before = named.get(directive)
            if directive in named and before is not None and seconds is not None:
                seconds = min(before, seconds)
            named[directive] = seconds
    return Directives(named)


NEED_A_TIME = frozenset({"max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"})


def _seconds(told: str) -> int:
    if not (told.isascii() and told.isdigit()):
        return 0
    return FOREVER if len(told) > 10 else min(int(told), FOREVER)
