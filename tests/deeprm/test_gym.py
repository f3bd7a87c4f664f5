"""DeepRM in gymnasium: its own checker passes, single and vector, and both play the same game."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from dnnexplain.contract import DnnExplainError
from dnnexplain.environments import register_environments
from dnnexplain.systems.deeprm import gym
from dnnexplain.systems.deeprm.simulator.batch import Simulator
from dnnexplain.systems.deeprm.workloads.families import job_sets

NAME = "dnnexplain/DeepRM-v0"


@pytest.fixture(autouse=True)
def _registered() -> None:
    register_environments()


def test_gymnasiums_checker_passes() -> None:
    check_env(gymnasium.make(NAME).unwrapped)


def test_the_same_seed_gives_the_same_episode() -> None:
    games = []
    for _ in range(2):
        env = gymnasium.make(NAME, slots=3)
        env.reset(seed=4)
        games.append([env.step(action)[:2] for action in (3, 0, 3, 1, 3, 3, 2)])
    for (picture, reward), (other, its) in zip(*games, strict=True):
        assert np.array_equal(picture, other)
        assert reward == its


def test_an_episode_is_the_simulators() -> None:
    jobs = job_sets("deeprm", 1, 8)[0]
    env = gymnasium.make(NAME)
    picture, info = env.reset(options={"jobs": jobs})
    simulator = Simulator(env.unwrapped.params, [jobs])
    ended = False
    while not ended:
        assert np.array_equal(picture, simulator.observe()[0])
        action = int(simulator.rule_actions("sjf")[0])
        assert info["valid_actions"][action]
        picture, reward, ended, cut, info = env.step(action)
        assert reward == simulator.step(np.array([action]))[0]
        assert not cut
    assert simulator.done[0]


def test_a_cut_episode_is_truncated_not_terminated() -> None:
    env = gymnasium.make(NAME, time_limit=5)
    env.reset(seed=0)
    results = [env.step(5)[2:4] for _ in range(6)]
    assert results == [(False, False)] * 5 + [(False, True)]


def test_the_vector_form_restarts_ended_episodes() -> None:
    envs = gymnasium.make_vec(NAME, num_envs=3, time_limit=8)
    pictures, info = envs.reset(seed=1)
    assert pictures.shape == (3, 20, 124)
    times, ends = [], []
    for _ in range(20):
        pictures, rewards, over, cut, info = envs.step(np.array([5, 5, 5]))
        times.append(info["time"][0])
        ends.append(bool(over[0] | cut[0]))
        assert envs.observation_space.contains(pictures)
    assert times == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    assert [i for i, end in enumerate(ends) if end] == [8, 18]
    assert rewards[0] == 0


def test_a_step_before_reset_is_explained() -> None:
    with pytest.raises(DnnExplainError, match="call reset"):
        gym.DeepRMEnv().step(0)
    with pytest.raises(DnnExplainError, match="call reset"):
        gym.DeepRMVectorEnv(2).step(np.array([0, 0]))


def test_it_renders_as_text() -> None:
    env = gymnasium.make(NAME, render_mode="ansi")
    env.reset(seed=0)
    assert len(env.render().splitlines()) == 20


@pytest.mark.parametrize("count", [None, 3])
def test_the_scale_of_observations_is_said_and_chosen(count):
    def make(**options):
        return gymnasium.make(NAME, **options) if count is None else gymnasium.make_vec(NAME, num_envs=count, **options)

    whole, unit = make(), make(scale="unit")
    both = [env.reset(seed=4)[0] for env in (whole, unit)]
    for _ in range(10):
        np.testing.assert_allclose(both[0] / 40, both[1], rtol=1e-6)
        assert both[0].dtype == np.uint8
        assert unit.observation_space.contains(both[1])
        action = 5 if count is None else np.full(count, 5)
        both = [env.step(action)[0] for env in (whole, unit)]
    with pytest.raises(DnnExplainError, match=r"no scale of observations 'byte'.*'bytes'"):
        make(scale="byte")


def test_masks_are_told_by_the_name_that_others_ask_for():
    env = gymnasium.make(NAME)
    _, info = env.reset(seed=1)
    np.testing.assert_array_equal(env.unwrapped.action_masks(), info["valid_actions"])
    assert info["scale"] == "bytes"
