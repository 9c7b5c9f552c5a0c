"""Export of a network as GraphML, and as CSV of stakeholders and of ties."""

from collections.abc import Sequence

from services.assessment.network.measures import THROUGH
from services.assessment.network.picture import INVALID_XML
from services.assessment.network.structure import NodePosition
from services.assessment.network.ties import Network
from services.assessment.numerical_libraries import nx
from services.platform.spreadsheets.csv_export import CsvValue, Delimiter, write_csv

STAKEHOLDERS = (
    "key", "name", "name_en", "sector", "agency",
    "degree", "betweenness", "core", "component", "broker", "isolate",
)  # fmt: skip
TIES = ("first", "second", "weight", *THROUGH)


def stakeholders_csv(
    network: Network, positions: Sequence[NodePosition], *, delimiter: Delimiter
) -> bytes:
    """Return each stakeholder with its position in the network, as CSV."""
    return write_csv(STAKEHOLDERS, _stakeholders(network, positions), delimiter=delimiter)


def ties_csv(network: Network, *, delimiter: Delimiter) -> bytes:
    """Return each tie with its shared events, as CSV."""
    rows = [
        (*tie.pair, tie.weight, *(tie.shared[kind] for kind in THROUGH)) for tie in network.ties
    ]
    return write_csv(TIES, rows, delimiter=delimiter)


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


def _stakeholders(
    network: Network, positions: Sequence[NodePosition]
) -> list[tuple[CsvValue, ...]]:
    return [
        (
            actor.key, actor.name, actor.name_en, actor.sector, actor.agency,
            position.degree, position.betweenness, position.core, position.component,
            position.broker, position.isolate,
        )
        for actor, position in zip(network.actors, positions, strict=True)
    ]  # fmt: skip


def _remove_invalid_xml(value: CsvValue) -> CsvValue:
    return INVALID_XML.sub("", value) if isinstance(value, str) else value
