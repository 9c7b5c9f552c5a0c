"""Structural measures of a stakeholder network, each by its published definition.

n is the number of stakeholders, m of ties; ties are undirected, and measures ignore their weights.
A measure that is undefined (no tie, too few stakeholders) is null.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.assessment.network.measures import CorePeriphery, NetworkMeasures, TwoMode
from services.assessment.network.ties import Network
from services.assessment.numerical_libraries import Booleans, Floats, np, nx
from services.assessment.types import SECTORS, Sector

DECIMALS = 4
BROKER_SHARE = 0.1
"""A stakeholder on this share of the shortest paths between others is a broker."""

Matrix = Booleans


@dataclass(frozen=True)
class NodePosition:
    """A stakeholder's position in the network."""

    key: str
    degree: int
    betweenness: float
    """Share of the shortest paths between pairs of others through it (Freeman 1977)."""
    core: int
    component: int
    """Number of its component, 1 for the largest."""
    cut_point: bool
    """Whether its component would split without it."""

    @property
    def isolate(self) -> bool:
        return self.degree == 0

    @property
    def broker(self) -> bool:
        return self.cut_point or self.betweenness >= BROKER_SHARE


def node_positions(network: Network) -> list[NodePosition]:
    """Return the position of each stakeholder, in the order of the network."""
    graph = graph_of(network)
    between = betweenness(network.matrix())
    cores: dict[str, int] = nx.core_number(graph)
    cuts = set(nx.articulation_points(graph))
    parts = sorted(nx.connected_components(graph), key=lambda part: (-len(part), min(part)))
    part_of = {key: number for number, part in enumerate(parts, start=1) for key in part}
    return [
        NodePosition(
            key=key,
            degree=graph.degree[key],
            betweenness=_rounded(share),
            core=cores[key],
            component=part_of[key],
            cut_point=key in cuts,
        )
        for key, share in zip(network.keys, between.tolist(), strict=True)
    ]


def graph_of(network: Network) -> "nx.Graph[str]":
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(network.keys)
    graph.add_edges_from(network.pairs())
    return graph


def measure_network(network: Network, positions: Sequence[NodePosition]) -> NetworkMeasures:
    """Compute all measures of a network."""
    matrix = network.matrix()
    n, m = len(network.actors), len(network.ties)
    degrees = matrix.sum(axis=1).astype(np.float64)
    sizes = [
        sum(p.component == number for p in positions) for number in {p.component for p in positions}
    ]
    highest = max((position.core for position in positions), default=0)
    external = cross_ties(matrix, network.sectors)
    return NetworkMeasures(
        stakeholders=n,
        ties=m,
        density=_share(2 * m, n * (n - 1)),
        mean_degree=_share(2 * m, n),
        degree_centralisation=degree_centralisation(degrees),
        betweenness_centralisation=betweenness_centralisation(betweenness(matrix)),
        transitivity=transitivity(matrix),
        components=len(sizes),
        largest_component=_share(max(sizes, default=0), n),
        isolates=sum(position.isolate for position in positions),
        brokers=sum(position.broker for position in positions),
        highest_core=highest,
        highest_core_size=sum(position.core == highest for position in positions),
        core_periphery=core_periphery(matrix),
        cross_sector_share=_share(external, m),
        ei_index=_share(2 * external - m, m),
        ei_expected=None if m == 0 else ei_expected(network.sectors),
        two_mode=_two_mode(network),
    )


def betweenness(matrix: Matrix) -> Floats:
    """Return Freeman's (1977) betweenness, relative to the (n - 1)(n - 2) / 2 pairs of others.

    v is on a shortest path from s to t if d(s, v) + d(v, t) = d(s, t), and then on paths(s, v) x
    paths(v, t) of the paths(s, t). All pairs are computed at once: in networks as dense as those of
    meetings this is many times as fast as following single ties (Brandes 2001).
    """
    n = len(matrix)
    distance, ways = _shortest_paths(matrix)
    shares = np.zeros(n)
    if n < 3:
        return shares
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(ways > 0, 1 / ways, 0)
    for v in range(n):
        on_the_way = distance[:, v, None] + distance[None, v, :] == distance
        on_the_way &= np.isfinite(distance)
        on_the_way[v, :] = on_the_way[:, v] = False
        np.fill_diagonal(on_the_way, val=False)
        through = np.outer(ways[:, v], ways[v, :]) * inverse
        shares[v] = through[on_the_way].sum() / 2
    return shares / ((n - 1) * (n - 2) / 2)


def _shortest_paths(matrix: Matrix) -> tuple[Floats, Floats]:
    """Return the distance between all pairs of nodes, and the number of shortest paths."""
    n = len(matrix)
    distance = np.full((n, n), np.inf)
    np.fill_diagonal(distance, 0)
    ways = np.eye(n)
    step, ties = np.eye(n), matrix.astype(np.float64)
    for length in range(1, n):
        step = np.where(np.isinf(distance), step @ ties, 0)
        new = step > 0
        if not new.any():
            break
        distance[new] = length
        ways += step
    return distance, ways


def degree_centralisation(degrees: Floats) -> float | None:
    """Return Freeman's (1979) centralisation: sum of (highest - degree) over (n - 1)(n - 2)."""
    n = len(degrees)
    return None if n < 3 else _share(float((degrees.max() - degrees).sum()), (n - 1) * (n - 2))


def betweenness_centralisation(between: Floats) -> float | None:
    """Return Freeman's (1979) centralisation: sum of (highest - betweenness) over n - 1."""
    n = len(between)
    return None if n < 3 else _share(float((between.max() - between).sum()), n - 1)


def transitivity(matrix: Matrix) -> float | None:
    """Return three times the triangles over connected triples (Wasserman and Faust 1994, 6.6)."""
    ties = matrix.astype(np.float64)
    twice_paths = float((ties @ ties).sum() - (ties @ ties).trace())
    return _share(float(np.trace(ties @ ties @ ties)), twice_paths)


def core_periphery(matrix: Matrix) -> CorePeriphery | None:
    """Return the division with the fewest violations of "core tied, periphery not" (Lip 2011).

    Ties between core and periphery are free. A core of k violates k(k - 1)/2 + m minus the sum of
    its degrees, so that the k nodes of highest degree are optimal; of several optimal sizes the
    smallest is taken. The ideal is that of Borgatti and Everett (2000).
    """
    n = len(matrix)
    m = int(matrix.sum()) // 2
    if m == 0:
        return None
    degrees = matrix.sum(axis=1)
    sizes = np.arange(1, n + 1)
    broken = sizes * (sizes - 1) // 2 + m - np.cumsum(np.sort(degrees)[::-1])
    k = int(np.argmin(broken)) + 1
    judged = k * (k - 1) // 2 + (n - k) * (n - k - 1) // 2
    fit = 1.0 if judged == 0 else _rounded(1 - int(broken[k - 1]) / judged)
    return CorePeriphery(core=k, fit=fit)


def cross_ties(matrix: Matrix, sectors: Sequence[Sector]) -> int:
    """Return the number of ties between different sectors."""
    number = np.array([SECTORS.index(sector) for sector in sectors], dtype=np.int64)
    return int((matrix & (number[:, None] != number[None, :])).sum()) // 2


def ei_expected(sectors: Sequence[Sector]) -> float | None:
    """Return the E-I index if all pairs are equally likely tied: that of the full network."""
    n = len(sectors)
    pairs = n * (n - 1) // 2
    counts = [sectors.count(sector) for sector in SECTORS]
    internal = sum(count * (count - 1) // 2 for count in counts)
    return _share(pairs - 2 * internal, pairs)


def _two_mode(network: Network) -> TwoMode:
    participations = sum(len(event.members) for event in network.events)
    return TwoMode(
        events=len(network.events),
        participations=participations,
        density=_share(participations, len(network.events) * len(network.actors)),
    )


def _share(part: float, whole: float) -> float | None:
    return None if whole == 0 else _rounded(part / whole)


def _rounded(value: float) -> float:
    return round(value, DECIMALS) + 0.0
