"""The layout of a network's drawing."""

from itertools import combinations, pairwise

import networkx as nx

from services.assessment.network.picture import layout


def test_components_without_a_tie_to_each_other_do_not_drift_apart() -> None:
    tied: nx.Graph[str] = nx.Graph()
    tied.add_edges_from(combinations("012345678", 2))
    tied.add_edge("x", "y")
    for seed in range(5):
        placed = layout(tied, seed=seed)
        assert all(0 <= end <= 1 for place in placed.values() for end in place)
        across, up = ([placed[str(n)][axis] for n in range(9)] for axis in (0, 1))
        assert max(max(across) - min(across), max(up) - min(up)) > 0.2


def test_one_seed_gives_one_layout() -> None:
    tied: nx.Graph[str] = nx.Graph()
    tied.add_edges_from(pairwise("abcd"))
    assert layout(tied, seed=1) == layout(tied, seed=1) != layout(tied, seed=2)
    assert layout(nx.Graph(), seed=1) == {}
