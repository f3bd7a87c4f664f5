"""Compiled quantities and trees against numpy, the picture, and a policy that sees only pictures."""

import numpy as np
import pytest

from dnnexplain import sampling
from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.distillation import Tree, TreePolicy
from dnnexplain.explain.distillation.tree import grow
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain.systems.deeprm.simulator.runner import run_policy
from tests.deeprm.feature_twin import SlowFeatures

WORLDS = [DeepRM(), DeepRM(slots=1), DeepRM(slots=3, horizon=8, units=4, max_job_units=4, max_job_length=5, backlog=10)]


class Unseen(TreePolicy):
    """A tree that the simulator does not know how to run: it gets pictures, like a network."""

    nodes = None


def states(world, seed=0, rule="packer"):
    return world.visit(world.rules()[rule], world.workloads("deeprm", 3, seed, rate=0.8, steps=30))[0]


def drawn_tree(world, seed, leaves=12):
    """A tree with no sense in it, whose leaves rank all moves."""
    rng = np.random.default_rng(seed)
    features = world.features(states(world, seed))
    moves = len(world.features.moves)
    one = grow(features, rng.integers(0, moves, len(features)), np.ones(len(features)), count=moves, leaves=leaves)
    scores = rng.random((len(one.feature), moves)) * (rng.random((len(one.feature), moves)) < 0.4) + 1e-12
    return Tree(one.feature, one.threshold, one.left, one.right, scores / scores.sum(axis=1, keepdims=True), one.weight)


@pytest.mark.parametrize("world", WORLDS, ids=["paper", "one slot", "small"])
@pytest.mark.parametrize("rule", ["packer", "random"])
def test_compiled_quantities_are_those_of_numpy(world, rule):
    seen, slow = states(world, rule=rule), SlowFeatures(world.codec)
    np.testing.assert_allclose(world.features(seen), slow(seen), rtol=1e-14)
    np.testing.assert_array_equal(world.features.actions(seen), slow.actions(seen))


@pytest.mark.parametrize("world", WORLDS, ids=["paper", "one slot", "small"])
def test_the_simulator_describes_what_its_picture_shows(world):
    work = world.workloads("deeprm", 3, 5, rate=0.8, steps=30)
    for name in ("sjf", "random"):
        described = []

        def watch(simulator, rows, actions, described=described):
            described.append(simulator.describe(rows))

        run_policy(world.params, work, world.rules()[name], watch=watch)
        features, moves, valid = (np.concatenate(part) for part in zip(*described, strict=True))
        seen, _ = world.visit(world.rules()[name], work)
        np.testing.assert_array_equal(features, world.features(seen))
        np.testing.assert_array_equal(moves, world.features.actions(seen))
        np.testing.assert_array_equal(valid, world.valid_actions(seen))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("world", WORLDS, ids=["paper", "one slot", "small"])
def test_a_tree_in_the_simulator_schedules_as_one_that_sees_pictures(world, seed):
    tree = drawn_tree(world, seed)
    work = world.workloads("deeprm", 4, seed + 50, rate=0.7, steps=25)
    count = world.params.slots + 1
    fast = run_policy(world.params, work, TreePolicy(tree, world.features, count))
    slow = run_policy(world.params, work, Unseen(tree, world.features, count))
    for name in ("start", "finish", "placed_at", "end", "actions"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name))


def test_states_are_described_as_when_they_are_read_from_pictures():
    world = WORLDS[0]
    work = world.workloads("deeprm", 4, 7, rate=0.8, steps=30)
    rules = world.rules()
    tree = TreePolicy(drawn_tree(world, 1), world.features, 6)
    for visitor in (tree, rules["sjf"], rules["random"]):
        features, moves, valid, outputs, episode, cost = world.visit_described(visitor, rules["tetris"], work, seed=3)
        seen, met_in = world.visit(visitor, work, seed=3)
        np.testing.assert_array_equal(features, world.features(seen))
        np.testing.assert_array_equal(moves, world.features.actions(seen))
        np.testing.assert_array_equal(valid, world.valid_actions(seen))
        np.testing.assert_array_equal(sampling.choose(outputs), sampling.choose(rules["tetris"].outputs(seen)))
        np.testing.assert_array_equal(episode, met_in)
        np.testing.assert_array_equal(cost, world.run(visitor, work, seed=3).cost)


def test_a_tree_of_another_cluster_is_refused():
    world, other = WORLDS[0], DeepRM(slots=8)
    policy = TreePolicy(drawn_tree(other, 0), world.features, 6)
    with pytest.raises(DnnExplainError, match="other quantities"):
        world.run(policy, world.workloads("deeprm", 1, 0))
