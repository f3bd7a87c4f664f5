"""Probabilities and actions from raw outputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dnnexplain.contract import DnnExplainError
from dnnexplain.sampling import choose, probabilities

SCORES = arrays(np.float64, (3, 4), elements=st.floats(-1e300, 1e300))
VALID = arrays(bool, (3, 4)).map(lambda valid: valid | (np.arange(4) == 3))


@settings(max_examples=60, deadline=None)
@given(SCORES, VALID, st.integers(0, 99))
def test_whatever_the_scores_the_answer_is_a_distribution_over_valid_actions(scores, valid, seed):
    found = probabilities(scores, valid)
    assert (found[~valid] == 0).all()
    np.testing.assert_allclose(found.sum(1), 1)
    rows = np.arange(3)
    assert valid[rows, choose(scores, valid)].all()
    drawn = choose(scores, valid, np.random.default_rng(seed))
    assert (found[rows, drawn] > 0).all()


def test_the_formula():
    scores = np.array([[0.0, np.log(3.0), 7.0]])
    np.testing.assert_allclose(probabilities(scores, np.array([[True, True, False]])), [[0.25, 0.75, 0]])
    np.testing.assert_allclose(probabilities(scores), np.exp(scores) / np.exp(scores).sum())
    assert choose(scores, np.array([[True, True, False]])).tolist() == [1]
    assert choose(np.zeros((1, 3))).tolist() == [0]


def test_draws_follow_the_probabilities_with_one_uniform_per_row():
    scores = np.tile(np.log([0.2, 0.5, 0.3]), (20_000, 1))
    rng = np.random.default_rng(0)
    share = np.bincount(choose(scores, None, rng), minlength=3) / 20_000
    np.testing.assert_allclose(share, [0.2, 0.5, 0.3], atol=4 * np.sqrt(0.25 / 20_000))
    twin = np.random.default_rng(0)
    twin.random(20_000)
    assert rng.random() == twin.random()


def test_minus_infinity_may_stand_at_invalid_actions_only():
    scores = np.array([[-np.inf, 1.0]])
    assert probabilities(scores, np.array([[False, True]])).tolist() == [[0, 1]]
    with pytest.raises(DnnExplainError, match="state 0 are not finite"):
        probabilities(scores)


def test_wrong_shapes_and_states_without_an_action_are_named():
    with pytest.raises(DnnExplainError, match="state 1 allows no action"):
        choose(np.zeros((2, 2)), np.array([[True, False], [False, False]]))
    with pytest.raises(DnnExplainError, match=r"\[B, A\].* not \[3\]; one state is outputs\[None\]"):
        probabilities(np.zeros(3))
    with pytest.raises(DnnExplainError, match=r"shape of outputs, \[2, 3\], not \[3\]"):
        probabilities(np.zeros((2, 3)), np.ones(3, dtype=bool))
