"""Route templates by path: which of few labels stands for a request's path."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from starlette.routing import BaseRoute, Mount, Route

OTHER = "other"
"""Label of paths without a route: clients choose them."""

_PATH_PARAMETER = re.compile(r"\{\w+:path\}$")


@dataclass
class _Segment:
    """What may follow a part of a path."""

    template: str | None = None
    """The template that ends here."""
    rest: str | None = None
    """The template whose last parameter takes all that follows."""
    literal: "dict[str, _Segment]" = field(default_factory=dict[str, "_Segment"])
    patterns: "dict[str, tuple[re.Pattern[str], _Segment]]" = field(
        default_factory=dict[str, tuple[re.Pattern[str], "_Segment"]]
    )
    """Segments with a parameter, by their text."""


class RouteTemplates:
    """A tree of route templates, segment by segment.

    The router is not asked, for it compares a path with one route after the other, and the fast
    path and the cache answer without it.
    """

    def __init__(self, templates: Iterable[str] = ()) -> None:
        self._root = _Segment()
        self.add(templates)

    def add(self, templates: Iterable[str]) -> None:
        """Add templates as FastAPI writes them, such as `/api/v1/services/{slug}`."""
        for template in templates:
            node = self._root
            for segment in template.split("/")[1:]:
                if _PATH_PARAMETER.match(segment):
                    node.rest = template
                    break
                node = _child(node, segment)
            else:
                node.template = template

    def find(self, path: str) -> str:
        """Return the template that a path matches, or `OTHER`."""
        return _find(self._root, path.split("/"), 1) or OTHER


def _child(node: _Segment, segment: str) -> _Segment:
    if "{" not in segment:
        return node.literal.setdefault(segment, _Segment())
    if segment not in node.patterns:
        literals = [re.escape(part) for part in re.split(r"\{[^}]*\}", segment)]
        node.patterns[segment] = (re.compile("[^/]+".join(literals)), _Segment())
    return node.patterns[segment][1]


def _find(node: _Segment, segments: list[str], at: int) -> str | None:
    if at == len(segments):
        return node.template
    segment = segments[at]
    found = None
    if (child := node.literal.get(segment)) is not None:
        found = _find(child, segments, at + 1)
    if found is None:
        for pattern, child in node.patterns.values():
            if pattern.fullmatch(segment) and (found := _find(child, segments, at + 1)):
                break
    return found or node.rest


def templates_of(routes: Iterable[BaseRoute]) -> Iterator[str]:
    """Return the templates of an application's routes; a mounted one is a single template."""
    for route in routes:
        if isinstance(route, Mount):
            yield f"{route.path}/{{path:path}}"
        elif isinstance(route, Route):
            yield route.path
