import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr import Simulator, Trace
from dnnexplain.systems.abr.gym import ABREnv, ABRVectorEnv


def test_it_passes_gymnasiums_own_check():
    check_env(gymnasium.make("dnnexplain/ABR-v0").unwrapped, skip_render_check=True)


def test_an_episode_is_a_session(links):
    env = ABREnv()
    observation, _ = env.reset(options={"trace": links[6]})
    simulator = Simulator([links[6]])
    actions = np.random.default_rng(0).integers(0, 6, 47)
    for number, action in enumerate(actions):
        assert np.array_equal(observation, simulator.observe()[0].astype(np.float32))
        observation, reward, over, cut, info = env.step(int(action))
        assert reward == simulator.step(np.array([action]))[0]
        assert (over, cut) == (number == 46, False)
        assert info["buffer_s"] == simulator.arrays.buffer[0] / 1000


def test_the_same_seed_is_the_same_session():
    one, two = ABREnv(), ABREnv()
    assert np.array_equal(one.reset(seed=3)[0], two.reset(seed=3)[0])
    one.reset()
    assert np.array_equal(one.reset(seed=3)[0], two.reset(seed=3)[0])
    assert not np.array_equal(one.reset(seed=4)[0], two.reset(seed=3)[0])


def test_sessions_of_the_vector_form_start_again(links):
    env = ABRVectorEnv(3, [links[0], links[6]], anywhere=False)
    env.reset(seed=0)
    for _ in range(47):
        _, _, over, _, _ = env.step(np.array([0, 1, 2]))
    assert over.all()
    seen, rewards, over, _, info = env.step(np.array([5, 5, 5]))
    assert not over.any()
    assert (rewards == 0).all()
    assert (seen[:, 5, -1] == np.float32(47 / 48)).all()
    assert (info["buffer_s"] == 4).all()


def test_steps_before_a_reset_are_refused():
    with pytest.raises(DnnExplainError, match="reset"):
        ABREnv().step(0)
    with pytest.raises(DnnExplainError, match="reset"):
        ABRVectorEnv(2).step(np.array([0, 0]))
    env = ABREnv([Trace("even", [0.0, 9.0], [2.0, 2.0])], render_mode="ansi")
    env.reset(seed=0)
    assert env.render() == "chunk 1, 750 kbps, buffer 4.0 s"
