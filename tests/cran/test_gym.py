"""The environment of gymnasium."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.cran.gym import CloudRanEnv


@pytest.mark.parametrize("parameters", [{}, {"action": "set", "antennas": 2, "family": "walk"}])
def test_gymnasium_finds_no_fault(parameters):
    check_env(CloudRanEnv(**parameters), skip_render_check=True)


@pytest.mark.parametrize("action", ["toggle", "set"])
def test_a_day_in_the_environment_costs_what_it_costs_in_a_run(action, days):
    env = CloudRanEnv(action=action)
    rule = env.system.rules()["tuned-hysteresis"]
    seen, _ = env.reset(options={"day": days[0]})
    rewards, ended = [], False
    while not ended:
        choice = env.system.output.decide(rule.outputs(seen[None]))[0]
        act = np.int64(choice) if action == "toggle" else choice.astype(np.int8)
        seen, reward, ended, _, info = env.step(act)
        assert env.observation_space.contains(seen)
        assert info["served"]
        rewards.append(reward)
    assert -np.mean(rewards) == pytest.approx(env.system.run(rule, days[:1]).cost[0])
    with pytest.raises(DnnExplainError, match="reset"):
        env.step(act)


def test_it_is_registered_under_its_name_and_refuses_what_is_no_action():
    import dnnexplain  # noqa: F401

    env = gymnasium.make("dnnexplain/CloudRan-v0", heads=3)
    env.reset(seed=1)
    with pytest.raises(DnnExplainError, match="must be in Discrete"):
        env.unwrapped.step(9)
