"""Rank correlations against scipy's, and methods side by side."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain import compare
from dnnexplain.explain.attribution.agreement import Comparison, rank_correlation
from dnnexplain.policies import TorchPolicy
from tests.explain.networks import ManyObjects, mlp
from tests.fakes import FakeChoice, linear_network

GATE = FakeChoice()
STATE = State(np.array([3.0, 2.0]))
NETWORK = TorchPolicy(mlp(GATE, seed=3, scale=2.0), GATE)
MANY = ManyObjects()
ROWS = State(np.array([3.0, 2.0, 1.0, 2.0, 3.0]))


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.int64, st.integers(3, 30), elements=st.integers(-5, 5)), st.integers(0, 1000))
def test_rank_correlation_equals_scipys(values, seed):
    from scipy.stats import spearmanr

    other = np.random.default_rng(seed).integers(-5, 5, len(values))
    found = rank_correlation(values, other)
    if np.ptp(values) == 0 or np.ptp(other) == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(spearmanr(values, other).statistic, abs=1e-12)


def test_methods_side_by_side_agree_on_a_linear_network():
    policy = TorchPolicy(linear_network(MANY), MANY)
    found = compare(MANY, policy, ROWS, ("saliency", "integrated-gradients", "deeplift", "shapley"))
    np.testing.assert_allclose(found.by_group[1:, 1:], np.ones((3, 3)))
    np.testing.assert_allclose(found.maps[1:3, 1:3], np.ones((2, 2)), atol=1e-3)
    assert len(found.table()) == 6
    assert Comparison.from_json(found.to_json()) == found


def test_a_slope_is_not_ranked_against_shares_and_that_is_said():
    policy = TorchPolicy(linear_network(MANY), MANY)
    found = compare(MANY, policy, ROWS, ("saliency", "integrated-gradients", "smoothgrad", "deeplift"))
    slope = np.array([True, False, True, False])
    assert np.array_equal(np.isnan(found.by_group), slope[:, None] != slope)
    assert np.array_equal(np.isnan(found.maps), slope[:, None] != slope)
    steepest, largest = (found.attributions[at].top(1)[0] for at in (0, 1))
    assert found.sentence().startswith(f"By slopes, {steepest} comes first. By shares, {largest} comes first.")
    assert found.sentence().endswith("Slopes and shares are numbers of different kinds, so they are not compared.")
    alike = compare(MANY, policy, ROWS, ("integrated-gradients", "deeplift"))
    assert alike.sentence().startswith(f"All methods put {largest} first. Integrated gradients and DeepLift rank")


def test_a_method_that_does_not_fit_is_listed_with_its_reason():
    found = compare(GATE, NETWORK, STATE, ("saliency", "grad-cam"))
    assert [one.method for one in found.attributions] == ["saliency"]
    assert "needs a convolutional layer" in found.refused["grad-cam"]
    with pytest.raises(DnnExplainError, match="needs a convolutional layer"):
        compare(GATE, NETWORK, STATE, ("grad-cam",))
    for wrong in ((), ("saliency", "saliency"), ("saliency",) * 5):
        with pytest.raises(DnnExplainError, match="one to 4 different methods"):
            compare(GATE, NETWORK, STATE, wrong)
