"""Environments that do not do as gymnasium's interface says: one sentence with their name and what is wrong."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from dnnexplain import front
from dnnexplain.contract import DnnExplainError
from dnnexplain.systems import GymSystem


class Calm(gymnasium.Env):
    observation_space = spaces.Box(-1, 1, (3,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        return self.seen(), {}

    def seen(self):
        return self.np_random.uniform(-1, 1, 3).astype(np.float32)

    def step(self, action):
        self.count += 1
        return self.seen(), self.reward(action), False, self.count > 5, {}

    def reward(self, action):
        return 1.0


class Crashing(Calm):
    def reward(self, action):
        if self.count == 3:
            msg = "simulator lost"
            raise RuntimeError(msg)
        return 1.0


class Masking(Calm):
    def reward(self, action):
        if action == 1:
            msg = "not allowed now"
            raise ValueError(msg)
        return 1.0


class Old(Calm):
    def step(self, action):
        return super().step(action)[:4]


class OldReset(Calm):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0]


class Several(Calm):
    def reward(self, action):
        return {"speed": 1.0, "fuel": -2.0}


class Elsewhere(Calm):
    def step(self, action):
        return np.zeros(5, np.float32), 1.0, False, False, {}


class Levelled(Calm):
    def reset(self, *, seed=None, options=None):
        self.level = (options or {})["level"]
        return super().reset(seed=seed)

    def reward(self, action):
        return float(self.level)


class Paying(Calm):
    pay = 1.0

    def reward(self, action):
        return self.pay


FAULTS = {
    Crashing: r"Crashing: the environment's own step\(1\) failed: RuntimeError: simulator lost",
    Masking: r"Masking: .*ValueError: not allowed now.*action_masks\(\)",
    Old: r"Old: its step gives 4 things, not observation, reward, terminated, truncated, info; it is written for an older gym",
    OldReset: r"OldReset: its reset gives a ndarray and not \(observation, info\)",
    Several: r"Several: its step pays \{'speed': 1.0, 'fuel': -2.0\}, a reward must be one number",
    Elsewhere: r"Elsewhere shows an observation \(\(5,\)\) that is not of its own observation_space",
    Levelled: r"Levelled: the environment's own reset\(seed=\d+\) failed: KeyError: 'level'.*options=\{\.\.\.\}",
}


@pytest.mark.parametrize("kind", FAULTS, ids=lambda item: item.__name__)
def test_what_an_environment_does_wrong_is_said_everywhere(kind):
    world = GymSystem(kind())
    rule = world.rules()["always action 1"]
    for ask in (
        lambda: world.run(rule, world.workloads("episodes", 2, 0)),
        lambda: world.visit(rule, world.workloads("episodes", 2, 0)),
        lambda: front.explain(world, rule),
    ):
        with pytest.raises(DnnExplainError, match=FAULTS[kind]):
            ask()


@pytest.mark.parametrize("pay", [float("nan"), float("inf")])
def test_a_reward_that_is_no_number_has_no_cost_but_states_that_can_be_explained(pay):
    env = Paying()
    env.pay = pay
    world = GymSystem(env)
    rule = world.rules()["always action 1"]
    assert world.visit(rule, world.workloads("episodes", 1, 0))[0].shape == (6, 3)
    with pytest.raises(
        DnnExplainError, match=r"Paying paid a reward of (nan|inf), so that an episode's cost is no number"
    ):
        world.run(rule, world.workloads("episodes", 1, 0))


def test_an_observation_of_another_space_is_said_also_where_bounds_are_looked_for():
    class Unbounded(Elsewhere):
        observation_space = spaces.Box(-np.inf, np.inf, (3,), np.float32)

    with pytest.raises(DnnExplainError, match=FAULTS[Elsewhere].replace("Elsewhere", "Unbounded")):
        GymSystem(Unbounded())


def test_an_oracle_names_the_fault_itself():
    with pytest.raises(DnnExplainError, match=FAULTS[Masking]) as caught:
        GymSystem(Masking())._worlds.at(np.zeros(3, np.float32), "Masking")
    assert "cannot be copied" not in str(caught.value)
    env = Paying()
    env.pay = float("nan")
    assert GymSystem(env)._worlds.apart  # what differs from itself tells nothing of copies


@pytest.mark.parametrize("pay", [np.array([2.0]), np.float32(2), 2, np.array(2), True])
def test_one_number_in_any_form_is_a_reward(pay):
    env = Paying()
    env.pay = pay
    world = GymSystem(env)
    cost = world.run(world.rules()["always action 1"], world.workloads("episodes", 1, 0)).cost
    np.testing.assert_array_equal(cost, -6 * float(np.ravel(pay)[0]))


def test_options_reach_every_reset():
    world = GymSystem(Levelled(), options={"level": 3})
    cost = world.run(world.rules()["always action 0"], world.workloads("episodes", 2, 0)).cost
    np.testing.assert_array_equal(cost, -18)
    assert world.parameters["options"] == {"level": 3}
    assert world.baselines(None)["beginnings of episodes"].shape == (64, 3)


def test_statistics_of_a_wrapper_move_no_further_and_that_is_said():
    env = gymnasium.wrappers.NormalizeObservation(gymnasium.make("CartPole-v1"))
    env.reset(seed=0)
    for _ in range(8):
        env.step(env.action_space.sample())
    mean = env.obs_rms.mean.copy()
    world = GymSystem(env)
    assert any("NormalizeObservation are those that it has now" in sentence for sentence in world.assumed)
    rule = world.rules()["always action 0"]
    first, again = (world.visit(rule, world.workloads("episodes", 2, 0))[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(env.obs_rms.mean, mean)
