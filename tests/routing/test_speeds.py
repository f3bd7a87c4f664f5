"""What a link carries, as people write it in files of topologies."""

import json

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.routing import load_topology
from dnnexplain.systems.routing.speeds import Capacity, Source, capacity_of, speed_of


@pytest.mark.parametrize(
    ("text", "gigabits"),
    [
        ("10 Gbps", 10),
        ("1G", 1),
        ("<2.5 Gbit/s", 2.5),
        ("622 Mb/s", 0.622),
        ("100Mbit/s", 0.1),
        ("9600 bps", 9.6e-6),
        ("1 Tb/s", 1000),
        ("40GE", 40),
        ("10GbE", 10),
        ("OC-48", 2.48832),
        ("oc192c", 9.95328),
        ("STM-16", 2.48832),
        ("T1", 0.001544),
        ("E1", 0.002048),
        ("DS3", 0.044736),
    ],
)
def test_a_rate_is_read_as_it_is_written(text, gigabits):
    assert speed_of(text) == pytest.approx(gigabits)


@pytest.mark.parametrize("text", ["", "12", "10 GB/s", "10 furlongs", "10e", "leased", "1.2.3 G"])
def test_what_names_no_rate_of_bits_is_none(text):
    assert speed_of(text) is None


def node_link(tmp_path, **attributes):
    links = [{"source": "a", "target": "b", **attributes}, {"source": "b", "target": "c", "capacity": 4}]
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"nodes": [{"id": name} for name in "abc"], "links": links}))
    return path


@pytest.mark.parametrize(
    ("attributes", "gigabits", "said"),
    [
        ({"capacity": "10 Gbps"}, 10, ""),
        ({"bandwidth": "OC-48"}, 2.48832, ""),
        ({"speed": 3}, 3, "the speed of 1 link has no unit and was taken as Gb/s"),
        ({"LinkSpeed": "155", "LinkSpeedUnits": "M"}, 0.155, ""),
        ({"LinkLabel": "E1"}, 0.002048, "the capacity of 1 link was read off the label"),
        ({"LinkLabel": "leased"}, 4, "1 of 2 links are assumed"),
        ({"capacity": None}, 4, "1 of 2 links are assumed"),
    ],
)
def test_a_links_attributes_give_its_capacity(tmp_path, attributes, gigabits, said):
    topology = load_topology(node_link(tmp_path, **attributes))
    assert topology.capacity[topology.links.index((0, 1))] == pytest.approx(gigabits)
    assert said in topology.assumption
    assert bool(said) == bool(topology.assumption)


@pytest.mark.parametrize("value", ["10 furlongs", "10 GB/s", True])
def test_a_capacity_that_is_no_rate_is_refused_with_what_to_write(tmp_path, value):
    with pytest.raises(DnnExplainError, match=r"a -> b is .*'10 Gbps', '622 Mb/s', 'OC-48'"):
        load_topology(node_link(tmp_path, capacity=value))


def test_comments_and_empty_lines_of_repetita_are_passed_over(tmp_path):
    text = """# made by hand
NODES 2
label x  y

n_0\t0.0   1.0
# far away
n_1 1 1

EDGES   2
label src dest weight bw delay
e0 0 1 1 10000000 5

e1  1 0 1 2.5e6 5
"""
    path = tmp_path / "own.graph"
    path.write_text(text)
    np.testing.assert_allclose(load_topology(path).capacity, [10, 2.5])
    path.write_text(text.replace("EDGES   2", "EDGES 3"))
    with pytest.raises(DnnExplainError, match=r"EDGES should have 3 lines, but has 2: the file is cut off"):
        load_topology(path)
    path.write_text(text.replace("NODES 2", "NODES 1"))
    with pytest.raises(DnnExplainError, match=r"NODES should have 1 lines, but has 2: mend"):
        load_topology(path)


def test_parallel_links_of_gml_need_no_flag(tmp_path):
    path = tmp_path / "own.gml"
    link = 'edge [ source 1 target 2 capacity "{}" ]'
    nodes = '  node [ id 1 label "A" ]\n  node [ id 2 label "B" ]\n'
    path.write_text(f"graph [\n{nodes}  {link.format('10 Gbps')}\n  {link.format('1G')}\n]\n")
    np.testing.assert_allclose(load_topology(path).capacity, [11, 11])


@pytest.mark.parametrize(
    ("attributes", "capacity"),
    [
        ({"capacity": "622 Mb/s"}, Capacity(0.622)),
        ({"rate": "A+"}, Capacity(None, Source.NO_RATE, "rate")),
        ({"rate": "A+", "speed": 3}, Capacity(3.0, Source.NO_UNIT, "speed")),
        ({"rate": "A+", "LinkLabel": "OC-48"}, Capacity(2.48832, Source.LABEL)),
        ({}, Capacity(None)),
    ],
)
def test_where_a_capacity_was_read_is_a_value(attributes, capacity):
    read = capacity_of(attributes, "a -> b", "own")
    assert (read.source, read.key) == (capacity.source, capacity.key)
    assert read.gbps == pytest.approx(capacity.gbps)
