"""Rank correlations against scipy's, and methods side by side."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain import compare
from dnnexplain.explain.agreement import Comparison, rank_correlation
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
    np.testing.assert_allclose(found.by_group, np.ones((4, 4)))
    np.testing.assert_allclose(found.maps[:3, :3], np.ones((3, 3)), atol=1e-3)
    assert found.sentence().startswith("All put row ") or found.attributions[0].measure == "slope"
    assert len(found.table()) == 6
    assert Comparison.from_json(found.to_json()) == found


def test_a_method_that_does_not_fit_is_listed_with_its_reason():
    found = compare(GATE, NETWORK, STATE, ("saliency", "grad-cam"))
    assert [one.method for one in found.attributions] == ["saliency"]
    assert "needs a convolutional layer" in found.refused["grad-cam"]
    with pytest.raises(DnnExplainError, match="needs a convolutional layer"):
        compare(GATE, NETWORK, STATE, ("grad-cam",))
    for wrong in ((), ("saliency", "saliency"), ("saliency",) * 5):
        with pytest.raises(DnnExplainError, match="one to 4 different methods"):
            compare(GATE, NETWORK, STATE, wrong)
