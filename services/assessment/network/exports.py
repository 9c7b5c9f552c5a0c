"""Export of a network as GraphML, and as CSV of stakeholders and of ties."""

import csv
import io
from collections.abc import Iterable, Sequence

from services.assessment.network.picture import INVALID_XML
from services.assessment.network.structure import NodePosition
from services.assessment.network.ties import THROUGH, Network
from services.assessment.numerical_libraries import nx

STAKEHOLDERS = (
    "key", "name", "name_en", "sector", "agency",
    "degree", "betweenness", "core", "component", "broker", "isolate",
)  # fmt: skip
TIES = ("first", "second", "weight", *THROUGH)

Cell = str | int | float | bool | None


def stakeholders_csv(network: Network, positions: Sequence[NodePosition]) -> str:
    """Return each stakeholder with its position in the network, as CSV."""
    return _csv(STAKEHOLDERS, _stakeholders(network, positions))


def ties_csv(network: Network) -> str:
    """Return each tie with its shared events, as CSV."""
    rows = [
        (*tie.pair, tie.weight, *(tie.shared[kind] for kind in THROUGH)) for tie in network.ties
    ]
    return _csv(TIES, rows)


def graphml(network: Network, positions: Sequence[NodePosition]) -> str:
    """Return the network as GraphML (Brandes and others 2002), for Gephi, igraph and others."""
    graph: nx.Graph[str] = nx.Graph()
    for actor, row in zip(network.actors, _stakeholders(network, positions), strict=True):
        about = dict(zip(STAKEHOLDERS[1:], row[1:], strict=True))
        known = {
            name: _remove_invalid_xml(value) for name, value in about.items() if value is not None
        }
        graph.add_node(actor.key, **known)
    for tie in network.ties:
        shared = {kind: tie.shared[kind] for kind in THROUGH}
        graph.add_edge(*tie.pair, weight=tie.weight, **shared)
    lines = nx.generate_graphml(graph, named_key_ids=True)
    return "<?xml version='1.0' encoding='utf-8'?>\n" + "\n".join(lines) + "\n"


def _stakeholders(network: Network, positions: Sequence[NodePosition]) -> list[tuple[Cell, ...]]:
    return [
        (
            actor.key, actor.name, actor.name_en, actor.sector, actor.agency,
            position.degree, position.betweenness, position.core, position.component,
            position.broker, position.isolate,
        )
        for actor, position in zip(network.actors, positions, strict=True)
    ]  # fmt: skip


def _csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_escape_formula(value) for value in row] for row in rows)
    return text.getvalue()


def _escape_formula(value: Cell) -> Cell:
    """Prefix a text that a spreadsheet would read as a formula with an apostrophe."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}" if isinstance(value, str) and value[:1] in {*"=+-@\t\r"} else value


def _remove_invalid_xml(value: Cell) -> Cell:
    return INVALID_XML.sub("", value) if isinstance(value, str) else value
