"""The routing dashboard from the command line: what it is given is tried before a server starts."""

import networkx as nx
import pytest

from dnnexplain.app import UNTRAINED_TITLE, dashboard_parts
from dnnexplain.cli import main


@pytest.fixture
def graphml(tmp_path):
    def write(*edges):
        graph = nx.Graph()
        for a, b, capacity in edges:
            graph.add_edge(a, b, capacity=capacity)
        path = tmp_path / "net.graphml"
        nx.write_graphml(graph, path)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([("a", "b", 10.0), ("c", "d", 10.0)], "no path leads from"),
        ([("a", "b", 10.0), ("b", "c", 0.0)], "capacity of link"),
    ],
)
def test_a_topology_that_cannot_be_used_is_told_before_a_server_starts(graphml, edges, message, capsys):
    assert main(["app", "--system", "routing", "--topology", graphml(*edges), "--no-browser"]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--system", "autopilot"), "there is no system 'autopilot'"),
        (("--system", "routing", "--topology", "atlantis"), "no topology 'atlantis'"),
        (("--system", "routing", "--policy", "missing.safetensors"), "missing.safetensors"),
    ],
)
def test_mistakes_are_one_sentence(words, message, capsys):
    assert main(["app", *words, "--no-browser"]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.err.count("\n") == 1


def test_a_topology_of_one_s_own_has_an_untrained_network_and_the_rules(graphml):
    parts = dashboard_parts(system="routing", topology=graphml(("a", "b", 10.0), ("b", "c", 5.0), ("a", "c", 5.0)))
    rules = ["Rule Shortest path", "Rule ECMP: all shortest paths alike", "Rule Even: all paths alike"]
    rules += ["Rule Oblivious: mildest worst case", "Rule Hedged: best on usual traffic, never far behind"]
    assert list(parts["policies"]) == [UNTRAINED_TITLE, *rules]
    assert parts["policies"][UNTRAINED_TITLE]().name == UNTRAINED_TITLE
    assert parts["system"].graph.nodes == ("a", "b", "c")


def test_a_rule_that_is_explained_first_stands_once_in_the_menu_by_its_entry():
    parts = dashboard_parts(system="routing", policy="ecmp")
    first, *others = parts["policies"]
    assert first == "Rule ECMP: all shortest paths alike"
    assert parts["policies"][first] is parts["policy"]  # a page finds it there, and adds no second entry
    assert not any("ECMP" in name for name in others)
    assert not any(
        name.startswith("Rule") for name in parts["options"]["EpisodePanel"]["policies"]
    )  # it has them by itself
