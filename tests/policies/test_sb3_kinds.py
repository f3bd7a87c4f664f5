"""Each kind of agent of stable-baselines3 and sb3-contrib against its formula, written down by hand."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch.nn import functional as F  # noqa: N812 - as everyone writes it

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import load, load_any, save
from dnnexplain.systems import GymSystem
from tests.deeprm.test_sb3 import agent

LOW, HIGH = np.array([-2.0, -1.0]), np.array([2.0, 5.0])


class Plain(gymnasium.Env):
    """Any spaces; nothing happens."""

    def __init__(self, seen, acted):
        self.observation_space, self.action_space = seen, acted

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed, options=options)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 1.0, True, False, {}


FLAT = spaces.Box(-1, 1, (4,))
RATES = GymSystem(Plain(FLAT, spaces.Box(LOW.astype(np.float32), HIGH.astype(np.float32))))
CHOICE = GymSystem(Plain(FLAT, spaces.Discrete(3)))
PICTURE = GymSystem(Plain(spaces.Box(0, 255, (40, 44, 3), np.uint8), spaces.Discrete(2)))
SHAPES = {"conv": ((32, 3, 8, 8), (64, 32, 4, 4), (64, 64, 3, 3))}


def layer(held, name, outputs, *inputs, bias=True):
    generator = torch.Generator().manual_seed(len(held) + 1)
    held[f"{name}.weight"] = torch.randn(outputs, *inputs, generator=generator) * 0.3
    if bias:
        held[f"{name}.bias"] = torch.randn(outputs, generator=generator) * 0.3


def run(held, name, seen):
    return F.linear(seen, held[f"{name}.weight"], held.get(f"{name}.bias"))


def squash(value):
    low, high = torch.tensor(LOW), torch.tensor(HIGH)
    return low + 0.5 * (value.tanh() + 1) * (high - low)


def gaussian():
    held = {}
    for name, size, inputs in (("actor.latent_pi.0", 6, 4), ("actor.latent_pi.2", 5, 6), ("actor.mu", 2, 5)):
        layer(held, name, size, inputs)
    layer(held, "actor.log_std", 2, 5)
    layer(held, "critic.qf0.0", 6, 6)
    layer(held, "critic_target.qf0.0", 6, 6)

    def answer(seen):
        hidden = run(held, "actor.latent_pi.2", run(held, "actor.latent_pi.0", seen).relu()).relu()
        return squash(run(held, "actor.mu", hidden))

    return RATES, "stable_baselines3.sac.policies", held, answer


def renormalised():
    _, _, held, _ = gaussian()
    del held["actor.latent_pi.2.weight"], held["actor.latent_pi.2.bias"]
    layer(held, "actor.latent_pi.1", 6, 4)
    layer(held, "actor.mu", 2, 6)
    for name in ("weight", "bias"):
        del held[f"actor.latent_pi.0.{name}"]
    generator = torch.Generator().manual_seed(9)
    for name in ("scale", "bias", "ra_mean", "ra_var"):
        held[f"actor.latent_pi.0.{name}"] = torch.rand(4, generator=generator) + 0.5
    held["actor.latent_pi.0.steps"] = torch.tensor(7)

    def answer(seen):
        told = {name: held[f"actor.latent_pi.0.{name}"] for name in ("scale", "bias", "ra_mean", "ra_var")}
        seen = (seen - told["ra_mean"]) / (told["ra_var"] + 1e-3).sqrt() * told["scale"] + told["bias"]
        return squash(run(held, "actor.mu", run(held, "actor.latent_pi.1", seen).relu()))

    return RATES, "sb3_contrib.crossq.policies", held, answer


def deterministic():
    held = {}
    for part in ("actor", "actor_target"):
        layer(held, f"{part}.mu.0", 6, 4)
        layer(held, f"{part}.mu.2", 2, 6)
    layer(held, "critic.qf0.0", 6, 6)
    return (
        RATES, "stable_baselines3.td3.policies", held,
        lambda seen: squash(run(held, "actor.mu.2", run(held, "actor.mu.0", seen).relu())),
    )  # fmt: skip


def quantiles():
    held = {}
    for part in ("quantile_net", "quantile_net_target"):
        layer(held, f"{part}.quantile_net.0", 6, 4)
        layer(held, f"{part}.quantile_net.2", 5 * 3, 6)

    def answer(seen):
        found = run(held, "quantile_net.quantile_net.2", run(held, "quantile_net.quantile_net.0", seen).relu())
        return found.view(-1, 5, 3).mean(1)

    return CHOICE, "sb3_contrib.qrdqn.policies", held, answer


def remembering():
    held = {}
    for part in ("lstm_actor", "lstm_critic"):
        layer(held, f"{part}.ih", 4 * 5, 4)
        layer(held, f"{part}.hh", 4 * 5, 5)
        for kind in ("ih", "hh"):
            for name in ("weight", "bias"):
                held[f"{part}.{name}_{kind}_l0"] = held.pop(f"{part}.{kind}.{name}")
    layer(held, "mlp_extractor.policy_net.0", 6, 5)
    layer(held, "mlp_extractor.value_net.0", 6, 5)
    layer(held, "action_net", 3, 6)
    layer(held, "value_net", 1, 6)

    def answer(seen):
        gates = seen @ held["lstm_actor.weight_ih_l0"].T + held["lstm_actor.bias_ih_l0"] + held["lstm_actor.bias_hh_l0"]
        into, _, new, out = gates.chunk(4, 1)  # nothing is remembered, so nothing is forgotten
        hidden = out.sigmoid() * (into.sigmoid() * new.tanh()).tanh()
        return run(held, "action_net", run(held, "mlp_extractor.policy_net.0", hidden).tanh())

    return CHOICE, "sb3_contrib.common.recurrent.policies", held, answer


def searched():
    held = {}
    layer(held, "action_net.0", 3, 4, bias=False)
    return CHOICE, "sb3_contrib.ars.policies", held, lambda seen: run(held, "action_net.0", seen)


def seeing():
    held = {}
    for part in ("features_extractor", "pi_features_extractor", "vf_features_extractor"):
        for place, shape in zip((0, 2, 4), SHAPES["conv"], strict=True):
            layer(held, f"{part}.cnn.{place}", *shape)
        layer(held, f"{part}.linear.0", 7, 64 * 1 * 2)
    layer(held, "action_net", 2, 7)
    layer(held, "value_net", 1, 7)

    def answer(seen):
        seen = seen.permute(0, 3, 1, 2) / 255
        for place, stride in ((0, 4), (2, 2), (4, 1)):
            name = f"pi_features_extractor.cnn.{place}"
            seen = F.conv2d(seen, held[f"{name}.weight"], held[f"{name}.bias"], stride).relu()
        return run(held, "action_net", run(held, "pi_features_extractor.linear.0", seen.flatten(1)).relu())

    return PICTURE, "stable_baselines3.common.policies", held, answer


KINDS = (gaussian, renormalised, deterministic, quantiles, remembering, searched, seeing)


@pytest.mark.parametrize("kind", KINDS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("bare", [False, True])
def test_an_agent_is_read_into_layers_that_compute_its_formula(tmp_path, kind, bare):
    world, module, held, answer = kind()
    if bare:
        path = tmp_path / "policy.pth"
        torch.save(held, path)
    else:
        path = agent(tmp_path / "agent.zip", held, module=module, dtype="uint8", high=255)
    policy = load_any(path, world)
    seen = world.encode(np.random.default_rng(0).uniform(world._low, world._high, (6, len(world.knobs))))
    with torch.no_grad():
        expected = answer(torch.from_numpy(seen)).numpy()
    np.testing.assert_allclose(policy.outputs(seen), expected, rtol=1e-4, atol=1e-4)
    kept = load(save(tmp_path / "kept.safetensors", policy), world)
    assert kept.checkpoint == policy.checkpoint
    np.testing.assert_allclose(kept.outputs(seen), expected, rtol=1e-4, atol=1e-4)


def test_what_a_bare_file_leaves_open_is_said(tmp_path):
    world, _, held, _ = seeing()
    torch.save(held, tmp_path / "policy.pth")
    policy = load_any(tmp_path / "policy.pth", world)
    assert any("divided by 255" in sentence and "were assumed to be" in sentence for sentence in policy.assumed)
    assert any("no activation" in sentence for sentence in policy.assumed)


def test_pictures_that_were_not_divided_are_not(tmp_path):
    world, module, held, answer = seeing()
    path = agent(tmp_path / "agent.zip", held, module=module, high=255, normalize_images="False", dtype="uint8")
    seen = world.encode(np.random.default_rng(0).uniform(0, 255, (2, len(world.knobs))))
    with torch.no_grad():
        expected = answer(torch.from_numpy(seen) * 255).numpy()
    np.testing.assert_allclose(load_any(path, world).outputs(seen), expected, rtol=1e-4, atol=1e-3)


def test_an_extractor_of_one_s_own_is_refused_by_name(tmp_path):
    _, module, held, _ = quantiles()
    layer(held, "quantile_net.features_extractor.mine", 4, 4)
    with pytest.raises(DnnExplainError, match=r"this agent has more \(quantile_net\.features_extractor\.mine"):
        load_any(agent(tmp_path / "agent.zip", held, module=module), CHOICE)
