"""Drawing of a network as SVG, with sectors by shape and shade, legible in grey print.

Positions come from networkx's spring layout (Fruchterman and Reingold 1991) with a seed, so that
one network and one seed give one drawing; stakeholders without a tie are listed below.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from services.assessment.network.structure import NodePosition, graph_of
from services.assessment.network.ties import Network, Tie
from services.assessment.numerical_libraries import Floats, np, nx
from services.assessment.types import SECTORS, Sector
from services.platform.languages import Language
from services.platform.translation import N_, Message, translator

WIDTH, GRAPH_HEIGHT, MARGIN = 960, 520, 60
ITERATIONS, GRAVITY = 200, 0.1
CENTRE = ""  # no key of a stakeholder
ISOLATES_IN_ROW, ROW_HEIGHT = 16, 34
LABELLED_IN_ROW = 3
LEGEND_ROW = 28
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
    language: Language = "id",
    names: bool,
    text_size: int = 12,
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
    placed = layout(graph_of(network).subgraph(position.key for position in tied), seed=seed)
    dots = {
        position.key: _Marker(
            x=MARGIN + x * (WIDTH - 2 * MARGIN),
            y=MARGIN + y * (GRAPH_HEIGHT - 2 * MARGIN),
            size=6 + 2 * math.sqrt(position.degree),
            sector=actors[position.key].sector,
            broker=position.broker,
            label=label_of(position),
        )
        for position, (x, y) in ((position, placed[position.key]) for position in tied)
    }
    top = GRAPH_HEIGHT if tied else MARGIN
    in_row = LABELLED_IN_ROW if names else ISOLATES_IN_ROW
    for at, position in enumerate(isolates):
        row, column = divmod(at, in_row)
        dots[position.key] = _Marker(
            x=MARGIN + column * (WIDTH - 2 * MARGIN) / in_row,
            y=top + 30 + row * ROW_HEIGHT,
            size=6,
            sector=actors[position.key].sector,
            broker=False,
            label=label_of(position),
        )
    legend_top = top + (30 + math.ceil(len(isolates) / in_row) * ROW_HEIGHT if isolates else 0)
    counts = {
        "period": period,
        "stakeholders": len(positions),
        "ties": len(network.ties),
        "isolates": len(isolates),
        "brokers": sum(position.broker for position in positions),
    }
    heading = (
        [f'<text class="h" x="{MARGIN}" y="{top}">{labels["isolates"]}</text>'] if isolates else []
    )
    parts = [
        *_tie_lines(network, dots),
        *heading,
        *(_marker_svg(dot) for dot in dots.values()),
        *(_label_svg(dot) for dot in dots.values() if dot.label),  # over everything else
        *_legend(network, labels, top=legend_top + 20),
    ]
    return _document(
        parts,
        height=legend_top + 60 + LEGEND_ROW,
        title=messages.translate(TITLE, **counts),
        description=messages.translate(DESCRIPTION, **counts),
        language=language,
        text_size=text_size,
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


def _label_svg(dot: _Marker) -> str:
    """Return the label beside a marker, on the side that has room."""
    left = dot.x > WIDTH * 0.65 and dot.y < GRAPH_HEIGHT - MARGIN
    x = dot.x - dot.size - 8 if left else dot.x + dot.size + 8
    anchor = ' text-anchor="end"' if left else ""
    return f'<text class="n" x="{x:.0f}" y="{dot.y + 4:.0f}"{anchor}>{dot.label}</text>'


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


def _legend(network: Network, labels: Mapping[str, str], *, top: float) -> list[str]:
    counts = Counter(network.sectors)
    found: list[str] = []
    for at, sector in enumerate(SECTORS):
        x = MARGIN + at * 170
        found.append(
            _shape(sector, x, top, 7)
            + f'<text x="{x + 14}" y="{top + 4:.0f}">{labels[sector]} ({counts[sector]})</text>'
        )
    x, below = MARGIN, top + LEGEND_ROW
    found.append(
        f'<circle class="b" cx="{x}" cy="{below:.0f}" r="8"/>'
        f'<text x="{x + 14}" y="{below + 4:.0f}">{labels["broker"]}</text>'
        f'<line x1="{x + 163}" y1="{below:.0f}" x2="{x + 193}" y2="{below:.0f}" stroke-width="3"/>'
        f'<text x="{x + 201}" y="{below + 4:.0f}">{labels["tie"]}</text>'
    )
    if any(_is_only_reported(tie) for tie in network.ties):
        found.append(
            f'<line x1="{x + 440}" y1="{below:.0f}" x2="{x + 470}" y2="{below:.0f}" '
            f'stroke-width="2"{DASHED}/>'
            f'<text x="{x + 478}" y="{below + 4:.0f}">{labels["reported"]}</text>'
        )
    return found


def _document(
    parts: Sequence[str],
    *,
    height: float,
    title: str,
    description: str,
    language: Language,
    text_size: int,
) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'width="{WIDTH}" height="{height:.0f}" lang="{language}" aria-labelledby="t d">'
        f'<title id="t">{title}</title><desc id="d">{description}</desc>'
        f"<style>text{{font:{text_size}px Verdana,'DejaVu Sans',sans-serif;fill:#111}}"
        ".n{paint-order:stroke;stroke:#fff;stroke-width:4}.h{font-weight:bold}.t{font-size:18px;font-weight:bold}"
        "line{stroke:#777}circle,rect,polygon{stroke:#111;stroke-width:1.2}"
        ".b{fill:none;stroke-width:2}.bg{fill:#fff;stroke:none}</style>"
        f'<rect class="bg" width="{WIDTH}" height="{height:.0f}"/>'
        f'<text class="t" x="{MARGIN}" y="32">{title}</text>' + "".join(parts) + "</svg>"
    )


def _shorten(name: str) -> str:
    name = INVALID_XML.sub("", name)
    return escape(name if len(name) <= MAX_LABEL_LENGTH else f"{name[: MAX_LABEL_LENGTH - 1]}…")
