"""The fakes keep the contract and their closed forms hold: other tests lean on them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dnnexplain.contract import DecisionOracle, EpisodeSystem, Pictured, State, state_from_values
from tests.fakes import FakeChoice, FakeRule, FakeSystem

BOTH = pytest.mark.parametrize("system", [FakeSystem(), FakeChoice()], ids=lambda system: system.name)


@BOTH
def test_the_contract_is_kept(system):
    assert isinstance(system, EpisodeSystem)
    assert isinstance(system, Pictured) == isinstance(system, DecisionOracle) == (system.name == "fake-gate")
    assert system.cell_group.shape == system.observation_shape
    assert set(np.unique(system.cell_group)) == set(range(len(system.groups)))


@BOTH
def test_encode_and_decode_are_inverse_and_keep_the_background(system):
    rng = np.random.default_rng(0)
    low, high = ([getattr(knob, side) for knob in system.knobs] for side in ("low", "high"))
    values = system.repair(rng.uniform(low, high, size=(50, 2)))
    np.testing.assert_array_equal(system.repair(values), values)
    background = rng.random(system.observation_shape).astype(np.float32)
    for seen in (system.encode(values), system.encode(values, background)):
        np.testing.assert_allclose(system.decode(seen), values, atol=1e-6)
    corner = (1, 0) if system.name == "fake-vehicle" else (0, 6)
    assert (system.encode(values, background)[:, *corner] == background[corner]).all()


@BOTH
def test_states_survive_json(system):
    state = state_from_values(system, {system.knobs[0].name: 1})
    assert system.state_from_json(system.state_to_json(state)) == state
    assert system.knobs[1].unit in system.describe(state)


def test_the_vehicles_bound_is_its_optimum():
    system = FakeSystem(steps=3)
    gains = [1.0]
    for _ in range(3):
        gains.append(1 + gains[-1] / (1 + gains[-1]))
    later = iter(gains[2::-1])

    def best(values):
        gain = next(later)
        return gain / (1 + gain) * values / np.array([1.0, 10.0])

    starts = system.workloads("wild", 20, seed=1)
    cost = system.run(FakeRule("optimum", system.decode, best), starts).cost
    np.testing.assert_allclose(cost, [system.bound(start).lower for start in starts], rtol=1e-6)
    for rule in system.rules().values():
        assert (system.run(rule, starts).cost >= cost - 1e-9).all()


def test_the_gates_bound_is_brute_force():
    system = FakeChoice()
    for left, right in itertools.product(range(4), range(3)):
        costs = []
        for plan in itertools.product((0, 1), repeat=left + right):
            cars, cost = np.array([left, right], dtype=float), 0.0
            for action in plan:
                cost += cars.sum()
                cars = np.maximum(cars - [[2, 0], [0, 1]][action], 0)
            if not cars.any():
                costs.append(cost)
        assert system.bound((left, right)).lower == min(costs)


def test_the_gates_judge_agrees_with_its_bound():
    system = FakeChoice()
    every = [np.array([left, right]) for left in range(6) for right in range(4)]
    for rule in system.rules().values():
        assert (system.run(rule, every).cost >= [system.bound(cars).lower for cars in every]).all()
    judged = system.judge(State(np.array([3.0, 2.0])))
    assert judged.best == (0,)
    np.testing.assert_array_equal(judged.loss, [0, 1, 5])
    assert np.isnan(system.judge(State(np.array([0.0, 2.0]))).loss[0])


def test_waiting_for_ever_is_charged():
    idle = FakeRule("idle", FakeChoice().decode, lambda values: np.tile([0.0, 0.0, 1.0], (len(values), 1)))
    episodes = FakeChoice(max_steps=10).run(idle, [np.array([2, 1])])
    assert episodes.metrics["starved"].tolist() == [3]
    assert episodes.cost.tolist() == [3 * 10 + 3 * 10]
