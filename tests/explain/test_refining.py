"""Refining a tree: agreement never falls, the best question is the one that trying all of them finds, nothing else moves."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.explain.distillation.decisions import Decisions
from dnnexplain.explain.distillation.refining import Refiner, refining_weight
from dnnexplain.explain.distillation.tree import LEAF, Tree, grow


def labelled(features, action, actions=3):
    count = len(features)
    valid, moves = np.ones((count, actions), dtype=bool), np.tile(np.arange(actions), (count, 1))
    return Decisions(features, valid, action, moves, np.ones(count), np.zeros(count, dtype=np.int64))


def stump(feature, threshold, left, right, actions=3):
    scores = np.eye(actions)[[left, left, right]]
    leaf = [LEAF, LEAF]
    return Tree(
        np.array([feature, *leaf]), np.array([threshold, 0, 0]), np.array([1, *leaf]), np.array([2, *leaf]), scores, np.ones(3)
    )  # fmt: skip


def test_a_greedy_tree_of_an_exclusive_or_is_mended():
    """A greedy root sees nothing in either feature; here it asks the third, which is noise."""
    rng = np.random.default_rng(0)
    features = rng.integers(0, 2, (400, 3)).astype(float)
    action = (features[:, 0] != features[:, 1]).astype(np.int64)
    known = labelled(features, action)
    leaf = [LEAF] * 4
    tree = Tree(
        np.array([2, 1, 1, *leaf]), np.array([0.5, 0.5, 0.5, 0, 0, 0, 0]), np.array([1, 3, 5, *leaf]), np.array([2, 4, 6, *leaf]),
        np.eye(3)[[0, 0, 0, 0, 1, 1, 0]], np.ones(7),
    )  # fmt: skip
    refiner = Refiner(known, np.ones(400))
    assert 0.4 < refiner.agreement(tree) < 0.6
    refined = refiner.refined(tree)
    assert refiner.agreement(refined) == 1.0
    assert refined.feature.tolist() == [0, 1, 1, *leaf]
    assert refined.weight[0] == 1.0
    assert refined.weight[1] + refined.weight[2] == pytest.approx(1.0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_of_one_question_it_is_the_best_that_trying_all_finds(seed):
    rng = np.random.default_rng(seed)
    features, action = rng.integers(0, 5, (40, 3)).astype(float), rng.integers(0, 3, 40)
    weight = rng.integers(1, 5, 40).astype(float)
    refiner = Refiner(labelled(features, action), weight)
    start = stump(0, 2.5, 0, 1)
    refined = refiner.refined(start)
    assert refiner.agreement(refined) >= refiner.agreement(start)
    inner = np.flatnonzero(refined.feature != LEAF)
    if len(inner):  # else one leaf was left
        sides = refined.action[[refined.left[0], refined.right[0]]]
        every = itertools.product(range(3), np.arange(0.5, 4))
        best = max(refiner.agreement(stump(f, t, *sides)) for f, t in every)
        assert refiner.agreement(refined) == pytest.approx(best)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_agreement_never_falls_and_the_tree_grows_no_leaves(seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(600, 4))
    action = ((features[:, 0] > 0) * 1 + (features[:, 1] * features[:, 2] > 0.2)).astype(np.int64)
    known, weight = labelled(features, action), rng.random(600)
    tree = grow(features, action, weight, count=3, leaves=6, seed=seed)
    refiner = Refiner(known, weight)
    refined = refiner.refined(tree)
    assert refiner.agreement(refined) >= refiner.agreement(tree)
    assert refined.leaves <= tree.leaves


def test_a_decision_counts_by_its_weight_and_less_where_a_student_led():
    known = labelled(np.zeros((3, 1)), np.zeros(3, dtype=np.int64))
    known.weight[0] = 0.0
    known.episode[2] = 7
    assert refining_weight(known, 5).tolist() == [0.0, 1.0, pytest.approx(1 / 3)]
    assert Refiner(known, np.zeros(3)).agreement(stump(0, 0.5, 0, 1)) == 1.0
