import networkx as nx
import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.routing import Topology, load_topology
from dnnexplain.systems.routing.topology import bidirectional


def test_abilene_has_the_published_sizes():
    zoo, snd = load_topology("abilene"), load_topology("abilene-12")
    assert (len(zoo.nodes), len(zoo.links)) == (11, 28)
    assert set(zoo.capacity) == {10.0}
    assert (len(snd.nodes), len(snd.links)) == (12, 30)
    assert sorted(set(snd.capacity)) == [2.48, 9.92]
    slow = {snd.link_names[i] for i in np.flatnonzero(snd.capacity == 2.48)}
    assert slow == {"ATLAng -> IPLSng", "IPLSng -> ATLAng"}


@pytest.mark.parametrize(("ours", "theirs"), [("abilene", "topozoo/Abilene"), ("abilene-12", "sndlib/abilene")])
def test_built_in_abilene_has_the_cables_of_topohub(ours, theirs):
    def cables(topology):
        names = [name.lower() for name in topology.nodes]
        return {frozenset((names[a], names[b])) for a, b in topology.links}

    assert cables(load_topology(ours)) == cables(load_topology(theirs))


def test_topohub_states_its_assumption():
    geant = load_topology("sndlib/geant", capacity=40.0)
    assert (len(geant.nodes), len(geant.links)) == (22, 72)
    assert set(geant.capacity) == {40.0}
    assert "assumed to carry 40 Gb/s" in geant.assumption
    assert geant.coordinates.shape == (22, 2)


def test_capacity_replaces_that_of_a_built_in_topology():
    assert set(load_topology("abilene-12", capacity=3.0).capacity) == {3.0}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("abilen", "Did you mean 'abilene'"),
        ("sndlib/nowhere", "topohub has no"),
        ("missing.graphml", "there is no such file"),
    ],
)
def test_unknown_topologies_are_told(name, words):
    with pytest.raises(DnnExplainError, match=words):
        load_topology(name)


def test_graphml_reads_capacities_adds_parallel_links_and_drops_loops(tmp_path):
    graph = nx.MultiGraph()
    graph.add_node("a", label="Here")
    graph.add_node("b", label="There")
    graph.add_edge("a", "b", capacity=2.0)
    graph.add_edge("a", "b", LinkSpeedRaw=3e9)
    graph.add_edge("a", "a", capacity=9.0)
    nx.write_graphml(graph, tmp_path / "two.graphml")
    topology = load_topology(tmp_path / "two.graphml")
    assert topology.nodes == ("Here", "There")
    assert topology.links == ((0, 1), (1, 0))
    np.testing.assert_allclose(topology.capacity, [5.0, 5.0])
    assert not topology.assumption


def test_repeated_labels_get_their_id(tmp_path):
    graph = nx.Graph([(1, 2), (2, 3)])
    nx.set_node_attributes(graph, "x", "label")
    nx.write_graphml(graph, tmp_path / "same.graphml")
    assert load_topology(tmp_path / "same.graphml").nodes == ("x (1)", "x (2)", "x (3)")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not xml", "in no format of topologies"),
        ("<a></a>", "neither a GraphML"),
        ("", "in no format of topologies"),
        ("<a>", "not valid XML"),
    ],
)
def test_damaged_graphml_is_told(tmp_path, text, words):
    (tmp_path / "bad.graphml").write_text(text)
    with pytest.raises(DnnExplainError, match=words):
        load_topology(tmp_path / "bad.graphml")


@pytest.mark.parametrize("capacity", [0.0, -1.0, np.nan, np.inf])
def test_unusable_capacity_names_the_link(capacity):
    with pytest.raises(DnnExplainError, match="capacity of link B -> A"):
        Topology("t", ("A", "B"), ((0, 1), (1, 0)), np.array([1.0, capacity]))


def test_graphml_with_text_for_a_capacity_is_told(tmp_path):
    graph = nx.Graph()
    graph.add_edge("a", "b", capacity="fast")
    nx.write_graphml(graph, tmp_path / "t.graphml")
    with pytest.raises(DnnExplainError, match="'fast', which is not a number"):
        load_topology(tmp_path / "t.graphml")


def test_disconnected_graphs_are_refused_in_both_directions():
    with pytest.raises(DnnExplainError, match="no path leads from A to C"):
        bidirectional("t", ("A", "B", "C", "D"), ((0, 1), (2, 3)), 1.0)
    with pytest.raises(DnnExplainError, match="no path leads from B to A"):
        Topology("t", ("A", "B"), ((0, 1),), np.ones(1))


@pytest.mark.parametrize(
    ("nodes", "links", "words"),
    [
        (("A",), (), "needs at least 2"),
        (("A", "A"), ((0, 1), (1, 0)), "occurs more than once"),
        (("A", "B"), ((0, 1), (1, 0), (0, 1)), "given twice"),
        (("A", "B"), ((0, 1), (1, 2)), "does not join"),
        (("A", "B"), ((0, 1), (1, 1)), "does not join"),
    ],
)
def test_impossible_topologies_are_refused(nodes, links, words):
    with pytest.raises(DnnExplainError, match=words):
        Topology("t", nodes, links, np.ones(len(links)))
