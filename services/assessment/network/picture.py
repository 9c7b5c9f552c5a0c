"""Drawing of a network as SVG, with sectors by shape and shade, legible in grey print.

Positions come from networkx's spring layout (Fruchterman and Reingold 1991) with a seed, so that
one network and one seed give one drawing; stakeholders without a tie are listed below.
"""

import math
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from services.assessment.network.structure import NodePosition, graph_of
from services.assessment.network.ties import Network, Tie
from services.assessment.numerical_libraries import Floats, np, nx
from services.assessment.types import SECTORS, Sector
from services.platform.languages import Language
from services.platform.standalone_svg import AS_WIDE_AS_A_PHONE
from services.platform.translation import N_, Message, translator

ITERATIONS, GRAVITY = 200, 0.1
CENTRE = ""  # no key of a stakeholder
LINE_HEIGHT = 1.35
MAX_LABEL_LENGTH = 34

SHADES: Mapping[Sector, str] = {
    "government": "#1d3b4a",
    "private": "#7fa3b5",
    "community": "#f1ead6",
}
"""Dark, middle and light, distinguishable in grey."""

INVALID_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that are invalid in XML 1.0."""

DASHED = ' stroke-dasharray="6 4"'
"""Of ties that nothing but the survey tells."""

TITLE = N_("Jejaring pemangku kepentingan %(period)s")
DESCRIPTION = N_(
    "%(stakeholders)s pemangku kepentingan, %(ties)s ikatan, %(isolates)s tanpa ikatan, "
    "%(brokers)s penghubung."
)
LABELS: Mapping[str, Message] = {
    "government": N_("Pemerintah"),
    "private": N_("Swasta"),
    "community": N_("Komunitas"),
    "broker": N_("Penghubung"),
    "isolates": N_("Tanpa ikatan"),
    "tie": N_("Ikatan; makin tebal, makin sering"),
    "reported": N_("Hanya dilaporkan dalam survei"),
}


@dataclass(frozen=True)
class Layout:
    """The measures of a picture in its own units, which are pixels of a screen as wide as it."""

    width: int
    graph_height: int
    margin: int
    text_size: int
    title_size: int
    smallest: float
    """Radius of a stakeholder without a tie."""
    growth: float
    """What the root of the number of its ties adds to a stakeholder's radius."""
    in_row: int
    """How many stakeholders without a tie stand beside each other."""
    row_height: int
    line_length: int
    """Characters after which title and legend are wrapped."""
    scale: int = 1
    """Pixels per unit in a window of its own that is wide enough."""


PHONE = Layout(
    width=288, graph_height=300, margin=16, text_size=12, title_size=15, smallest=4, growth=1.2,
    in_row=9, row_height=26, line_length=28, scale=2,
)  # fmt: skip
"""Without names: its words can be read on a screen of 320 pixels, which has 288 beside margins."""

DESK = Layout(
    width=960, graph_height=520, margin=60, text_size=12, title_size=18, smallest=6, growth=2,
    in_row=3, row_height=34, line_length=90,
)  # fmt: skip
"""With names, which need the room."""

PRINT = Layout(
    width=960, graph_height=520, margin=60, text_size=16, title_size=20, smallest=6, growth=2,
    in_row=16, row_height=34, line_length=90,
)  # fmt: skip
"""Without names, as wide as a sheet of paper."""


@dataclass(frozen=True)
class _Marker:
    x: float
    y: float
    size: float
    sector: Sector
    broker: bool
    label: str | None


def picture(
    network: Network,
    positions: Sequence[NodePosition],
    *,
    period: int,
    seed: int,
    form: Layout,
    language: Language = "id",
    names: bool,
) -> str:
    """Return the SVG; with `names`, brokers and isolates are labelled."""
    messages = translator(language)
    labels = messages.labels(LABELS)
    actors = dict(zip(network.keys, network.actors, strict=True))

    def label_of(position: NodePosition) -> str | None:
        if not names or not (position.broker or position.isolate):
            return None
        actor = actors[position.key]
        return _shorten(messages.choose(actor.name, en=actor.name_en))

    tied = [position for position in positions if not position.isolate]
    isolates = [position for position in positions if position.isolate]
    counts = {
        "period": period,
        "stakeholders": len(positions),
        "ties": len(network.ties),
        "isolates": len(isolates),
        "brokers": sum(position.broker for position in positions),
    }
    title = messages.translate(TITLE, **counts)
    heading, top = _text(title, form, top=form.margin, size=form.title_size, look="t")
    placed = layout(graph_of(network).subgraph(position.key for position in tied), seed=seed)
    room = form.width - 2 * form.margin
    edge = form.smallest + form.growth * math.sqrt(max(len(tied), 1))
    dots = {
        position.key: _Marker(
            x=form.margin + edge + x * (room - 2 * edge),
            y=top + edge + y * (form.graph_height - 2 * edge),
            size=form.smallest + form.growth * math.sqrt(position.degree),
            sector=actors[position.key].sector,
            broker=position.broker,
            label=label_of(position),
        )
        for position, (x, y) in ((position, placed[position.key]) for position in tied)
    }
    if tied:
        top += form.graph_height + form.text_size
    if isolates:
        words, top = _text(labels["isolates"], form, top=top, size=form.text_size, look="h")
        heading += words
    for at, position in enumerate(isolates):
        row, column = divmod(at, form.in_row)
        dots[position.key] = _Marker(
            x=form.margin + form.smallest + column * room / form.in_row,
            y=top + (row + 0.5) * form.row_height,
            size=form.smallest,
            sector=actors[position.key].sector,
            broker=False,
            label=label_of(position),
        )
    top += math.ceil(len(isolates) / form.in_row) * form.row_height + form.text_size
    legend, top = _legend(network, labels, form, top=top)
    parts = [
        *heading,
        *_tie_lines(network, dots),
        *(_marker_svg(dot) for dot in dots.values()),
        *(_label_svg(dot, form) for dot in dots.values() if dot.label),  # over everything else
        *legend,
    ]
    return _document(
        parts,
        height=top + form.margin,
        title=title,
        description=messages.translate(DESCRIPTION, **counts),
        language=language,
        form=form,
    )


def layout(tied: "nx.Graph[str]", *, seed: int) -> dict[str, tuple[float, float]]:
    """Return positions between 0 and 1 by a force-directed layout.

    A fixed node in the middle with weak ties to all others is the gravity that networkx's force
    method lacks: without it, components without a tie to each other drift apart.
    """
    if not tied:
        return {}
    graph: nx.Graph[str] = nx.Graph()
    graph.add_edges_from(tied.edges, weight=1)
    graph.add_edges_from(((CENTRE, key) for key in tied), weight=GRAVITY)
    found: dict[str, Floats] = nx.spring_layout(
        graph,
        pos={CENTRE: (0.5, 0.5)},
        fixed=[CENTRE],
        k=1 / math.sqrt(len(tied)),
        iterations=ITERATIONS,
        method="force",
        seed=seed,
    )
    at = np.array([found[key] for key in tied])
    low, high = at.min(axis=0), at.max(axis=0)
    scaled = np.where(high > low, (at - low) / np.maximum(high - low, 1e-9), 0.5)
    return {key: (float(x), float(y)) for key, (x, y) in zip(tied, scaled, strict=True)}


def _tie_lines(network: Network, dots: Mapping[str, _Marker]) -> list[str]:
    found: list[str] = []
    for tie in network.ties:
        a, b = (dots[key] for key in tie.pair)
        width = min(1 + 0.5 * (tie.weight - 1), 5)
        found.append(
            f'<line x1="{a.x:.0f}" y1="{a.y:.0f}" x2="{b.x:.0f}" y2="{b.y:.0f}" '
            f'stroke-width="{width:g}"{DASHED if _is_only_reported(tie) else ""}/>'
        )
    return found


def _is_only_reported(tie: Tie) -> bool:
    return set(tie.shared) == {"reported"}


def _marker_svg(dot: _Marker) -> str:
    ring = f'<circle class="b" cx="{dot.x:.0f}" cy="{dot.y:.0f}" r="{dot.size + 4:.1f}"/>'
    return (ring if dot.broker else "") + _shape(dot.sector, dot.x, dot.y, dot.size)


def _label_svg(dot: _Marker, form: Layout) -> str:
    """Return the label beside a marker, on the side that has room."""
    left = dot.x > form.width * 0.65 and dot.size > form.smallest
    x = dot.x - dot.size - 8 if left else dot.x + dot.size + 8
    anchor = ' text-anchor="end"' if left else ""
    return f'<text class="n" x="{x:.0f}" y="{dot.y + 4:.0f}"{anchor}>{dot.label}</text>'


def _text(
    words: str, form: Layout, *, top: float, size: int, look: str = "", left: float = 0
) -> tuple[list[str], float]:
    """Return lines of text below each other, and where they end."""
    lines = textwrap.wrap(words, form.line_length)
    named = f' class="{look}"' if look else ""
    drawn = [
        f'<text{named} x="{form.margin + left:.0f}" '
        f'y="{top + size + at * size * LINE_HEIGHT:.1f}">{escape(line)}</text>'
        for at, line in enumerate(lines)
    ]
    return drawn, top + len(lines) * size * LINE_HEIGHT + 4


def _shape(sector: Sector, x: float, y: float, size: float) -> str:
    fill = f'fill="{SHADES[sector]}"'
    match sector:
        case "government":
            return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{size:.1f}" {fill}/>'
        case "private":
            side = 1.8 * size
            corner = f'x="{x - side / 2:.1f}" y="{y - side / 2:.1f}"'
            return f'<rect {corner} width="{side:.1f}" height="{side:.1f}" {fill}/>'
        case "community":
            high, wide = 1.2 * size, 1.1 * size
            corners = ((x, y - high), (x - wide, y + size), (x + wide, y + size))
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)
            return f'<polygon points="{points}" {fill}/>'


def _legend(
    network: Network, labels: Mapping[str, str], form: Layout, *, top: float
) -> tuple[list[str], float]:
    """Return what the shapes mean, below each other, and where it ends."""
    counts = Counter(network.sectors)
    parts: list[str] = []
    for sign, words in _signs(network, labels, counts):
        middle = top + form.text_size * 0.65
        parts.append(f'<g transform="translate({form.margin + 15} {middle:.1f})">{sign}</g>')
        lines, top = _text(words, form, top=top, size=form.text_size, left=38)
        parts += lines
    return parts, top


def _signs(
    network: Network, labels: Mapping[str, str], counts: Mapping[Sector, int]
) -> Iterator[tuple[str, str]]:
    for sector in SECTORS:
        yield _shape(sector, 0, 0, 7), f"{labels[sector]} ({counts[sector]})"
    yield '<circle class="b" cx="0" cy="0" r="7"/>', labels["broker"]
    yield '<line x1="-15" y1="0" x2="15" y2="0" stroke-width="3"/>', labels["tie"]
    if any(_is_only_reported(tie) for tie in network.ties):
        line = f'<line x1="-15" y1="0" x2="15" y2="0" stroke-width="2"{DASHED}/>'
        yield line, labels["reported"]


def _document(
    parts: Sequence[str],
    *,
    height: float,
    title: str,
    description: str,
    language: Language,
    form: Layout,
) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {form.width} {height:.0f}" '
        f'role="img" width="{form.width * form.scale}" height="{height * form.scale:.0f}" '
        f'lang="{language}" aria-labelledby="t d">'
        f'<title id="t">{title}</title><desc id="d">{description}</desc>'
        f"<style>text{{font:{form.text_size}px Verdana,'DejaVu Sans',sans-serif;fill:#111}}"
        f".n{{paint-order:stroke;stroke:#fff;stroke-width:4}}.h{{font-weight:bold}}"
        f".t{{font-size:{form.title_size}px;font-weight:bold}}"
        "line{stroke:#777}circle,rect,polygon{stroke:#111;stroke-width:1.2}"
        f".b{{fill:none;stroke-width:2}}.bg{{fill:#fff;stroke:none}}{AS_WIDE_AS_A_PHONE}</style>"
        f'<rect class="bg" width="{form.width}" height="{height:.0f}"/>' + "".join(parts) + "</svg>"
    )


def _shorten(name: str) -> str:
    name = INVALID_XML.sub("", name)
    return escape(name if len(name) <= MAX_LABEL_LENGTH else f"{name[: MAX_LABEL_LENGTH - 1]}…")
