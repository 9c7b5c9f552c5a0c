"""The network of stakeholders: published examples exactly, and laws on any network."""

import math
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.assessment.evidence.records import Stakeholder
from services.assessment.methods.measure_definitions import Ties
from services.assessment.network.change import (
    change_between,
    resampled_density,
    tie_changes,
)
from services.assessment.network.picture import PRINT, picture
from services.assessment.network.structure import (
    NetworkMeasures,
    betweenness,
    core_periphery,
    cross_ties,
    ei_expected,
    measure_network,
    node_positions,
)
from services.assessment.network.ties import (
    MAX_STAKEHOLDERS,
    THROUGH,
    Actor,
    Network,
    NetworkTooLargeError,
    Through,
    Tie,
    count_ties,
    network_of,
)
from services.assessment.scoring.items import Item
from services.assessment.scoring.measure_evaluation import evaluate_measure
from services.assessment.scoring.measurement import Measurement
from services.assessment.scoring.uncertainty import RandomStreams
from services.assessment.types import SECTORS, Sector
from tests.assessment.evidence_builders import (
    agreement,
    facts,
    meeting,
    record,
    stakeholder,
    stated_ties,
    toba_items,
)


def network(graph: "nx.Graph[Any]", sectors: Sequence[Sector] | None = None) -> Network:
    """Return a network with the ties of a graph; all actors are of one sector unless given."""
    keys = sorted(graph.nodes, key=str)
    everybody: list[Sector] = ["government"] * len(keys)
    actors = tuple(
        Actor(str(key), str(key), str(key), sector)
        for key, sector in zip(keys, sectors or everybody, strict=True)
    )
    pairs = sorted((min(str(a), str(b)), max(str(a), str(b))) for a, b in graph.edges)
    return Network(
        actors, (), tuple(Tie(pair, Counter[Through]({"agreements": 1})) for pair in pairs)
    )


def measured(graph: "nx.Graph[Any]", sectors: Sequence[Sector] | None = None) -> NetworkMeasures:
    found = network(graph, sectors)
    return measure_network(found, node_positions(found))


def test_a_star_is_as_central_as_can_be_and_a_ring_not_at_all() -> None:
    """Freeman (1979): the star is the reference of every centralisation."""
    star, ring = measured(nx.star_graph(6)), measured(nx.cycle_graph(7))
    assert (star.degree_centralisation, star.betweenness_centralisation) == (1, 1)
    assert (ring.degree_centralisation, ring.betweenness_centralisation) == (0, 0)
    assert (star.brokers, star.isolates, star.components) == (1, 0, 1)
    assert (star.highest_core, ring.highest_core) == (1, 2)


def test_a_chain_of_five_by_hand() -> None:
    # Degrees 1, 2, 2, 2, 1: (1 + 1) / 12. Betweenness 0, 3, 4, 3, 0 of 6 pairs:
    # (4 + 1 + 0 + 1 + 4) / 6 / 4 = 0.4167. Three paths of two ties, none closed.
    chain = measured(nx.path_graph(5))
    assert chain.density == 0.4
    assert chain.degree_centralisation == 0.1667
    assert chain.betweenness_centralisation == 0.4167
    assert chain.transitivity == 0
    assert chain.brokers == 3


def test_the_florentine_families_have_their_published_figures() -> None:
    """Padgett's marriages of 16 families, Pucci an isolate (Wasserman and Faust 1994, ch. 5)."""
    families = nx.florentine_families_graph()
    families.add_node("Pucci")
    found = measured(families)
    assert (found.stakeholders, found.ties, found.isolates) == (16, 20, 1)
    assert found.density == 0.1667
    assert found.degree_centralisation == 0.2667  # (16 x 6 - 40) / (15 x 14)
    assert found.betweenness_centralisation == 0.3835
    assert found.transitivity == 0.1915  # 9 of 47; igraph prints 0.1914894
    places = {place.key: place for place in node_positions(network(families))}
    assert places["Medici"].betweenness == 0.4524  # 47.5 of 105 pairs
    assert max(places.values(), key=lambda p: p.betweenness).key == "Medici"
    assert (found.components, found.largest_component) == (2, 0.9375)
    assert places["Pucci"].isolate
    assert not places["Pucci"].broker


def southern_women(*, meetings: int) -> Network:
    """Eighteen women at fourteen events (Davis, Gardner and Gardner 1941)."""
    graph = nx.davis_southern_women_graph()
    slug = {woman: woman.lower().replace(" ", "-") for woman in graph.graph["top"]}
    items: list[Item] = [stakeholder(key) for key in slug.values()]
    for event in graph.graph["bottom"]:
        present = [{"stakeholder": slug[woman], "present": True} for woman in graph[event]]
        items.append(meeting(event.lower(), attendance=present))
    return network_of(facts(*items), through=THROUGH, meetings=meetings)


def test_the_southern_women_in_two_modes_and_in_one() -> None:
    once = southern_women(meetings=1)
    found = measure_network(once, node_positions(once))
    two = found.two_mode
    assert (two.events, two.participations, two.density) == (14, 89, 0.3532)  # 89 / 252
    assert (found.stakeholders, found.ties, found.density) == (18, 139, 0.9085)  # 139 / 153
    weights = {tie.pair: tie.weight for tie in once.ties}
    assert weights["evelyn-jefferson", "theresa-anderson"] == 7  # of 8 events each
    assert weights["evelyn-jefferson", "laura-mandeville"] == 6
    graph = nx.davis_southern_women_graph()
    shared = nx.bipartite.weighted_projected_graph(graph, graph.graph["top"])
    assert sum(weights.values()) == sum(w for _, _, w in shared.edges(data="weight"))
    twice = southern_women(meetings=2)
    assert len(twice.ties) == sum(w >= 2 for w in weights.values()) < 139


def test_the_e_i_index_by_hand() -> None:
    # a-b within government, b-c and b-d to others: (2 - 1) / 3. Of 6 pairs of 2 + 1 + 1
    # stakeholders one is internal: (5 - 1) / 6.
    graph: nx.Graph[str] = nx.Graph([("a", "b"), ("b", "c"), ("b", "d")])
    found = measured(graph, ["government", "government", "private", "community"])
    assert (found.ei_index, found.ei_expected) == (0.3333, 0.6667)
    assert found.cross_sector_share == 0.6667


def test_without_ties_measures_of_ties_are_null_and_not_zero() -> None:
    found = measured(nx.empty_graph(4))
    assert (found.density, found.isolates, found.components, found.brokers) == (0, 4, 4, 0)
    assert (found.ei_index, found.transitivity, found.core_periphery) == (None, None, None)
    nobody = measured(nx.empty_graph(0))
    assert (nobody.density, nobody.mean_degree, nobody.largest_component) == (None, None, None)


GRAPHS = st.integers(1, 9).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(st.booleans(), min_size=math.comb(n, 2), max_size=math.comb(n, 2)),
        st.lists(st.sampled_from(SECTORS), min_size=n, max_size=n),
    )
)


def drawn(
    given_graph: tuple[int, list[bool], list[Sector]],
) -> tuple["nx.Graph[Any]", list[Sector]]:
    n, tied, sectors = given_graph
    graph = nx.empty_graph(n)
    graph.add_edges_from(
        pair for pair, yes in zip(combinations(range(n), 2), tied, strict=True) if yes
    )
    return graph, sectors


@pytest.mark.slow
@given(GRAPHS)
@settings(max_examples=200, deadline=None)
def test_every_measure_is_networkx_s_or_counted_pair_by_pair(given_graph: Any) -> None:
    graph, sectors = drawn(given_graph)
    net = network(graph, sectors)
    found = measure_network(net, node_positions(net))
    exact = betweenness(net.matrix())
    assert exact == pytest.approx([nx.betweenness_centrality(graph)[n] for n in graph], abs=1e-12)
    if graph.number_of_nodes() > 1:
        assert found.density == pytest.approx(nx.density(graph), abs=5e-5)
    if found.transitivity is not None:
        assert found.transitivity == pytest.approx(nx.transitivity(graph), abs=5e-5)
    assert found.isolates == nx.number_of_isolates(graph)
    assert found.components == nx.number_connected_components(graph)
    external = sum(sectors[a] != sectors[b] for a, b in graph.edges)
    assert cross_ties(net.matrix(), sectors) == external
    full = nx.complete_graph(len(graph))
    if len(graph) > 1:
        assert ei_expected(sectors) == measured(full, sectors).ei_index


@pytest.mark.slow
@given(GRAPHS)
@settings(max_examples=100, deadline=None)
def test_no_other_division_fits_better_than_the_core_that_is_found(given_graph: Any) -> None:
    graph, _ = drawn(given_graph)
    found = core_periphery(network(graph).matrix())
    if found is None:
        assert graph.number_of_edges() == 0
        return

    def broken(core: set[int]) -> int:
        inside = sum(a in core and b in core for a, b in graph.edges)
        outside = sum(a not in core and b not in core for a, b in graph.edges)
        return math.comb(len(core), 2) - inside + outside

    n = len(graph)
    best = min(broken(set(c)) for k in range(1, n + 1) for c in combinations(range(n), k))
    judged = math.comb(found.core, 2) + math.comb(n - found.core, 2)
    assert found.fit == pytest.approx(1 - best / judged if judged else 1, abs=5e-5)


@given(GRAPHS, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_names_and_order_of_stakeholders_change_no_measure(given_graph: Any, rng: Any) -> None:
    graph, sectors = drawn(given_graph)
    order = list(graph)
    rng.shuffle(order)
    renamed = nx.relabel_nodes(graph, dict(zip(graph, order, strict=True)))
    moved: list[Sector] = [sectors[order.index(n)] for n in range(len(order))]
    assert measured(renamed, moved) == measured(graph, sectors)


def test_the_density_is_the_share_of_lasting_ties_that_the_method_scores() -> None:
    people = [stakeholder(key) for key in "abcde"]
    came = [{"stakeholder": key, "present": key != "d"} for key in "abcd"]
    items = [
        *people,
        meeting("one", attendance=came),
        meeting("two", date(2024, 9, 1), attendance=came[:2]),
        meeting("unnamed", sectors_present=["private"]),
        agreement("mou", ["c", "e"]),
    ]
    for read in (facts(*items), facts(*toba_items())):
        net = network_of(read, through=("meetings", "agreements"), meetings=2)
        scored = evaluate_measure(Ties(kind="ties", meetings=2), read)
        assert isinstance(scored, Measurement)
        density = measure_network(net, node_positions(net)).density
        assert density == pytest.approx(scored.value, abs=5e-5)


def test_programmes_tie_owner_and_partners_where_they_are_asked_for() -> None:
    people = [stakeholder(key) for key in "abc"]
    shared = record(
        "programmes", "p", name="p", name_en="p", owner="a", partners=["b"], attested_in=2024
    )
    read = facts(*people, shared)
    assert network_of(read, through=THROUGH, meetings=2).pairs() == [("a", "b")]
    assert not network_of(read, through=("agreements",), meetings=2).pairs()


def test_changes_of_a_network_are_listed_tie_by_tie() -> None:
    before = network(nx.Graph([("a", "b"), ("b", "c")]))
    after = network(nx.Graph([("b", "c"), ("c", "d")]))
    moves = tie_changes(before, after)
    assert (moves.kept, moves.new, moves.lost) == ([("b", "c")], [("c", "d")], [("a", "b")])
    change = change_between(
        (before, measure_network(before, node_positions(before))),
        (after, measure_network(after, node_positions(after))),
        streams=RandomStreams(1, 200),
    )
    assert (change.joined, change.left, change.stability) == (1, 1, 0.3333)
    assert (change.ties_kept, change.ties_new, change.ties_lost) == (1, 1, 1)
    ties = next(one for one in change.differences if one.measure == "ties")
    assert (ties.before, ties.after, ties.difference) == (2, 2, 0)
    assert change.density_interval is not None
    assert change.density_interval.low < 0 < change.density_interval.high


@given(GRAPHS)
@settings(max_examples=30, deadline=None)
def test_resampled_networks_have_the_density_of_the_network_on_average(given_graph: Any) -> None:
    graph, _ = drawn(given_graph)
    matrix = network(graph).matrix()
    draws = resampled_density(matrix, RandomStreams(1, 400), "a name")
    if draws is None:
        assert len(graph) == 1
        return
    assert (draws >= -1e-9).all()
    assert (draws <= 1 + 1e-9).all()
    spread = float(draws.std())
    assert abs(float(draws.mean()) - nx.density(graph)) <= 5 * spread / math.sqrt(400) + 1e-9
    again = resampled_density(matrix, RandomStreams(1, 400), "a name")
    assert again is not None
    assert np.array_equal(draws, again)


ATTENDED = st.lists(st.sets(st.sampled_from("abcdefgh")), max_size=8)


@given(ATTENDED, ATTENDED, st.integers(1, 3))
def test_ties_are_those_of_all_pairs_of_each_event(
    attended: list[set[str]], shared: list[set[str]], least: int
) -> None:
    people = [stakeholder(key) for key in "hgfedcb"]  # a is unknown
    parties = [sorted(each) for each in shared if len(each) > 1]
    read = facts(
        *people,
        *(
            meeting(f"m{at}", attendance=[{"stakeholder": key, "present": True} for key in each])
            for at, each in enumerate(attended)
        ),
        *(agreement(f"a{at}", each) for at, each in enumerate(parties)),
    )
    met = Counter(pair for each in attended for pair in combinations(sorted(each - {"a"}), 2))
    agreed = Counter(pair for each in parties for pair in combinations(sorted({*each} - {"a"}), 2))
    expected = {
        pair: {
            kind: number
            for kind, number in (("meetings", met[pair]), ("agreements", agreed[pair]))
            if number
        }
        for pair in sorted(met | agreed)
        if met[pair] >= least or agreed[pair]
    }
    found = network_of(read, through=THROUGH, meetings=least)
    assert {tie.pair: dict(tie.shared) for tie in found.ties} == expected
    assert found.pairs() == list(expected)
    scored = evaluate_measure(Ties(kind="ties", meetings=least), read)
    if isinstance(scored, Measurement):
        assert scored.inputs["numerator"] == len(expected)
    else:
        assert not expected


def crowd(size: int) -> list[Item]:
    return [stakeholder(f"p{at:04}") for at in range(size)]


def keys(size: int) -> list[str]:
    return [f"p{at:04}" for at in range(size)]


def attendance(size: int) -> list[dict[str, Any]]:
    return [{"stakeholder": key, "present": True} for key in keys(size)]


@pytest.mark.parametrize(
    "items",
    [
        crowd(MAX_STAKEHOLDERS + 1),
        [*crowd(200), agreement("all", keys(200))],
        [*crowd(200), meeting("one", attendance=attendance(200))],
        [*crowd(200), agreement("some", keys(120)), agreement("others", keys(200)[80:])],
    ],
    ids=["stakeholders", "one agreement", "one meeting", "two agreements"],
)
def test_a_larger_network_is_not_computed(items: list[Item]) -> None:
    with pytest.raises(NetworkTooLargeError):
        network_of(facts(*items), through=THROUGH, meetings=1)


def test_a_network_up_to_the_limits_is_computed() -> None:
    items = [*crowd(MAX_STAKEHOLDERS), agreement("many", keys(140))]
    found = network_of(facts(*items), through=THROUGH, meetings=1)
    assert (len(found.actors), len(found.ties)) == (MAX_STAKEHOLDERS, 9730)


@pytest.mark.parametrize(
    "items",
    [
        [meeting(f"m{at}", attendance=attendance(1000)) for at in range(20)],
        [agreement(f"a{at}", keys(500)) for at in range(20)],
        [agreement(f"a{at}", keys(1000)[at * 25 :][:500]) for at in range(20)],
    ],
    ids=["meetings", "agreements", "overlapping agreements"],
)
def test_the_ties_of_a_thousand_are_counted_in_bounded_memory(items: list[Item]) -> None:
    read = facts(*crowd(1000), *items)
    list(read.records(Stakeholder))  # parsed once
    tracemalloc.start()
    try:
        scored = evaluate_measure(Ties(kind="ties", meetings=2), read)
        assert tracemalloc.get_traced_memory()[1] < 24 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert isinstance(scored, Measurement)
    assert scored.inputs["numerator"] > 100_000


def test_reported_ties_are_a_kind_of_their_own_apart_and_together() -> None:
    people = [stakeholder(key) for key in "abcd"]
    shared = agreement("k", ["c", "d"])
    stated = stated_ties({"a": ["b", "c"], "b": ["a"], "d": ["c", "unknown"]}, invited=4)
    read = facts(*people, shared, stated)

    def pairs(*kinds: Through, reports: int = 2) -> list[tuple[str, str]]:
        return network_of(read, through=kinds, meetings=2, reports=reports).pairs()

    assert pairs("reported") == [("a", "b")]
    assert pairs("reported", reports=1) == [("a", "b"), ("a", "c"), ("c", "d")]
    assert pairs("agreements") == [("c", "d")]
    assert pairs("agreements", "reported") == [("a", "b"), ("c", "d")]
    together = network_of(read, through=THROUGH, meetings=2)
    assert {tie.pair: dict(tie.shared) for tie in together.ties} == {
        ("a", "b"): {"reported": 2},
        ("c", "d"): {"agreements": 1, "reported": 1},
    }
    assert count_ties(read, meetings=2, reports=2) == {
        "meetings": None,
        "agreements": 1,
        "programmes": None,
        "reported": 1,
    }
    assert network_of(read, through=["meetings"], meetings=2).has_evidence is False
    assert network_of(read, through=["reported"], meetings=2).has_evidence is True


def test_ties_that_are_only_reported_are_drawn_dashed() -> None:
    people = [stakeholder(key) for key in "abcd"]
    stated = stated_ties({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}, invited=4)
    net = network_of(
        facts(*people, agreement("k", ["c", "d"]), stated), through=THROUGH, meetings=2
    )
    drawn = picture(net, node_positions(net), period=2024, seed=1, form=PRINT, names=False)
    assert drawn.count("stroke-dasharray") == 2  # the tie a-b, and its legend
    assert "Hanya dilaporkan dalam survei" in drawn
    without = network_of(facts(*people, agreement("k", ["c", "d"])), through=THROUGH, meetings=2)
    plain = picture(without, node_positions(without), period=2024, seed=1, form=PRINT, names=False)
    assert "stroke-dasharray" not in plain
