import numpy as np
import pytest

from dnnexplain.explain.distillation.policy import TreePolicy
from dnnexplain.explain.distillation.polishing import _reaches, polish
from dnnexplain.explain.distillation.tree import Tree
from dnnexplain.systems.abr import AdaptiveBitrate
from dnnexplain.systems.abr.traces import Trace

SYSTEM = AdaptiveBitrate()
EVEN = [Trace("even", np.arange(0.0, 40.0), np.full(40, rate)) for rate in (1.0, 3.0)]
NAMES = SYSTEM.features.names


def stump(threshold, low, high):
    """A tree that asks for one bitrate below a throughput and for another one above."""
    scores = np.zeros((3, len(SYSTEM.features.moves)))
    moves = SYSTEM.features.moves
    scores[0, moves.index(low)] = scores[1, moves.index(low)] = scores[2, moves.index(high)] = 1.0
    at = NAMES.index("throughput 1")
    return Tree(
        np.array([at, -1, -1]),
        np.array([threshold, 0, 0]),
        np.array([1, -1, -1]),
        np.array([2, -1, -1]),
        scores,
        np.ones(3),
    )


def seen(tree):
    return SYSTEM.features(SYSTEM.visit(TreePolicy(tree, SYSTEM.features, 6), EVEN)[0])


def test_a_tree_that_stalls_is_mended_and_its_cost_is_the_one_told():
    bad = stump(0.1, "750 kbps", "4300 kbps")
    better, cost = polish(SYSTEM, bad, seen(bad), EVEN, trials=60, seed=0)
    again = SYSTEM.run(TreePolicy(better, SYSTEM.features, 6), EVEN).cost.mean()
    before = SYSTEM.run(TreePolicy(bad, SYSTEM.features, 6), EVEN).cost.mean()
    assert cost == pytest.approx(again)
    assert cost < before - 50
    assert better.leaves == bad.leaves


def test_no_trials_change_nothing():
    tree = stump(2.0, "750 kbps", "1850 kbps")
    assert polish(SYSTEM, tree, seen(tree), EVEN, trials=0, seed=0)[0] is tree


def test_rows_that_reach_a_node_are_those_whose_path_holds_it():
    tree = stump(1.5, "750 kbps", "1850 kbps")
    rows = seen(tree)
    for node in range(3):
        assert _reaches(tree, rows, node).tolist() == [node in tree.path(row) for row in rows]


def test_a_leaf_may_be_cut_in_two_while_there_is_room():
    """One bitrate for both links is far from the best; the question that tells them apart has to be found."""
    whole = stump(0.1, "750 kbps", "750 kbps").simplified()
    assert whole.leaves == 1
    rows = seen(whole)
    grown, cost = polish(SYSTEM, whole, rows, EVEN, trials=150, seed=0, leaves=3)
    same, before = polish(SYSTEM, whole, rows, EVEN, trials=150, seed=0)
    assert 2 <= grown.leaves <= 3
    assert same.leaves == 1
    assert cost < before - 10
