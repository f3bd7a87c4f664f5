"""Small systems that set a rate or switches, that hide part of their state, or see a history."""

import numpy as np
import pytest
from torch import nn

from dnnexplain.contract import Box, Costed, DecisionOracle, DnnExplainError, Knob, MultiBinary, State, lacking
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems import SmallSystem
from dnnexplain.systems.small_parts import history, possible, pushed, tried_actions


class Valve(SmallSystem):
    """A tank is to stay at 5: what is let in moves its level, and each step costs the distance."""

    name = "valve"
    knobs = (Knob("level", "l", 0, 10), Knob("leak", "l", 0, 2))
    hidden = ("leak",)
    actions = Box(("inflow",), unit="l", low=0.0, high=4.0)
    cost_name = "distance from 5, l"
    steps, horizon = 6, 2

    def begin(self, count, rng):
        return np.column_stack([rng.uniform(0, 10, count), rng.uniform(0, 2, count)])

    def step(self, values, actions, rng):
        level = values[:, 0] + actions[:, 0] - values[:, 1]
        return np.column_stack([level, values[:, 1]]), np.abs(level - 5)


class Lamps(SmallSystem):
    """Each of three rooms wants its lamp exactly when it is dark."""

    name = "lamps"
    knobs = tuple(Knob(f"dark {room}", "", 0, 1, 1) for room in "abc")
    actions = MultiBinary(("lamp a", "lamp b", "lamp c"))
    steps, horizon = 4, 2

    def begin(self, count, rng):
        return rng.integers(0, 2, (count, 3)).astype(float)

    def step(self, values, actions, rng):
        return values, (actions != (values > 0.5)).sum(axis=1).astype(float)


def network(system, width):
    import torch

    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(system.observation_shape[0], 8), nn.ReLU(), nn.Linear(8, width))
    return TorchPolicy(layers, system)


def test_a_rate_has_costed_decisions_and_no_judgement_of_choices():
    system = Valve()
    assert isinstance(system, Costed)
    assert not isinstance(system, DecisionOracle)
    assert lacking(system, DecisionOracle)
    assert isinstance(Lamps(), Costed)
    assert not isinstance(Choices(), Costed)
    assert isinstance(Choices(), DecisionOracle)


class Choices(SmallSystem):
    name = "choices"
    knobs = (Knob("x", "", 0, 1),)
    actions = ("a", "b")

    def begin(self, count, rng):
        return rng.uniform(0, 1, (count, 1))

    def step(self, values, actions, rng):
        return values, actions.astype(float)


def test_losses_of_a_rate_are_the_closed_form():
    system = Valve()
    state = State(np.array([3.0, 1.0]))
    # Level 3, leak 1: inflow 3 reaches 5 at once and 1 keeps it there; the look-ahead tries 0, 1, 2, 3, 4.
    lost = system.losses(state, np.array([[3.0], [0.0], [2.0], [2.5]]))
    np.testing.assert_allclose(lost, [0.0, 3.0, 1.0, 0.5], atol=1e-9)
    np.testing.assert_allclose(system.best_action(state), [3.0])
    assert not system.losses_exact


def test_losses_of_switches_are_counted_by_hand():
    system = Lamps()
    state = State(np.array([1.0, 0.0, 1.0]))
    lost = system.losses(state, np.array([[1, 0, 1], [0, 0, 1], [0, 1, 0]], dtype=bool))
    np.testing.assert_allclose(lost, [0.0, 1.0, 3.0])
    np.testing.assert_array_equal(system.best_action(state), [True, False, True])
    assert system.losses_exact


def test_what_is_hidden_is_not_seen_but_counts():
    system = Valve()
    values = np.array([[3.0, 0.0], [3.0, 2.0]])
    seen = system.encode(values)
    assert seen.shape == (2, 1)
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_allclose(system.decode(seen)[:, 0], 3.0)
    assert system.features.names == ("level",)
    policy = system.rules()["always the middle"]
    quiet, leaky = (system.run(policy, [type(system.workloads("episodes", 1, 0)[0])(row, 1)]).cost[0] for row in values)
    # Without a leak the level rises to 5, 7, 9, 10 (its bound), with one of 2 it stays at 3: by hand.
    assert quiet == pytest.approx(0 + 2 + 4 + 6 + 7 + 7)
    assert leaky == pytest.approx(6 * 2)


def test_a_hidden_knob_must_be_one():
    class Wrong(Valve):
        hidden = ("lek",)

    with pytest.raises(DnnExplainError, match="leak"):
        Wrong()


def test_rates_without_bounds_are_refused():
    class Open(Valve):
        actions = Box(("inflow",), low=0.0, high=float("inf"))

    with pytest.raises(DnnExplainError, match="lowest and a highest"):
        Open()


def test_a_history_moves_on():
    knobs = (*history("rate", 3, "Mb/s", 0, 9), Knob("buffer", "s", 0, 60))
    assert [knob.name for knob in knobs] == ["rate -3", "rate -2", "rate -1", "buffer"]
    after = pushed(knobs, np.array([[1.0, 2.0, 3.0, 30.0]]), "rate", np.array([7.0]))
    np.testing.assert_array_equal(after, [[2.0, 3.0, 7.0, 30.0]])
    with pytest.raises(DnnExplainError, match="rate"):
        pushed(knobs, np.zeros((1, 4)), "rte", np.zeros(1))


def test_the_actions_that_are_tried():
    np.testing.assert_allclose(tried_actions(Box(("a",), low=0, high=4), 5)[:, 0], [0, 1, 2, 3, 4])
    assert tried_actions(Box(("a", "b"), low=0, high=1), 5).shape == (9, 2)
    assert tried_actions(Box(tuple("abcd"), low=0, high=1), 5).shape == (9, 4)
    assert len({tuple(row) for row in tried_actions(MultiBinary(tuple("abcdef")), 5)}) == 64
    assert tried_actions(MultiBinary(tuple("abcdefg")), 5).shape == (9, 7)
    allowed = np.array([[True, False, True]])
    sets = np.array([[1, 0, 1], [1, 1, 0]], dtype=bool)
    np.testing.assert_array_equal(possible(MultiBinary(tuple("abc")), allowed, sets), [[True, False]])


@pytest.mark.parametrize(("kind", "width"), [(Valve, 1), (Lamps, 3)])
def test_explainers_take_them(kind, width):
    from dnnexplain.explain import attribute, decide, distil, maximise, visited

    system = kind()
    policy = network(system, width)
    work = system.workloads("episodes", 8, seed=1)
    episodes = system.run(policy, work)
    np.testing.assert_allclose(episodes.cost[3], system.run(policy, [work[3]]).cost[0])
    sampled = system.run(policy, work, seed=5, sample=True)
    np.testing.assert_allclose(sampled.cost[3], system.run(policy, [work[3]], seed=5, sample=True).cost[0])
    state = State(work[0].values)
    assert decide(system, policy, state).taken.shape == (width,)
    assert attribute(system, policy, state, method="integrated-gradients").map.shape == system.observation_shape
    assert maximise(system, policy, 0) is not None
    assert len(visited(system, policy, 8).observations)
    rules = distil(
        system,
        policy,
        lambda count, seed: system.workloads("episodes", count, seed),
        leaves=4,
        sets=6,
        unseen=6,
        seeds=1,
    )
    assert "dark" in rules.text() or "level" in rules.text()
