"""Knobs that are free and painted along straight lines: the maximum in closed form, however many there are."""

from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import pytest
import torch

from dnnexplain.contract import Knob
from dnnexplain.explain.probing.maximal import maximise, maximise_all
from dnnexplain.explain.probing.neurons import layer_of, neuron_activations
from dnnexplain.explain.probing.straight_box import straight_box
from tests.explain.test_maximal import Capped, Lines, network, small_cluster
from tests.fakes import FakeChoice, FakeSystem


class Mixed(Lines):
    """Five knobs, some stepped, painted into four cells as sums; one knob is not painted at all."""

    name = "mixed"
    knobs = (
        Knob("a", "", -1.0, 2.0, step=None),
        Knob("b", "", 0.0, 3.0, step=None),
        Knob("c", "", 0, 4),
        Knob("d", "", 1, 2),
        Knob("unseen", "", 0.0, 1.0, step=None),
    )
    observation_shape = (2, 2)
    ways = np.array([[1.0, 0, 2, 0], [-1, 1, 0, 0], [0, 3, 0, 1], [0.5, 0, 0, -2], [0, 0, 0, 0]])

    def encode(self, values, background=None):
        return (0.25 + np.asarray(values) @ self.ways).reshape(-1, 2, 2).astype(np.float32)

    def repair(self, values):
        low, high = np.array([[knob.low, knob.high] for knob in self.knobs]).T
        inside = np.clip(values, low, high)
        return np.where([knob.step is None for knob in self.knobs], inside, np.round(inside))


def corners(box):
    """Every corner of a box, the slow way ``[2**K, K]``."""
    return np.array(list(itertools.product(*zip(box.low, box.high, strict=True))))


def grid(system, points=5):
    """Values inside the box too ``[n, K]``."""
    return np.array(list(itertools.product(*(knob.grid(points) for knob in system.knobs))))


def test_every_neuron_equals_brute_force_over_corners_and_grid():
    system = Mixed()
    policy = network(system, 12, seed=4)
    rows = np.concatenate([corners(straight_box(system)), grid(system)])
    seen = neuron_activations(policy, layer_of(system, policy), system.encode(rows))
    for found in maximise_all(system, policy):
        assert found.proved
        assert found.activation == pytest.approx(seen[:, found.neuron].max(), abs=1e-5)
        assert found.state.values[4] == 0.0  # a knob that nobody sees stays at its lowest
        assert "4 knobs that it sees" in found.words


def test_a_small_router_with_a_history_equals_brute_force():
    from dnnexplain.policies import TorchPolicy
    from dnnexplain.systems.routing import RoutingSystem, Topology
    from dnnexplain.systems.routing.networks import dote

    links = ((0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0))
    system = RoutingSystem(Topology("triangle", ("a", "b", "c"), links, np.full(6, 2.0)), k=2, history=2)
    policy = TorchPolicy(dote(system, hidden=(5, 4), seed=2), system)
    rows = corners(straight_box(system))
    assert len(rows) == 2**12
    for layer in ("relu_1", "relu_2"):
        seen = neuron_activations(policy, layer_of(system, policy, layer), system.encode(rows))
        for found in maximise_all(system, policy, layer, restarts=4):
            assert found.proved == (layer == "relu_1")
            assert found.activation >= seen[:, found.neuron].max() - 1e-4 * max(1.0, seen.max())
            np.testing.assert_array_equal(system.repair(found.state.values[None])[0], found.state.values)
    first = maximise(system, policy, 0, "relu_1")
    weight = policy.module.hidden_1.weight.detach().numpy()[0].astype(float) / policy.module.scale.typical
    np.testing.assert_array_equal(first.state.values, np.where(weight > 0, system.knobs[0].high, 0.0))


def test_where_the_box_does_not_hold_the_blocks_are_asked():
    assert straight_box(FakeChoice()) is None  # a picture of rectangles
    assert straight_box(small_cluster(slots=2)) is None
    assert straight_box(FakeSystem()) is None  # a rule ties the knobs
    assert straight_box(Capped(3)) is None
    assert straight_box(Lines()) is not None


def test_a_curved_painting_is_no_box():
    class Curved(Mixed):
        def encode(self, values, background=None):
            rows = np.array(values, dtype=np.float64)
            rows[:, 0] = rows[:, 0] ** 2
            return super().encode(rows)

    class Product(Mixed):
        def encode(self, values, background=None):
            rows = np.array(values, dtype=np.float64)
            rows[:, 0] *= rows[:, 1]
            return super().encode(rows)

    assert straight_box(Curved()) is None
    assert straight_box(Product()) is None


def test_a_deeper_search_is_seeded_and_finds_the_best_corner_of_a_small_box():
    system = Mixed()
    policy = network(system, 10, 6, seed=7)
    rows = np.concatenate([corners(straight_box(system)), grid(system)])
    seen = neuron_activations(policy, layer_of(system, policy, "4"), system.encode(rows))
    for neuron in range(6):
        found = maximise(system, policy, neuron, "4", restarts=4, seed=1)
        assert not found.proved
        assert found.activation >= seen[:, neuron].max() - 1e-4
        assert found == maximise(system, policy, neuron, "4", restarts=4, seed=1)


def test_a_search_in_a_box_reports_its_progress_and_stops():
    system = Mixed()
    policy = network(system, 10, 6)
    told = []
    maximise(system, policy, 0, "4", restarts=3, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    cancel = threading.Event()
    cancel.set()
    assert "stopped early" in maximise(system, policy, 0, "4", cancel=cancel).words


@pytest.mark.parametrize("role", ["dote-history", "dote-current"])
def test_abilene_is_answered_at_once(role):
    from dnnexplain.policies import named_policy as router
    from dnnexplain.systems.routing import RoutingSystem

    torch.set_num_threads(1)
    system = RoutingSystem("abilene", 4, 12, routed=True)
    policy = router(system, role)
    maximise(system, policy, 0)  # what is looked up once per system
    began = time.thread_time()
    found = maximise(system, policy, 3)
    assert time.thread_time() - began < 1.0  # s of processor time; about 0.03 on an idle core
    assert found.proved
    assert found.weighted_input == pytest.approx(found.bound, rel=1e-5)
    began = time.thread_time()
    deep = maximise(system, policy, 3, "network.relu_2", restarts=2)
    assert time.thread_time() - began < 10.0
    assert not deep.proved
    some = system.encode(system.repair(np.random.default_rng(0).random((64, len(system.knobs))) * system.cap))
    layer = layer_of(system, policy, "network.relu_2")
    assert deep.activation >= neuron_activations(policy, layer, some)[:, 3].max()
