import networkx as nx
import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.routing import k_shortest_paths, load_topology


def test_abilene_has_the_440_paths_of_the_paper(abilene):
    assert abilene.paths.count == 440
    assert len(abilene.paths.pairs) == 110
    assert (abilene.paths.paths_of_pair == 4).all()


@pytest.mark.parametrize(("name", "k"), [("abilene", 4), ("abilene-12", 4), ("ring-4", 3), ("abilene-12", 1)])
def test_paths_are_the_shortest_of_all_simple_paths(name, k):
    paths = k_shortest_paths(load_topology(name), k)
    graph = paths.topology.graph()
    for index, (a, b) in enumerate(paths.pairs):
        every = sorted((tuple(path) for path in nx.all_simple_paths(graph, a, b)), key=lambda path: (len(path), path))
        mine = [path for path, owner in zip(paths.nodes, paths.pair_of_path, strict=True) if owner == index]
        assert mine == every[:k]


def test_incidence_says_which_links_a_path_uses(abilene):
    paths = abilene.paths
    dense = paths.incidence.toarray()
    for f in range(0, paths.count, 37):
        used = {paths.topology.links[e] for e in np.flatnonzero(dense[:, f])}
        assert used == set(zip(paths.nodes[f], paths.nodes[f][1:], strict=False))
    assert (dense.sum(axis=0) == paths.hops).all()
    pairs = paths.pair_incidence.toarray()
    assert (pairs.sum(axis=0) == 1).all()
    assert (pairs.argmax(axis=0) == paths.pair_of_path).all()


def test_names_and_descriptions(abilene):
    assert abilene.paths.names[0] == "New York -> Chicago path 1"
    assert abilene.paths.describe(0) == "New York - Chicago"


def test_at_least_one_path():
    with pytest.raises(DnnExplainError, match="at least 1 path, not 0"):
        k_shortest_paths(load_topology("ring-4"), 0)


def test_a_node_that_every_way_must_pass_does_not_make_the_search_endless():
    """A dense cloud behind a cut node: few paths exist, and the way back through the cut node is none."""
    from dnnexplain.systems.routing.paths import _cached_paths

    cloud = range(2, 16)
    links = [(0, 1), (1, 0)] + [(1, 2), (2, 1)] + [(a, b) for a in cloud for b in cloud if a != b]
    pairs, paths = _cached_paths(16, tuple(links), 3)
    assert paths[pairs.index((1, 0))] == ((1, 0),)
    assert paths[pairs.index((0, 2))] == ((0, 1, 2),)
    assert paths[pairs.index((2, 0))] == ((2, 1, 0),)
    assert paths[pairs.index((0, 3))] == ((0, 1, 2, 3), (0, 1, 2, 4, 3), (0, 1, 2, 5, 3))
