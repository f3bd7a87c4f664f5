"""A saved explanation beside the present one."""

from __future__ import annotations

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain import METHODS, compare_saved, compare_trusted
from dnnexplain.explain.attribution.saved_attribution import ThenAndNow
from dnnexplain.policies import TorchPolicy
from tests.explain.networks import mlp
from tests.fakes import FakeChoice, FakeSystem, linear_network

GATE = FakeChoice()
ONE = TorchPolicy(linear_network(GATE), GATE, name="one")
OTHER = TorchPolicy(
    linear_network(GATE, -np.asarray(ONE.module[1].weight.detach()), np.asarray(ONE.module[1].bias.detach())), GATE, name="other"
)  # fmt: skip
STATE = State(np.array([3.0, 2.0]))
NAMES = ("integrated-gradients", "feature-ablation")


def explained(policy, state=STATE, methods=NAMES, target="logit of left"):
    return compare_trusted(GATE, policy, state, methods, target=target)


def test_the_same_question_gives_the_same_answer():
    found = compare_saved(explained(ONE), explained(ONE))
    assert found.differs == ()
    np.testing.assert_array_equal(found.before, found.after)
    assert "the same to the last digit" in found.sentence()
    assert ThenAndNow.from_json(found.to_json()) == found


def test_a_network_with_the_opposite_weights_has_the_opposite_reasons():
    found = compare_saved(explained(ONE), explained(OTHER))
    np.testing.assert_allclose(found.after, -found.before, atol=1e-6)
    assert found.differs == ("the network was one",)
    assert "Asked differently: the network was one" in found.sentence()
    rows = found.table()
    assert len(rows) == len(NAMES) * len(GATE.groups)
    assert rows[0] == {"method": NAMES[0], "group": "left", "then": found.before[0, 0], "now": found.after[0, 0]}


def test_what_was_asked_differently_is_said():
    then = explained(ONE, State(np.array([1.0, 2.0])), target="logit of right")
    assert compare_saved(then, explained(ONE)).differs == (
        "the state was another one",
        "the target was logit of right, now logit of left",
    )


def test_ranks_agree_as_scipy_says():
    from scipy.stats import spearmanr

    one, other = (TorchPolicy(mlp(GATE, seed=seed), GATE, name=f"seed {seed}") for seed in (0, 3))
    found = compare_saved(explained(one), explained(other))
    for before, after, value in zip(found.before, found.after, found.agreement, strict=True):
        told = (before != 0) | (after != 0)
        if told.sum() > 2:
            assert value == pytest.approx(spearmanr(before[told], after[told]).statistic)
        else:
            assert np.isnan(value)


def test_results_that_cannot_be_compared_are_refused():
    with pytest.raises(DnnExplainError, match="no method in common"):
        compare_saved(explained(ONE, methods=["saliency"]), explained(ONE))
    vehicle = FakeSystem()
    policy = TorchPolicy(linear_network(vehicle), vehicle)
    foreign = compare_trusted(vehicle, policy, State(np.array([0.1, 3.0])), [next(iter(METHODS))])
    with pytest.raises(DnnExplainError, match="compare results of one system"):
        compare_saved(foreign, explained(ONE))
