"""Agents of stable-baselines3 in a world whose choices do not start at 0, against the package's own encoding."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from dnnexplain.policies import load, load_any, save
from dnnexplain.systems import GymSystem
from tests.deeprm.test_sb3 import agent
from tests.policies.test_sb3_kinds import Plain
from tests.policies.test_sb3_left_open import run

SPACES = {
    "one": spaces.Discrete(6, start=2),
    "below 0": spaces.Discrete(5, start=-2),
    "several": spaces.MultiDiscrete([3, 4], start=[1, 2]),
    "beside numbers": spaces.Tuple((spaces.Box(-1, 1, (2,)), spaces.Discrete(4, start=1))),
}


def as_the_package_sees(space, seen):
    """``stable_baselines3.common.preprocessing.preprocess_obs``: cell ``v`` for value ``v``.

    At a value without a cell it ends in an error (``torch.nn.functional.one_hot``); here none is lit then, as we say.
    """
    if isinstance(space, spaces.Tuple):
        parts = zip(space.spaces, seen, strict=True)
        return np.concatenate([as_the_package_sees(inner, value) for inner, value in parts])
    if isinstance(space, spaces.Box):
        return seen
    each = zip(np.atleast_1d(getattr(space, "nvec", getattr(space, "n", 0))), np.atleast_1d(seen), strict=True)
    return np.concatenate([(np.arange(count) == value).astype(np.float32) for count, value in each])


def actor_critic(wide, outputs=3):
    generator = torch.Generator().manual_seed(3)
    sizes = {"mlp_extractor.policy_net.0": (8, wide), "action_net": (outputs, 8)}
    held = {f"{name}.weight": torch.randn(size, generator=generator) for name, size in sizes.items()}
    return held | {f"{name}.bias": torch.randn(size[0], generator=generator) for name, size in sizes.items()}


@pytest.mark.parametrize("kind", SPACES)
def test_an_agent_sees_choices_as_the_package_lights_them(tmp_path, kind):
    space = SPACES[kind]
    world = GymSystem(Plain(space, spaces.Discrete(3)))
    held = actor_critic(spaces.flatdim(space))
    policy = load_any(agent(tmp_path / "agent.zip", held), world)
    space.seed(0)
    drawn = [space.sample() for _ in range(40)]
    seen = np.stack([as_the_package_sees(space, one) for one in drawn]).astype(np.float32)
    with torch.no_grad():
        hidden = run(held, "mlp_extractor.policy_net.0", torch.from_numpy(seen)).tanh()
        expected = run(held, "action_net", hidden).numpy()
    ours = np.stack([gymnasium.spaces.flatten(space, one) for one in drawn]).astype(np.float32)
    np.testing.assert_allclose(policy.outputs(ours), expected, rtol=1e-4, atol=1e-5)
    assert (ours != seen).any()  # or nothing was tested
    assert any("choices do not start at 0" in sentence for sentence in policy.assumed)
    assert any("the package ends in an error, and here none is lit" in sentence for sentence in policy.assumed)
    again = load(save(tmp_path / "kept.safetensors", policy), world)
    np.testing.assert_array_equal(again.outputs(ours), policy.outputs(ours))


def test_choices_from_0_are_left_as_they_are(tmp_path):
    world = GymSystem(Plain(spaces.Discrete(6), spaces.Discrete(3)))
    policy = load_any(agent(tmp_path / "agent.zip", actor_critic(6)), world)
    assert policy.assumed == ()
    assert not hasattr(policy.module, "cells")


@pytest.mark.parametrize("kind", ["one", "below 0", "several"])
def test_a_choices_knob_has_the_environments_own_values(kind):
    space = SPACES[kind]
    world = GymSystem(Plain(space, spaces.Discrete(2)))
    space.seed(1)
    for one in [space.sample() for _ in range(20)]:
        seen = gymnasium.spaces.flatten(space, one).astype(np.float32)
        values = world.decode(seen[None])
        assert values[0].tolist() == np.atleast_1d(one).tolist()
        np.testing.assert_array_equal(world.encode(values)[0], seen)
    assert [knob.low for knob in world.knobs] == np.atleast_1d(space.start).tolist()


class Dial(Plain):
    """Remembers what it was told."""

    def __init__(self):
        super().__init__(spaces.Box(-1, 1, (2,)), spaces.Box(-10, 10, (2,), np.int8))
        self.told = []

    def step(self, action):
        self.told.append((action.dtype, action.tolist()))
        return super().step(action)


class Same:
    name = "same"

    def outputs(self, observations):
        return np.tile([1.9, -2.7], (len(observations), 1))


def test_whole_numbers_are_rounded_and_that_is_said():
    dial = Dial()
    world = GymSystem(dial)
    assert "int8" in world.assumed[0]
    assert "rounded to the nearest" in world.assumed[0]
    world.run(Same(), world.workloads("episodes", 1, 0))
    assert dial.told == [(np.dtype(np.int8), [2, -3])]
    assert not any("rounded" in sentence for sentence in GymSystem("Pendulum-v1").assumed)
