"""A gymnasium environment becomes a system: knobs from its space, episodes, masks, an oracle that plays copies."""

import itertools
from typing import ClassVar

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from dnnexplain.contract import Box, Discrete, DnnExplainError, EpisodeSystem, MultiBinary, State, System
from dnnexplain.explain import attribute
from dnnexplain.explain.probing.states_met import visited
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems import GymSystem

KNOBS = ("position", "speed", "angle", "turning")


class Bare(gymnasium.Env):
    """Counts down from a drawn number; action 1 takes two, 0 takes one; each step costs what is left."""

    observation_space = spaces.Dict({"left": spaces.Box(0, 20, (1,), np.float32), "kind": spaces.Discrete(3)})
    action_space = spaces.Discrete(2, start=5)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left, self.kind = int(self.np_random.integers(5, 15)), int(self.np_random.integers(3))
        return self._seen(), {}

    def step(self, action):
        assert action in {5, 6}
        self.left = max(0, self.left - (action - 4))
        return self._seen(), -float(self.left), self.left == 0, False, {}

    def action_masks(self):
        return np.array([True, self.left >= 2])

    def _seen(self):
        return {"left": np.array([self.left], np.float32), "kind": self.kind}


class Screen(gymnasium.Env):
    observation_space = spaces.Box(0, 255, (12, 18, 3), np.uint8)

    def __init__(self, action_space):
        self.action_space = action_space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.np_random.integers(60, 190, (12, 18, 3)).astype(np.uint8), {}

    def step(self, action):
        assert self.action_space.contains(action)
        return self.np_random.integers(60, 190, (12, 18, 3)).astype(np.uint8), 1.0, False, False, {}


def network(system, width=None):
    import torch
    from torch import nn

    torch.manual_seed(0)
    size = int(np.prod(system.observation_shape))
    layers = nn.Sequential(nn.Flatten(), nn.Linear(size, 8), nn.ReLU(), nn.Linear(8, len(system.output.names)))
    return TorchPolicy(layers, system, name="tiny")


@pytest.fixture(scope="module")
def cart():
    return GymSystem("CartPole-v1", knobs=KNOBS, actions=("left", "right"))


def test_cart_pole_is_a_system_with_the_names_given(cart):
    assert isinstance(cart, System)
    assert isinstance(cart, EpisodeSystem)
    assert tuple(knob.name for knob in cart.knobs) == KNOBS
    assert cart.output == Discrete(("left", "right"))
    assert cart.knobs[0].high == pytest.approx(4.8)
    assert cart.knobs[1].high < 10  # the space has no bound: what random steps showed
    assert "2000 random steps" in cart.assumed[0]


def test_a_tiny_network_on_cart_pole_is_explained_and_says_what_was_assumed(cart):
    policy = network(cart)
    state = cart.state_from_json({"angle": 0.1, "turning": -0.4})
    found = attribute(cart, policy, state, method="integrated-gradients")
    assert set(found.groups) == set(KNOBS)
    assert abs(found.completeness_error) < 1e-2 * max(1.0, abs(found.explained))
    assert found.question.assumed[: len(cart.assumed)] == cart.assumed


def test_an_episode_costs_minus_its_return_as_the_environment_has_it(cart):
    workloads = cart.workloads("episodes", 3, 7)
    cost = cart.run(cart.rules()["always left"], workloads).cost
    for workload, paid in zip(workloads, cost, strict=True):
        env, total, ended = gymnasium.make("CartPole-v1"), 0.0, False
        env.reset(seed=workload.seed)
        while not ended:
            _, reward, ended, _, _ = env.step(0)
            total += reward
        assert paid == -total
    assert cart.run(cart.rules()["always left"], workloads[1:2]).cost[0] == cost[1]


def test_what_was_met_comes_back_to_the_bit(cart):
    seen, rows = cart.visit(cart.rules()["always right"], cart.workloads("episodes", 2, 0))
    assert set(rows.tolist()) == {0, 1}
    values = cart.decode(seen)
    np.testing.assert_array_equal(cart.encode(values, seen), seen)
    found = visited(cart, cart.rules()["always right"], 5)
    assert len(found.states(cart)) == 5


def test_dictionaries_choices_and_masks():
    world = GymSystem(Bare)
    assert [knob.name for knob in world.knobs] == ["kind", "left"]  # gymnasium sorts the keys
    assert world.observation_shape == (4,)
    seen = world.encode(np.array([[2.0, 7.0]]))
    assert seen.tolist() == [[0, 0, 1, 7]]
    np.testing.assert_array_equal(world.decode(seen), [[2.0, 7.0]])
    assert world.cell_group.tolist() == [0, 0, 0, 1]
    visit, _ = world.visit(world.rules()["always action 1"], world.workloads("episodes", 20, 0))
    one_left = visit[visit[:, 3] == 1]
    assert len(one_left)  # the mask forbids taking two of one: the rule took one
    assert not world.valid_actions(one_left)[:, 1].any()
    assert any("all are taken to be" in text for text in world.assumed)


def test_the_oracle_plays_copies_of_the_environment():
    world = GymSystem(Bare, horizon=2)
    seen, _ = world.visit(world.rules()["always action 0"], world.workloads("episodes", 1, 3))
    state = State(world.decode(seen[:1])[0], seen[0])
    left = state.values[1]
    judged = world.judge(state)
    assert judged.best == (1,)
    assert judged.loss[0] == pytest.approx((left - 1) + (left - 3) - (left - 2) - (left - 4))
    with pytest.raises(DnnExplainError, match="restore="):
        world.judge(State(np.array([0.0, 19.5])))

    def restore(env, observation):
        env.unwrapped.left = int(observation[3])

    told = GymSystem(Bare, horizon=1, restore=restore).judge(State(np.array([0.0, 19.0])))
    assert told.loss.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("space", "kind"),
    [(spaces.Box(-2, 3, (2,), np.float32), Box), (spaces.MultiBinary(4), MultiBinary), (spaces.Discrete(3), Discrete)],
)
def test_pictures_and_all_three_kinds_of_actions(space, kind):
    world = GymSystem(Screen(space), steps=4)
    assert isinstance(world.output, kind)
    assert world.observation_shape == (12, 18, 3)
    assert len(world.knobs) == 36
    values = np.linspace(50, 200, 36)[None]
    np.testing.assert_allclose(world.decode(world.encode(values)), values, atol=1e-3)
    policy = network(world)
    assert world.run(policy, world.workloads("episodes", 2, 0)).cost.tolist() == [-4.0, -4.0]
    seen, _ = world.visit(policy, world.workloads("episodes", 1, 0))
    state = State(world.decode(seen[:1])[0], seen[0])
    again = world.state_from_json(world.state_to_json(state))
    np.testing.assert_array_equal(again.background, state.background)
    moved = np.array(state.values)
    moved[5] += 9
    changed = world.encode(moved[None], seen[0])[0] != seen[0]
    assert changed.any()
    assert set(world.cell_group[changed]) == {5}


def test_what_cannot_be_read_is_refused_in_words():
    with pytest.raises(DnnExplainError, match="import the package that registers it"):
        GymSystem("NoSuchWorld-v0")
    with pytest.raises(DnnExplainError, match=r"makes no environment 'CartPole-v99': Environment version"):
        GymSystem("CartPole-v99")
    with pytest.raises(DnnExplainError, match=r"has 4 knobs .* and 2 were named"):
        GymSystem("CartPole-v1", knobs=("a", "b"))
    with pytest.raises(DnnExplainError, match="2 actions, and 3 names"):
        GymSystem("CartPole-v1", actions=("a", "b", "c"))
    with pytest.raises(DnnExplainError, match="Graph is not supported"):
        GymSystem(Screen(spaces.Graph(spaces.Discrete(2), None)))
    with pytest.raises(DnnExplainError, match="not a int"):
        GymSystem(5)


def test_episodes_side_by_side_are_the_same_as_alone(cart):
    policy, workloads = network(cart), cart.workloads("episodes", 5, 3)
    together = cart.run(policy, workloads, seed=4, sample=True).cost
    alone = [cart.run(policy, [one], seed=4, sample=True).cost[0] for one in workloads]
    assert together.tolist() == alone
    seen, rows = cart.visit(policy, workloads)
    assert rows.tolist() == sorted(rows.tolist())
    for row, one in enumerate(workloads):
        np.testing.assert_array_equal(seen[rows == row], cart.visit(policy, [one])[0])


def test_an_environment_that_cannot_be_copied_goes_alone():
    class Alone(Bare):
        def __deepcopy__(self, memo):
            msg = "a socket is open"
            raise TypeError(msg)

    world, usual = GymSystem(Alone), GymSystem(Bare)
    rule, workloads = usual.rules()["always action 1"], usual.workloads("episodes", 4, 2)
    assert world.run(rule, workloads).cost.tolist() == usual.run(rule, workloads).cost.tolist()


class Handle(Bare):
    """As one whose simulator runs elsewhere: a copy has the handle alone, and both move the same."""

    simulators: ClassVar[dict[int, Bare]] = {}

    def __init__(self):
        self.handle = len(self.simulators)
        self.simulators[self.handle] = Bare()

    def reset(self, *, seed=None, options=None):
        return self.simulators[self.handle].reset(seed=seed)

    def step(self, action):
        return self.simulators[self.handle].step(action)

    def action_masks(self):
        return self.simulators[self.handle].action_masks()


def test_copies_that_move_one_simulator_go_alone_and_have_no_oracle():
    world, usual = GymSystem(Handle), GymSystem(Bare)
    rule, workloads = usual.rules()["always action 1"], usual.workloads("episodes", 4, 2)
    assert world.run(rule, workloads).cost.tolist() == usual.run(rule, workloads).cost.tolist()
    seen, _ = world.visit(rule, workloads)
    with pytest.raises(DnnExplainError, match="both move one simulator"):
        world.judge(State(world.decode(seen[:1])[0]))
    assert usual.judge(State(usual.decode(usual.visit(rule, workloads)[0][:1])[0])).exact


def test_every_state_that_was_met_is_played_again_up_to_itself():
    world = GymSystem(Bare)
    seen, _ = world.visit(world.rules()["always action 1"], world.workloads("episodes", 3, 2))
    again = [world._worlds.at(one, "bare").unwrapped for one in seen]
    assert [one.left for one in again] == seen[:, -1].tolist()


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"steps": 2.5},
        {"horizon": -1},
        {"horizon": 2.5},
        {"levels": 1},
        {"levels": 10**9},
        {"levels": "5"},
    ],
    ids=str,
)
def test_counts_that_mean_nothing_are_refused_before_anything_runs(wrong):
    with pytest.raises(DnnExplainError, match=f"{next(iter(wrong))} of GymSystem is a whole number from"):
        GymSystem(Bare, **wrong)


def test_chance_that_is_not_the_environment_s_own_has_no_oracle():
    class Dice(Bare):
        def step(self, action):
            seen, reward, *rest = super().step(action)
            return seen, reward - next(dice), *rest

    dice = itertools.count()
    world = GymSystem(Dice)
    seen, _ = world.visit(world.rules()["always action 1"], world.workloads("episodes", 2, 2))
    with pytest.raises(DnnExplainError, match="np_random"):
        world.judge(State(world.decode(seen[:1])[0]))


def test_a_state_that_is_what_is_seen_is_put_back_and_numbers_are_judged():
    world = GymSystem("MountainCarContinuous-v0", horizon=1)
    values = np.array([-0.4, 0.01])
    lost = world.losses(State(values), np.array([[0.0], [0.5], [1.0]]))
    assert lost == pytest.approx([0, 0.1 * 0.25, 0.1])  # a step costs a tenth of the force squared
    assert world.best_action(State(values)).tolist() == [0.0]
    assert not world.losses_exact
    assert "attribute 'state'" in world.assumed[-1]
    with pytest.raises(DnnExplainError, match="restore="):  # it shows the angle's cosine and sine
        GymSystem("Pendulum-v1", horizon=1).losses(State(np.array([1.0, 0.0, 0.5])), np.array([[0.0]]))


def test_values_between_a_grid_s_points_are_not_proved():
    from dnnexplain.explain.adversarial import attack

    world = GymSystem("MountainCar-v0", horizon=1)
    policy = world.rules()["always action 1"]
    found = attack(world, policy, State(np.array([-0.5, 0.0])), rounds=3)
    assert not found.found
    assert (found.radius, found.single_radius, found.complete) == (0.0, 0.0, False)
    assert "roved:" not in found.words
    assert "can take any value; they were looked at on a grid of 101 each" in found.words


def test_proofs_know_that_without_masks_every_action_is_valid():
    free, masked = GymSystem("MountainCar-v0"), GymSystem(Bare)
    assert [ends.tolist() for ends in free.sure_actions(free._low, free._high)] == [[True] * 3] * 2
    assert [ends.tolist() for ends in masked.sure_actions(masked._low, masked._high)] == [[False] * 2, [True] * 2]


def test_parts_of_a_tuple_are_named_and_a_range_about_zero_has_a_zero():
    class Pair(Bare):
        observation_space = spaces.Tuple((spaces.Discrete(3), spaces.Box(-0.3, 0.3, (2,), np.float32)))

    world = GymSystem(Pair)
    assert [knob.name for knob in world.knobs] == ["part 0", "part 1 0", "part 1 1"]
    assert world.knobs[1].grid()[50] == 0.0


def test_a_proof_of_one_step_speaks_of_one_step():
    from dnnexplain.explain.proofs.ready import robust

    world = GymSystem("MountainCar-v0", horizon=1)
    claim = robust(world, world.rules()["always action 1"], State(np.array([-0.5, 0.0])), 1.0)
    assert "by at most 1 step in all" in claim.text
