"""Menus of thousands of names, and graphs with thousands of paths, reach a page small."""

import numpy as np

from dnnexplain.contract import Choice
from dnnexplain.systems.routing import RoutingSystem
from dnnexplain_widgets import views
from dnnexplain_widgets.menus import LONGEST, menu_of


def test_a_menu_lists_all_names_until_there_are_too_many():
    short = menu_of("sweep", "Curves over", ["a", "b"], [("default", "the first")])
    assert short["kind"] == "select"
    assert short["options"] == [["default", "the first"], ["a", "a"], ["b", "b"]]
    long = menu_of("sweep", "Curves over", [f"knob {i}" for i in range(50_000)], [("default", "the first")])
    assert long["kind"] == "text"
    assert long["options"][:2] == [["default", "the first"], ["knob 0", "knob 0"]]
    assert len(long["options"]) < LONGEST
    assert "50,000 names" in long["hint"]


def test_a_wrong_name_among_very_many_is_told_the_nearest_in_a_short_message():
    names = tuple(f"split of n{a} over path {rank}" for a in range(30_000) for rank in (1, 2))
    said = str(Choice("output", "split of n29999 over pth 2", names).error())
    assert "Did you mean 'split of n29999 over path 2'?" in said
    assert len(said) < 2000


def test_a_long_graph_is_the_same_graph_in_bytes():
    graph = RoutingSystem("ring-4", k=2, history=2).graph
    short, long = views._short(graph), views._long(graph)
    for name in ("pairs", "knobs", "earlier", "pathPair"):
        np.testing.assert_array_equal(np.frombuffer(long[name], np.int32), np.ravel(short[name]))
    ends = np.frombuffer(long["pathEnds"], np.int32)
    cut = np.split(np.frombuffer(long["pathLinks"], np.int32), ends[:-1])
    assert [part.tolist() for part in cut] == short["pathLinks"]
    assert long["rows"] == len(short["earlier"]) == 1
