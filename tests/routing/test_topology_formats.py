"""Topologies in other people's formats: read by content, units read or said, damage told."""

import gzip
import json

import networkx as nx
import numpy as np
import pytest

from dnnexplain import assumptions
from dnnexplain.cli import main
from dnnexplain.contract import DnnExplainError
from dnnexplain.results import Question
from dnnexplain.systems import make_system
from dnnexplain.systems.routing import load_topology
from dnnexplain.systems.routing.paths import k_shortest_paths
from dnnexplain.systems.routing.system import RoutingSystem
from dnnexplain.systems.routing.traffic_files import load_matrices

REPETITA = """NODES 3
label x y
0_New York -74.0 40.7
1_B 1.0 0.0
2_C 0.5 1.0

EDGES 6
label src dest weight bw delay
edge_0 0 1 10 2000000 100
edge_1 1 0 10 2000000 100
edge_2 0 2 10 1000000 100
edge_3 2 0 10 1000000 100
edge_4 1 2 10 1000000 100
edge_5 2 1 10 1000000 100
"""
DEMANDS = "DEMANDS 2\nlabel src dest bw\ndemand_0 0 1 300000\ndemand_1 2 0 500\n"
NATIVE = """?SNDlib native format; type: network; version: 1.0
# a comment
META (
  granularity = 5min
  unit = MBITPERSEC
)
NODES (
  A ( 11.57 48.14 )
  B ( 6.96 50.94 )
  C ( 13.40 52.52 )
)
LINKS (
  L1 ( A B ) 4000.00 0.00 0.00 0.00 ( 1000.00 5.00 )
  L2 ( B C ) 0.00 0.00 0.00 0.00 ( 1000.00 5.00 2500.00 9.00 )
  L3 ( C A ) 4000.00 0.00 0.00 0.00 ( )
)
DEMANDS (
  D1 ( A C ) 1 3.50 UNLIMITED
)
"""
XML = """<?xml version="1.0" encoding="ISO-8859-1"?>
<network xmlns="http://sndlib.zib.de/network" version="1.0"><networkStructure><nodes coordinatesType="geographical">
<node id="Köln"><coordinates><x>6.96</x><y>50.94</y></coordinates></node>
<node id="Berlin"><coordinates><x>13.4</x><y>52.5</y></coordinates></node></nodes><links>
<link id="L1"><source>Köln</source><target>Berlin</target>
<preInstalledModule><capacity>40.0</capacity></preInstalledModule></link></links></networkStructure>
<demands><demand id="D"><source>Köln</source><target>Berlin</target><demandValue>3.5</demandValue></demand></demands>
</network>"""
GML = """Creator "someone"
graph [
  directed 0
  node [ id 0 label "None" ]
  node [ id 1 label "None" ]
  node [ id 2 label "C" Longitude 1.0 Latitude 2.0 ]
  edge [ source 0 target 1 LinkSpeedRaw 64000.0 ]
  edge [ source 1 target 2 LinkSpeedRaw 128000.0 ]
  edge [ source 0 target 2 ]
]
"""


def written(tmp_path, text, name="own.graph", encoding="utf-8"):
    (tmp_path / name).write_bytes(text.encode(encoding))
    return tmp_path / name


def links(topology):
    return {(a, b): float(c) for (a, b), c in zip(topology.links, topology.capacity, strict=True)}


def test_repetita_is_read_in_its_unit(tmp_path):
    found = load_topology(written(tmp_path, REPETITA, "own.dat"))
    assert found.nodes == ("New York", "B", "C")
    assert links(found)[0, 1] == pytest.approx(2.0)
    assert links(found)[2, 1] == pytest.approx(1.0)
    assert "taken as kb/s" in found.assumption
    np.testing.assert_allclose(found.coordinates[0], [-74.0, 40.7])
    other = load_topology(tmp_path / "own.dat", unit="b/s")
    assert links(other)[0, 1] == pytest.approx(0.002)
    assert other.assumption == ""


def test_demands_of_repetita_and_sndlib_are_matrices(tmp_path):
    paths = k_shortest_paths(load_topology(written(tmp_path, REPETITA)), 2)
    matrix = load_matrices(written(tmp_path, DEMANDS, "own.demands"), paths)
    assert matrix.shape == (1, 6)
    told = dict(zip(paths.pairs, matrix[0], strict=True))
    assert told[0, 1] == pytest.approx(0.3)
    assert told[2, 0] == pytest.approx(0.0005)
    assert matrix.sum() == pytest.approx(0.3005)
    system = RoutingSystem(topology=str(tmp_path / "own.graph"), k=2)
    assert system.read_workloads(tmp_path / "own.demands")[1].endswith("1 window of 1 matrix, numbers taken as kb/s.")
    native = written(tmp_path, NATIVE, "own.txt")
    paths = k_shortest_paths(load_topology(native), 2)
    with pytest.raises(DnnExplainError, match=r"say the unit of the demands .* \(--unit Mb/s\)"):
        load_matrices(native, paths)
    assert dict(zip(paths.pairs, load_matrices(native, paths, "Gb/s")[0], strict=True))[0, 2] == pytest.approx(3.5)
    with pytest.raises(DnnExplainError, match="from 0 to 7, but the topology"):
        load_matrices(written(tmp_path, DEMANDS.replace("0 1 3", "0 7 3"), "bad"), paths)


def test_sndlib_is_read_with_its_unit_and_modules(tmp_path):
    found = load_topology(written(tmp_path, NATIVE, "own.txt"))
    assert found.nodes == ("A", "B", "C")
    assert links(found) == pytest.approx({(0, 1): 4, (1, 0): 4, (1, 2): 2.5, (2, 1): 2.5, (0, 2): 4, (2, 0): 4})
    assert found.assumption == "1 of 3 links have no installed capacity: their largest module's was taken"
    xml = load_topology(written(tmp_path, XML, "own.xml", "latin1"))
    assert xml.nodes == ("Köln", "Berlin")
    assert links(xml)[0, 1] == 40
    assert "names no unit: its capacities were taken as Gb/s" in xml.assumption
    assert links(load_topology(tmp_path / "own.xml", unit="Mb/s"))[0, 1] == pytest.approx(0.04)


def test_gml_json_and_networkx_graphs_are_read(tmp_path):
    gml = load_topology(written(tmp_path, GML, "zoo.gml"))
    assert len(gml.nodes) == 3
    assert links(gml)[0, 1] == pytest.approx(64e-6)
    assert links(gml)[0, 2] == pytest.approx(96e-6)
    assert "1 of 3 links are assumed to carry 9.6e-05 Gb/s, the median of the others" in gml.assumption
    graph = nx.Graph(name="mine")
    graph.add_edge("a", "b", capacity=3)
    graph.add_edge("b", "c", capacity=4)
    for edges in ("edges", "links"):
        text = json.dumps(nx.node_link_data(graph, edges=edges))
        assert links(load_topology(written(tmp_path, text, "g.json")))[0, 1] == 3
    assert load_topology(graph).name == "mine"
    assert links(load_topology(graph)) == links(load_topology(tmp_path / "g.json"))
    (tmp_path / "g.gz").write_bytes(gzip.compress(REPETITA.encode()))
    assert len(load_topology(tmp_path / "g.gz").links) == 6


def test_what_is_assumed_reaches_every_result(tmp_path):
    assumptions.forget()
    system = RoutingSystem(written(tmp_path, GML, "zoo.gml"), 2)
    assert "the median of the others" in Question.about(system).assumed[0]
    assert assumptions.assumed() == system.assumed
    assert RoutingSystem("ring-4", 2).assumed == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", r"in no format of topologies that is read; read are GraphML, GML, JSON"),
        ("", "in no format"),
        (REPETITA.replace("EDGES 6", "EDGES 9"), "should have 9 lines, but has 6: the file is cut off"),
        (REPETITA[: REPETITA.index("EDGES")], "section EDGES is missing"),
        (REPETITA.replace("edge_3 2 0", "edge_3 2 9"), "edge edge_3 joins nodes 2 and 9, but there are 3"),
        (REPETITA.replace("1000000", "x"), "damaged topology file"),
        (NATIVE[:-20], "in|missing|ends"),
        (NATIVE.replace("( C A )", "( C Z )"), "link L3 joins C and Z"),
        ('{"nodes": []}', "no node-link graph"),
        (
            '{"nodes": [{"name": "A"}, {"name": "B"}], "links": [{"source": 0, "target": 1}]}',
            "by position .* as d3 writes",
        ),
        ('{"nodes": [{"id": "A"}, {"id": "B"}], "links": [{"source": 1, "target": 0}]}', 'give each node an "id"'),
        ('{"nodes": [{"id": "A"}, {"id": "B"}], "links": [{"source": "A", "target": 2}]}', "which is no node"),
        ("<a/>", "neither a GraphML graph nor an SNDlib network"),
        ("a\0b", "not a text file"),
        ("graph [ node [ id 0 ", "damaged topology file"),
    ],
)
def test_damage_and_unknown_formats_are_told(tmp_path, text, words):
    path = written(tmp_path, text)
    if words == "in|missing|ends":  # only its demands are cut off
        assert load_topology(path).nodes == ("A", "B", "C")
        return
    with pytest.raises(DnnExplainError, match=words) as caught:
        load_topology(path)
    assert str(path) in str(caught.value)
    assert "topohub" not in str(caught.value)


def test_a_huge_graph_is_refused_at_once():
    with pytest.raises(DnnExplainError, match=r"has 30,000 nodes and so 899,970,000 pairs .*DNNEXPLAIN_MAX_NODES"):
        load_topology(nx.cycle_graph(30_000))
    with pytest.raises(DnnExplainError, match="unit of capacities 'kB'"):
        load_topology("ring-4", unit="kB")
    with pytest.raises(DnnExplainError, match="positive number of Gb/s, not -1"):
        load_topology("sndlib/germany50", capacity=-1)


GRAPHML = '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">{}</graph></graphml>'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GRAPHML.format('<node id="a"/><node id="b"/><edge source="a" target="zz"/>'), "'zz', which is no node"),
        (GRAPHML.format('<node id="a"/><node id="a"/><edge source="a" target="a"/>'), "'a' is there twice"),
        ('{"nodes": [{"id": "a"}, {"id": "b"}], "links": [{"source": "a", "target": "B"}]}', "'B', which is no node"),
        ('{"nodes": [{"id": 1}, {"id": 1}], "edges": [{"source": 1, "target": 1}]}', "1 is there twice"),
    ],
)
def test_a_misspelled_node_is_no_new_one(tmp_path, text, words):
    with pytest.raises(DnnExplainError, match=words):
        load_topology(written(tmp_path, text))


SQUARE = (("A", "B"), ("B", "C"), ("C", "D"), ("D", "A"))


def square(folder, kind, links, **attributes):
    """A square of nodes in one of the formats that are networkx's."""
    data = {"nodes": [{"id": node} for node in "ABCD"],
            "edges": [{"source": a, "target": b, **attributes} for a, b in links]}  # fmt: skip
    if kind == "json":
        text = json.dumps(data)
    elif kind == "gml":
        nodes = "".join(f'  node [ id {place}\n label "{node}" ]\n' for place, node in enumerate("ABCD"))
        more = "".join(f"\n    {key} {json.dumps(value)}" for key, value in attributes.items())
        edges = "".join(
            f"  edge [\n    source {'ABCD'.index(a)}\n    target {'ABCD'.index(b)}{more}\n  ]\n" for a, b in links
        )
        text = f"graph [\n{nodes}{edges}]\n"
    else:
        keys = "".join(f'<key id="{key}" for="edge" attr.name="{key}" attr.type="string"/>' for key in attributes)
        nodes = "".join(f'<node id="{node}"/>' for node in "ABCD")
        more = "".join(f'<data key="{key}">{value}</data>' for key, value in attributes.items())
        edges = "".join(f'<edge source="{a}" target="{b}">{more}</edge>' for a, b in links)
        space = 'xmlns="http://graphml.graphdrawing.org/xmlns"'
        text = f'<graphml {space}>{keys}<graph edgedefault="undirected">{nodes}{edges}</graph></graphml>'
    file = folder / f"square.{kind}"
    file.write_text(text)
    return file


@pytest.mark.parametrize("kind", ["gml", "json", "graphml"])
def test_links_that_are_listed_in_both_directions_are_no_parallel_ones(tmp_path, kind):
    both = [*SQUARE, *((b, a) for a, b in SQUARE)]
    once, twice = (load_topology(square(tmp_path, kind, links, capacity=10)) for links in (SQUARE, both))
    assert once.links == twice.links
    assert twice.capacity.tolist() == once.capacity.tolist() == [10.0] * 8
    parallel = load_topology(square(tmp_path, kind, [*SQUARE, ("A", "B")], capacity=10))
    assert sorted(parallel.capacity.tolist()) == [10.0] * 6 + [20.0] * 2


@pytest.mark.parametrize("kind", ["gml", "json", "graphml"])
def test_the_unit_that_is_given_is_that_of_plain_numbers(tmp_path, kind):
    for name, said in (("capacity", 100), ("bandwidth", 100)):
        topology = load_topology(square(tmp_path, kind, SQUARE, **{name: said}), unit="Mb/s")
        assert topology.capacity.tolist() == pytest.approx([0.1] * 8)
        assert "no unit" not in topology.assumption
    with_its_own = load_topology(square(tmp_path, kind, SQUARE, capacity="2 Gbps"), unit="Mb/s")
    assert with_its_own.capacity.tolist() == pytest.approx([2.0] * 8)


def test_what_is_called_a_rate_and_is_none_is_not_used_and_said(tmp_path):
    topology = load_topology(square(tmp_path, "json", SQUARE, rate="A+"))
    assert "the rate of 4 links is no rate and was not used" in topology.assumption
    assert "4 of 4 links are assumed to carry" in topology.assumption


def test_the_unit_of_a_file_is_an_option_of_every_command(tmp_path, capsys):
    path = square(tmp_path, "graphml", SQUARE, capacity="155")
    assert (
        main(
            [
                "evaluate",
                "routing",
                "--topology",
                str(path),
                "--capacity-unit",
                "Mb/s",
                "--policy",
                "even",
                "--sets",
                "2",
            ]
        )
        == 0
    )
    capsys.readouterr()
    system = make_system("routing", topology=str(path), capacity_unit="Mb/s")
    assert system.topology.capacity.tolist() == [0.155] * len(system.topology.links)
    assert main(["evaluate", "routing", "--topology", str(path), "--capacity-unit", "furlong", "--policy", "even"]) == 2
    assert "Mb/s" in capsys.readouterr().err


def test_a_unit_of_a_graph_holds_and_one_of_a_built_in_topology_is_said_to_be_of_no_use():
    graph = nx.Graph()
    graph.add_edge("a", "b", capacity=100)
    assumptions.forget()
    assert load_topology(graph, unit="Mb/s").capacity.tolist() == [0.1, 0.1]
    assert "gbps" not in graph.graph
    load_topology("ring-4", unit="Mb/s")
    assert any("ring-4 comes with its own: not used" in sentence for sentence in assumptions.assumed())
