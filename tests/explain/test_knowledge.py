from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain.probing.embedding import Embedding, embed
from dnnexplain.explain.probing.linear_probes import Knowledge, probe_facts
from dnnexplain.explain.probing.neurons import layer_of, neuron_activations, random_values
from dnnexplain.policies import TorchPolicy
from tests.fakes import FakeSystem


@pytest.fixture(scope="module")
def system():
    return FakeSystem()


@pytest.fixture(scope="module")
def policy(system):
    torch.manual_seed(0)
    return TorchPolicy(nn.Sequential(nn.Flatten(), nn.Linear(4, 12), nn.ReLU(), nn.Linear(12, 2)), system)


@pytest.fixture(scope="module")
def states(system):
    return [State(row) for row in random_values(system, 300, np.random.default_rng(0))]


def test_a_separable_fact_is_known_and_a_random_one_is_not(system, policy, states):
    coin = np.random.default_rng(1).random(len(states)) < 0.5
    facts = {"turned left": lambda values: values[:, 0] > 0, "a coin": coin}
    known, chance = probe_facts(system, policy, states, facts, repeats=6).facts
    assert known.accuracy > 0.95
    assert known.low > 0.1
    assert abs(chance.accuracy - 0.5) < 0.1
    assert chance.low < 0 or chance.selectivity < 0.05
    assert 0.4 < chance.share < 0.6
    assert "the layer holds it" in known.sentence()


def test_a_control_task_that_can_be_learnt_by_heart_takes_the_credit_away(system, policy, states):
    two = np.array([state.values[0] > 0 for state in states])
    found = probe_facts(system, policy, states, {"turned left": two}, types=two.astype(int), repeats=6)
    (fact,) = found.facts
    np.testing.assert_allclose(found.accuracies, found.controls, atol=1e-12)  # the control is the fact, or its opposite
    assert fact.selectivity == 0.0
    assert "learns by heart" in fact.sentence()


def test_a_dead_layer_knows_nothing(system, states):
    dead = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        dead[1].bias.fill_(-100.0)
    found = probe_facts(system, TorchPolicy(dead, system), states, {"turned left": lambda v: v[:, 0] > 0}, repeats=3)
    np.testing.assert_array_equal(found.accuracies, 0.5)


def test_copies_of_a_state_never_help(system, policy, states):
    few = states[:40]
    coin = np.random.default_rng(2).random(40) < 0.5
    plain = probe_facts(system, policy, few, {"a coin": coin}, repeats=4)
    copied = probe_facts(system, policy, few * 5, {"a coin": np.tile(coin, 5)}, repeats=4)
    assert plain.states == copied.states
    np.testing.assert_array_equal(plain.accuracies, copied.accuracies)


def test_the_same_seed_gives_the_same_answer_and_a_saved_one_too(system, policy, states):
    facts = {"fast": lambda values: values[:, 1] > 4}
    one, two = (probe_facts(system, policy, states[:100], facts, repeats=3, seed=5) for _ in range(2))
    assert one == two
    assert Knowledge.from_json(one.to_json()) == one
    assert one != probe_facts(system, policy, states[:100], facts, repeats=3, seed=6)


def test_one_sided_facts_and_mistakes_are_said(system, policy, states):
    facts = {"always": lambda values: values[:, 1] >= 0}
    (fact,) = probe_facts(system, policy, states[:60], facts, repeats=2).facts
    assert "too one-sided" in fact.sentence()
    with pytest.raises(DnnExplainError, match="each of 60 states"):
        probe_facts(system, policy, states[:60], {"short": np.ones(3, bool)})
    with pytest.raises(DnnExplainError, match=r"there are 0 facts, \d+ distinct states"):
        probe_facts(system, policy, states[:60], {})
    with pytest.raises(DnnExplainError, match="one type per state"):
        probe_facts(system, policy, states[:60], facts, types=np.zeros(2))


def test_probing_can_be_stopped(system, policy, states):
    cancel = threading.Event()
    cancel.set()
    found = probe_facts(system, policy, states, {"fast": lambda v: v[:, 1] > 4}, cancel=cancel)
    assert "stopped" in found.facts[0].note


def test_pca_keeps_the_variance_that_numpy_says(system, policy, states):
    found = embed(system, policy, states, label="speed")
    inputs = neuron_activations(policy, layer_of(system, policy), system.encode(np.stack([s.values for s in states])))
    variances = np.linalg.eigvalsh(np.cov(inputs.T))[::-1]
    np.testing.assert_allclose(found.points.var(axis=0, ddof=1), variances[:2])
    np.testing.assert_allclose(found.explained, variances[:2] / variances.sum())
    np.testing.assert_array_equal(found.values, [state.values[1] for state in states])
    assert "coloured by speed" in found.sentence()
    assert Embedding.from_json(found.to_json()) == found


def test_tsne_keeps_two_groups_apart_and_is_seeded(system, policy):
    rng = np.random.default_rng(0)
    near = np.concatenate([rng.normal([-0.9, 0.5], 0.01, (20, 2)), rng.normal([0.9, 5.5], 0.01, (20, 2))])
    states = [State(row) for row in system.repair(near)]
    one, two = (embed(system, policy, states, method="tsne", perplexity=8, seed=3) for _ in range(2))
    assert one == two
    a, b = one.points[:20], one.points[20:]
    between = np.linalg.norm(a[:, None] - b[None], axis=2).min()
    nearest = np.sort(np.linalg.norm(a[:, None] - a[None], axis=2), axis=1)[:, 1].max()
    assert between > nearest


def test_points_are_thinned_and_keep_their_states(system, policy, states):
    found = embed(system, policy, states, limit=50, seed=1)
    assert len(found.index) == 50
    assert (np.diff(found.index) > 0).all()
    assert found.label == "decision"
    outputs = policy.outputs(system.encode(np.stack([states[i].values for i in found.index])))
    np.testing.assert_array_equal(found.values, outputs.argmax(axis=1))


def test_embedding_mistakes_are_said(system, policy, states):
    with pytest.raises(DnnExplainError, match="Did you mean 'tsne'"):
        embed(system, policy, states, method="t-sne")
    with pytest.raises(DnnExplainError, match="at least 3 states"):
        embed(system, policy, states[:2])
    with pytest.raises(DnnExplainError, match="no knob 'sped'"):
        embed(system, policy, states, label="sped")
